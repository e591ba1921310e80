package wordpiece

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// The files that are read, at most maxFile bytes of each.
const (
	tokenizerFile  = "tokenizer.json"
	vocabularyFile = "vocab.txt"
	configFile     = "tokenizer_config.json"
	maxFile        = 64 << 20
)

// tokenizerJSON is tokenizer.json as far as it is read.
type tokenizerJSON struct {
	Normalizer *struct {
		Type         string `json:"type"`
		CleanText    *bool  `json:"clean_text"`
		Chinese      *bool  `json:"handle_chinese_chars"`
		StripAccents *bool  `json:"strip_accents"`
		Lowercase    *bool  `json:"lowercase"`
	} `json:"normalizer"`
	PreTokenizer *struct {
		Type string `json:"type"`
	} `json:"pre_tokenizer"`
	PostProcessor *struct {
		Type string `json:"type"`
	} `json:"post_processor"`
	Model *struct {
		Type     string         `json:"type"`
		Unknown  string         `json:"unk_token"`
		Prefix   string         `json:"continuing_subword_prefix"`
		MaxChars *int           `json:"max_input_chars_per_word"`
		Vocab    map[string]int `json:"vocab"`
	} `json:"model"`
}

// Load reads the tokenizer of the model folder at the root of fsys: tokenizer.json, or where that is absent vocab.txt, one
// piece a line, with do_lower_case, strip_accents and tokenize_chinese_chars of tokenizer_config.json if that is there.
func Load(fsys fs.FS) (*Tokenizer, error) {
	data, err := read(fsys, tokenizerFile)
	if err == nil {
		t, err := parse(data)
		if err != nil {
			return nil, fmt.Errorf("wordpiece: %s: %w", tokenizerFile, err)
		}
		return t, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("wordpiece: %w", err)
	}
	if data, err = read(fsys, vocabularyFile); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("neither %s nor %s is there", tokenizerFile, vocabularyFile)
		}
		return nil, fmt.Errorf("wordpiece: %w", err)
	}
	n, err := readConfig(fsys)
	if err != nil {
		return nil, fmt.Errorf("wordpiece: %w", err)
	}
	t, err := fromLines(data, n)
	if err != nil {
		return nil, fmt.Errorf("wordpiece: %s: %w", vocabularyFile, err)
	}
	return t, nil
}

func read(fsys fs.FS, name string) ([]byte, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s is longer than %d bytes", name, maxFile)
	}
	return data, nil
}

// readConfig reads how vocab.txt wants its text; without tokenizer_config.json, as bert-base-uncased does.
func readConfig(fsys fs.FS) (normaliser, error) {
	var c struct {
		Lower   *bool `json:"do_lower_case"`
		Strip   *bool `json:"strip_accents"`
		Chinese *bool `json:"tokenize_chinese_chars"`
	}
	data, err := read(fsys, configFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return normaliser{}, err
	}
	if err == nil {
		if err := json.Unmarshal(data, &c); err != nil {
			return normaliser{}, fmt.Errorf("%s: %w", configFile, err)
		}
	}
	lower := or(c.Lower, true)
	return normaliser{clean: true, chinese: or(c.Chinese, true), accents: or(c.Strip, lower), lower: lower}, nil
}

func parse(data []byte) (*Tokenizer, error) {
	var file tokenizerJSON
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	switch {
	case file.Model == nil:
		return nil, errors.New("no model")
	case file.Model.Type != "WordPiece":
		return nil, fmt.Errorf("the model is %q, expected WordPiece", file.Model.Type)
	case file.Model.Prefix != "##" || file.Model.Unknown != "[UNK]":
		return nil, fmt.Errorf("continuing pieces start with %q and the unknown token is %q, expected \"##\" and \"[UNK]\"", file.Model.Prefix, file.Model.Unknown)
	case file.Normalizer == nil || file.Normalizer.Type != "BertNormalizer":
		return nil, errors.New("the normalizer is not BertNormalizer")
	case file.PreTokenizer == nil || file.PreTokenizer.Type != "BertPreTokenizer":
		return nil, errors.New("the pre_tokenizer is not BertPreTokenizer")
	case file.PostProcessor == nil || file.PostProcessor.Type != "TemplateProcessing" && file.PostProcessor.Type != "BertProcessing":
		return nil, errors.New("the post_processor is neither TemplateProcessing nor BertProcessing")
	}
	lower := or(file.Normalizer.Lowercase, true)
	n := normaliser{
		clean: or(file.Normalizer.CleanText, true), chinese: or(file.Normalizer.Chinese, true),
		accents: or(file.Normalizer.StripAccents, lower), lower: lower,
	}
	return build(file.Model.Vocab, or(file.Model.MaxChars, 100), n)
}

func fromLines(data []byte, n normaliser) (*Tokenizer, error) {
	vocabulary := map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for id := 0; lines.Scan(); id++ {
		piece := strings.TrimRight(lines.Text(), "\r")
		if other, twice := vocabulary[piece]; twice {
			return nil, fmt.Errorf("lines %d and %d are both %q", other+1, id+1, piece)
		}
		vocabulary[piece] = id
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return build(vocabulary, 100, n)
}

// maxID is the largest id that is believed.
const maxID = 1 << 24

func build(vocabulary map[string]int, maxChars int, n normaliser) (*Tokenizer, error) {
	if maxChars < 1 {
		return nil, fmt.Errorf("max_input_chars_per_word is %d, expected 1 or more", maxChars)
	}
	t := &Tokenizer{first: map[string]int{}, rest: map[string]int{}, maxChars: maxChars, normalise: n}
	for piece, id := range vocabulary {
		if id < 0 || id >= maxID {
			return nil, fmt.Errorf("piece %q has id %d, expected 0 to %d", piece, id, maxID-1)
		}
		t.size = max(t.size, id+1)
		t.longest = max(t.longest, len(piece))
		t.first[piece] = id // a word may spell "##" itself only where punctuation is no word of its own: never
		if piece, ok := strings.CutPrefix(piece, "##"); ok {
			t.rest[piece] = id
		}
	}
	for _, special := range []struct {
		piece string
		id    *int
	}{
		{"[UNK]", &t.special.Unknown}, {"[CLS]", &t.special.Start}, {"[SEP]", &t.special.Separator}, {"[PAD]", &t.special.Padding},
	} {
		id, ok := vocabulary[special.piece]
		if !ok {
			return nil, fmt.Errorf("the vocabulary has no %s", special.piece)
		}
		*special.id = id
	}
	return t, nil
}

// or returns *v, or otherwise where v is nil.
func or[T any](v *T, otherwise T) T {
	if v == nil {
		return otherwise
	}
	return *v
}
