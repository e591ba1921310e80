package qa

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// annotatedSupport is the SupportKind of a data set's own supporting passages.
const annotatedSupport = "annotated"

// original holds the fields of the data sets' own files that say how a question is answered.
type original struct {
	// HotpotQA (Yang et al. 2018) and 2WikiMultihopQA (Ho et al. 2020): [[title, sentence], …] and [[title, [sentence, …]], …].
	SupportingFacts json.RawMessage   `json:"supporting_facts"`
	Context         json.RawMessage   `json:"context"`
	Evidences       []json.RawMessage `json:"evidences"`

	// MuSiQue (Trivedi et al. 2022); the first is what others call the second.
	Decomposition         []json.RawMessage `json:"decomposition"`
	QuestionDecomposition []json.RawMessage `json:"question_decomposition"`
	Paragraphs            json.RawMessage   `json:"paragraphs"`
	Answerable            *bool             `json:"answerable"`

	QuestionText string `json:"question_text"` // of the full Natural Questions (Kwiatkowski et al. 2019)
}

// refused reports what is a question of these data sets and cannot be asked.
func (o *original) refused() error {
	switch {
	case o.Answerable != nil && !*o.Answerable:
		return errors.New(`"answerable" is false; expected the file MuSiQue-Ans, whose questions all have an answer`)
	case o.QuestionText != "":
		return errors.New(`"question_text" is of the full Natural Questions; expected NQ-open, {"question": "…", "answer": ["…"]}`)
	}
	return nil
}

// hops counts the facts that must be combined, 0 if unknown.
func (o *original) hops() int {
	if n := max(len(o.Decomposition), len(o.QuestionDecomposition), len(o.Evidences)); n > 0 {
		return n
	}
	return len(o.titles())
}

// titles returns the titles of the supporting facts, each once, in the order in which they are named; none if the field is
// of another data set.
func (o *original) titles() []string {
	var named []string
	var columns struct{ Title []string } // as Hugging Face has it
	var pairs [][]any
	switch {
	case json.Unmarshal(o.SupportingFacts, &columns) == nil:
		named = columns.Title
	case json.Unmarshal(o.SupportingFacts, &pairs) == nil:
		for _, pair := range pairs {
			if len(pair) != 2 {
				return nil
			}
			title, ok := pair[0].(string)
			if !ok {
				return nil
			}
			named = append(named, title)
		}
	}
	var titles []string
	for _, title := range named {
		if !slices.Contains(titles, title) {
			titles = append(titles, title)
		}
	}
	return titles
}

// supporting returns the supporting passages, without ids; none where the record does not hold them all.
func (o *original) supporting() ([]Support, error) {
	if len(o.Paragraphs) > 0 && len(o.QuestionDecomposition) > 0 {
		return o.supportingParagraphs()
	}
	titles := o.titles()
	if len(titles) == 0 || len(o.Context) == 0 {
		return nil, nil
	}
	texts, err := o.texts()
	if err != nil {
		return nil, err
	}
	var supporting []Support
	for _, title := range titles {
		text, known := texts[title]
		if !known { // the context of HotpotQA's fullwiki files was retrieved
			return nil, nil
		}
		supporting = append(supporting, Support{Title: title, Text: text})
	}
	return supporting, nil
}

// texts returns the passages of the context by title.
func (o *original) texts() (map[string]string, error) {
	const expected = `expected [["Title", ["sentence", …]], …]`
	var columns struct {
		Title     []string
		Sentences [][]string
	}
	texts := map[string]string{}
	if json.Unmarshal(o.Context, &columns) == nil {
		if len(columns.Title) != len(columns.Sentences) {
			return nil, fmt.Errorf(`"context" has %d titles and %d passages; expected as many`, len(columns.Title), len(columns.Sentences))
		}
		for i, title := range columns.Title {
			texts[title] = joined(columns.Sentences[i])
		}
		return texts, nil
	}
	var pairs [][2]json.RawMessage
	if err := json.Unmarshal(o.Context, &pairs); err != nil {
		return nil, fmt.Errorf(`"context": %w; %s`, err, expected)
	}
	for i, pair := range pairs {
		var title string
		var sentences []string
		if err := errors.Join(json.Unmarshal(pair[0], &title), json.Unmarshal(pair[1], &sentences)); err != nil {
			return nil, fmt.Errorf(`"context", passage %d: %w; %s`, i+1, err, expected)
		}
		texts[title] = joined(sentences)
	}
	return texts, nil
}

// joined makes a text of sentences, some of which begin with a space (HotpotQA) and some do not (2WikiMultihopQA).
func joined(sentences []string) string {
	trimmed := make([]string, len(sentences))
	for i, s := range sentences {
		trimmed[i] = strings.TrimSpace(s)
	}
	return strings.Join(trimmed, " ")
}

// paragraph is one of MuSiQue's.
type paragraph struct {
	Index      int    `json:"idx"`
	Title      string `json:"title"`
	Text       string `json:"paragraph_text"`
	Supporting bool   `json:"is_supporting"`
}

// supportingParagraphs returns MuSiQue's supporting paragraphs in the order of the sub-questions.
func (o *original) supportingParagraphs() ([]Support, error) {
	var paragraphs []paragraph
	if err := json.Unmarshal(o.Paragraphs, &paragraphs); err != nil {
		return nil, fmt.Errorf(`"paragraphs": %w; expected [{"idx": 0, "title": "…", "paragraph_text": "…", "is_supporting": true}, …]`, err)
	}
	turn := map[int]int{} // index of a paragraph → the sub-question it answers
	for i, raw := range o.QuestionDecomposition {
		var sub struct {
			Paragraph *int `json:"paragraph_support_idx"`
		}
		if err := json.Unmarshal(raw, &sub); err != nil {
			return nil, fmt.Errorf(`"question_decomposition", sub-question %d: %w; expected {"question": "…", "paragraph_support_idx": 0}`, i+1, err)
		}
		if sub.Paragraph != nil {
			turn[*sub.Paragraph] = i
		}
	}
	slices.SortStableFunc(paragraphs, func(a, b paragraph) int { return turn[a.Index] - turn[b.Index] })
	var supporting []Support
	for _, p := range paragraphs {
		if p.Supporting {
			supporting = append(supporting, Support{Title: p.Title, Text: p.Text})
		}
	}
	return supporting, nil
}
