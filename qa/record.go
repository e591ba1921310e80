package qa

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// record is one question as a file may have it. Names are matched without regard to case, so TriviaQA's "Question" is
// question.
type record struct {
	ID              scalar     `json:"id"`
	UnderscoreID    scalar     `json:"_id"`
	QuestionID      scalar     `json:"question_id"`
	TriviaID        scalar     `json:"QuestionId"`
	Question        string     `json:"question"`
	GoldenAnswers   accepted   `json:"golden_answers"`
	Answers         accepted   `json:"answers"`
	Answer          accepted   `json:"answer"`
	PossibleAnswers inText     `json:"possible_answers"`
	AnswerAliases   accepted   `json:"answer_aliases"`
	Source          string     `json:"source"`
	Supporting      []Support  `json:"supporting"`
	SupportKind     string     `json:"support_kind"`
	Keys            [][]string `json:"keys"`
	Hops            int        `json:"hops"`
	original
}

const (
	expectedRecord = `expected an object like {"id": "q1", "question": "…", "golden_answers": ["…"]}`
	expectedFile   = expectedRecord + " on every line, a list of such objects, or a table whose first line names its columns, question and answer among them"
)

func parseRecord(data []byte) (*record, error) {
	var rec record
	if err := json.Unmarshal(data, &rec); err != nil {
		return nil, fmt.Errorf("%w; %s", err, expectedRecord)
	}
	return &rec, nil
}

// question checks the record; the ID stays empty if the record has none.
func (rec *record) question() (Question, error) {
	if err := rec.refused(); err != nil {
		return Question{}, err
	}
	if strings.TrimSpace(rec.Question) == "" {
		return Question{}, fmt.Errorf(`no "question"; %s`, expectedRecord)
	}
	answers := rec.answers()
	if len(answers) == 0 {
		return Question{}, fmt.Errorf(`no answer in "golden_answers", "answers", "answer" or "possible_answers"; %s`, expectedRecord)
	}
	for i, wordings := range rec.Keys {
		if len(wordings) == 0 {
			return Question{}, fmt.Errorf(`"keys" has no wording for fact %d; expected one or more for each`, i+1)
		}
	}
	if rec.Hops < 0 {
		return Question{}, fmt.Errorf(`"hops" is %d; expected 0 or more`, rec.Hops)
	}
	if rec.Hops == 0 {
		rec.Hops = rec.original.hops()
	}
	if len(rec.Supporting) == 0 {
		supporting, err := rec.original.supporting()
		if err != nil {
			return Question{}, err
		}
		if len(supporting) > 0 {
			rec.Supporting, rec.SupportKind = supporting, annotatedSupport
		}
	}
	id := rec.ID
	for _, other := range []scalar{rec.UnderscoreID, rec.QuestionID, rec.TriviaID} {
		if id == "" {
			id = other
		}
	}
	return Question{
		ID: string(id), Text: rec.Question, Answers: answers,
		Source: rec.Source, Supporting: rec.Supporting, SupportKind: rec.SupportKind, Keys: rec.Keys, Hops: rec.Hops,
	}, nil
}

// answers returns the answers of the first field that has any.
func (rec *record) answers() []string {
	answer := rec.Answer
	if len(answer) > 0 {
		answer = slices.Concat(answer, rec.AnswerAliases)
	}
	for _, given := range []accepted{rec.GoldenAnswers, rec.Answers, answer, rec.PossibleAnswers.accepted} {
		var answers []string
		for _, a := range given {
			if text := string(a); strings.TrimSpace(text) != "" && !slices.Contains(answers, text) {
				answers = append(answers, text)
			}
		}
		if len(answers) > 0 {
			return answers
		}
	}
	return nil
}

// scalar is a string or a number, kept as text; null is "".
type scalar string

// UnmarshalJSON implements json.Unmarshaler.
func (s *scalar) UnmarshalJSON(data []byte) error {
	var number json.Number
	switch {
	case data[0] == '"' || string(data) == "null":
		return json.Unmarshal(data, (*string)(s))
	case json.Unmarshal(data, &number) == nil:
		*s = scalar(number)
		return nil
	}
	return fmt.Errorf("found %.40s where a string or a number is expected", data)
}

// accepted is one scalar, a list of them, or TriviaQA's object; null is none.
type accepted []scalar

// UnmarshalJSON implements json.Unmarshaler.
func (s *accepted) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '[':
		return json.Unmarshal(data, (*[]scalar)(s))
	case '{':
		var trivia struct {
			Value        scalar
			Aliases      []scalar
			HumanAnswers []scalar
		}
		if err := json.Unmarshal(data, &trivia); err != nil {
			return err
		}
		*s = slices.Concat(accepted{trivia.Value}, trivia.Aliases, trivia.HumanAnswers)
		if len(*s) == 1 && trivia.Value == "" {
			return errors.New(`found an object without "Value" and "Aliases" where a string, a list of strings or TriviaQA's answer is expected`)
		}
		return nil
	}
	*s = make(accepted, 1)
	return json.Unmarshal(data, &(*s)[0])
}

// inText is as accepted, or a text that holds a JSON list, as PopQA has it.
type inText struct{ accepted }

// UnmarshalJSON implements json.Unmarshaler.
func (s *inText) UnmarshalJSON(data []byte) (err error) {
	if data[0] != '"' {
		return s.accepted.UnmarshalJSON(data)
	}
	var text scalar
	if err = text.UnmarshalJSON(data); err == nil {
		s.accepted, err = asList(text)
	}
	return err
}

// asList returns the list that a text holds as JSON, or the text alone if it does not begin as a list does.
func asList(text scalar) (accepted, error) {
	if !strings.HasPrefix(strings.TrimSpace(string(text)), "[") {
		return accepted{text}, nil
	}
	var list accepted
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf(`found %.40q; expected a text or a JSON list such as ["a", "b"] (%w)`, text, err)
	}
	return list, nil
}
