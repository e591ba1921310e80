package tokenizer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// vocabularyJSON is tokenizer.json as far as it is read.
type vocabularyJSON struct {
	Version       string      `json:"version"`
	Truncation    *struct{}   `json:"truncation"` // not applied
	Padding       *struct{}   `json:"padding"`    // not applied
	AddedTokens   []addedJSON `json:"added_tokens"`
	Normalizer    *stageJSON  `json:"normalizer"`
	PreTokenizer  *stageJSON  `json:"pre_tokenizer"`
	PostProcessor *stageJSON  `json:"post_processor"`
	Decoder       *stageJSON  `json:"decoder"`
	Model         *modelJSON  `json:"model"`
}

type modelJSON struct {
	Type                    string     `json:"type"`
	Dropout                 *float64   `json:"dropout"`
	UnkToken                *string    `json:"unk_token"`
	ContinuingSubwordPrefix *string    `json:"continuing_subword_prefix"`
	EndOfWordSuffix         *string    `json:"end_of_word_suffix"`
	FuseUnk                 bool       `json:"fuse_unk"`
	ByteFallback            bool       `json:"byte_fallback"`
	IgnoreMerges            bool       `json:"ignore_merges"`
	Vocab                   vocabJSON  `json:"vocab"`
	Merges                  mergesJSON `json:"merges"`
}

// vocabJSON maps the spelling of a token to its id.
type vocabJSON map[string]int

// MarshalJSON writes the tokens in the order of their ids, as the reference does.
func (v vocabJSON) MarshalJSON() ([]byte, error) {
	spellings := slices.SortedFunc(maps.Keys(v), func(a, b string) int { return cmp.Compare(v[a], v[b]) })
	var out bytes.Buffer
	out.WriteByte('{')
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for i, spelling := range spellings {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := encoder.Encode(spelling); err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, ":%d", v[spelling])
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

type addedJSON struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// stageJSON is any normaliser, pre-tokeniser, post-processor or decoder. Which fields are set depends on its type.
type stageJSON struct {
	Type           string       `json:"type"`
	Normalizers    []stageJSON  `json:"normalizers,omitempty"`
	Pretokenizers  []stageJSON  `json:"pretokenizers,omitempty"`
	Processors     []stageJSON  `json:"processors,omitempty"`
	Decoders       []stageJSON  `json:"decoders,omitempty"`
	Pattern        *patternJSON `json:"pattern,omitempty"`
	Behavior       string       `json:"behavior,omitempty"`
	Invert         *bool        `json:"invert,omitempty"`
	AddPrefixSpace *bool        `json:"add_prefix_space,omitempty"`
	TrimOffsets    *bool        `json:"trim_offsets,omitempty"`
	UseRegex       *bool        `json:"use_regex,omitempty"`
}

type patternJSON struct {
	Regex  string `json:"Regex,omitempty"`
	String string `json:"String,omitempty"`
}

// mergesJSON is the list of merges in either layout: "a b", as published, or ["a","b"], as newer writers have it.
type mergesJSON [][2]string

// UnmarshalJSON decides on the layout by the first entry; a file that mixes both is refused.
func (m *mergesJSON) UnmarshalJSON(data []byte) error {
	inner := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("[")), " \t\r\n")
	if len(inner) > 0 && inner[0] == '[' {
		var lists [][]string
		if err := json.Unmarshal(data, &lists); err != nil {
			return fmt.Errorf("merges, a list of pairs: %w", err)
		}
		*m = make(mergesJSON, len(lists))
		for i, l := range lists {
			if len(l) != 2 {
				return fmt.Errorf("merge %d is %q, expected a pair", i, l)
			}
			(*m)[i] = [2]string{l[0], l[1]}
		}
		return nil
	}
	var lines []string
	if err := json.Unmarshal(data, &lines); err != nil {
		return fmt.Errorf("merges, a list of strings: %w", err)
	}
	*m = make(mergesJSON, len(lines))
	for i, line := range lines {
		left, right, ok := strings.Cut(line, " ")
		if !ok || strings.Contains(right, " ") {
			return fmt.Errorf("merge %d is %q, expected two tokens with a space between them", i, line)
		}
		(*m)[i] = [2]string{left, right}
	}
	return nil
}

// check says in what the file differs from what this package implements.
func (f *vocabularyJSON) check() error {
	if f.Model == nil {
		return errors.New(`there is no "model"; expected a Hugging Face tokenizer.json`)
	}
	return errors.Join(
		f.Model.check(),
		f.Normalizer.checkNormaliser(),
		f.PreTokenizer.checkPreTokeniser(),
		f.PostProcessor.checkPostProcessor(),
		f.Decoder.checkDecoder(),
	)
}

func (m *modelJSON) check() error {
	unset := func(s *string) bool { return s == nil || *s == "" }
	switch {
	case m.Type != "BPE":
		return fmt.Errorf("the model is of type %q; supported is BPE over bytes", m.Type)
	case m.Dropout != nil && *m.Dropout != 0:
		return fmt.Errorf("the model has a merge dropout of %g; supported is none", *m.Dropout)
	case !unset(m.ContinuingSubwordPrefix):
		return fmt.Errorf("the model has continuing_subword_prefix %q; supported is none", *m.ContinuingSubwordPrefix)
	case !unset(m.EndOfWordSuffix):
		return fmt.Errorf("the model has end_of_word_suffix %q; supported is none", *m.EndOfWordSuffix)
	case m.ByteFallback:
		return errors.New("the model has byte_fallback; supported is BPE over bytes, which needs none")
	case len(m.Vocab) == 0:
		return errors.New("the model's vocabulary is empty")
	}
	return nil
}

// steps returns the parts of a stage: those of a Sequence, else the stage itself, and nothing for a stage that is not there.
func (s *stageJSON) steps() []stageJSON {
	switch {
	case s == nil:
		return nil
	case s.Type != "Sequence":
		return []stageJSON{*s}
	}
	var steps []stageJSON
	for _, list := range [][]stageJSON{s.Normalizers, s.Pretokenizers, s.Processors, s.Decoders} {
		steps = append(steps, list...)
	}
	return steps
}

// describe spells a stage as in the file, for errors.
func (s *stageJSON) describe() string {
	if s == nil {
		return "none"
	}
	text, err := json.Marshal(s)
	if err != nil {
		return s.Type
	}
	return string(text)
}

func (s *stageJSON) checkNormaliser() error {
	for _, step := range s.steps() {
		if step.Type != "NFC" {
			return fmt.Errorf("the normalizer is %s; supported are NFC and none", s.describe())
		}
	}
	return nil
}

func (s *stageJSON) checkPreTokeniser() error {
	steps := s.steps()
	is := func(b *bool, want, absent bool) bool {
		if b == nil {
			return absent == want
		}
		return *b == want
	}
	ok := len(steps) == 2 &&
		steps[0].Type == "Split" && steps[0].Pattern != nil && steps[0].Pattern.Regex == qwenPattern &&
		steps[0].Behavior == "Isolated" && is(steps[0].Invert, false, false) &&
		steps[1].Type == "ByteLevel" && is(steps[1].AddPrefixSpace, false, true) && is(steps[1].UseRegex, false, true)
	if !ok {
		return fmt.Errorf("the pre_tokenizer is %s; supported is that of Qwen2: a Split by %s, Isolated, then ByteLevel "+
			"with add_prefix_space and use_regex false", s.describe(), qwenPattern)
	}
	return nil
}

func (s *stageJSON) checkPostProcessor() error {
	for _, step := range s.steps() {
		if step.Type != "ByteLevel" {
			return fmt.Errorf("the post_processor is %s; supported are ByteLevel and none", s.describe())
		}
	}
	return nil
}

func (s *stageJSON) checkDecoder() error {
	if steps := s.steps(); len(steps) != 1 || steps[0].Type != "ByteLevel" {
		return fmt.Errorf("the decoder is %s; supported is ByteLevel", s.describe())
	}
	return nil
}
