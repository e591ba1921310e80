package qa

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// record is one line of a question file as it may be written.
type record struct {
	ID            scalar            `json:"id"`
	UnderscoreID  scalar            `json:"_id"`
	Question      string            `json:"question"`
	GoldenAnswers scalars           `json:"golden_answers"`
	Answers       scalars           `json:"answers"`
	Answer        scalars           `json:"answer"`
	Source        string            `json:"source"`
	Supporting    []Support         `json:"supporting"`
	SupportKind   string            `json:"support_kind"`
	Keys          [][]string        `json:"keys"`
	Hops          int               `json:"hops"`
	Decomposition []json.RawMessage `json:"decomposition"`
	Evidences     []json.RawMessage `json:"evidences"`
}

// parseQuestion reads one line; the ID stays empty if the line has none.
func parseQuestion(line []byte) (Question, error) {
	const expected = `expected an object like {"id": "q1", "question": "…", "golden_answers": ["…"]}`
	var rec record
	if err := json.Unmarshal(line, &rec); err != nil {
		return Question{}, fmt.Errorf("%w; %s", err, expected)
	}
	if strings.TrimSpace(rec.Question) == "" {
		return Question{}, fmt.Errorf(`no "question"; %s`, expected)
	}
	var answers []string
	for _, given := range []scalars{rec.GoldenAnswers, rec.Answers, rec.Answer} {
		for _, answer := range given {
			if strings.TrimSpace(string(answer)) != "" {
				answers = append(answers, string(answer))
			}
		}
		if len(answers) > 0 {
			break
		}
	}
	if len(answers) == 0 {
		return Question{}, fmt.Errorf(`no answer in "golden_answers", "answers" or "answer"; %s`, expected)
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
		rec.Hops = max(len(rec.Decomposition), len(rec.Evidences))
	}
	if rec.ID == "" {
		rec.ID = rec.UnderscoreID
	}
	return Question{
		ID: string(rec.ID), Text: rec.Question, Answers: answers,
		Source: rec.Source, Supporting: rec.Supporting, SupportKind: rec.SupportKind, Keys: rec.Keys, Hops: rec.Hops,
	}, nil
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

// scalars is one scalar or a list of them; null is none.
type scalars []scalar

// UnmarshalJSON implements json.Unmarshaler.
func (s *scalars) UnmarshalJSON(data []byte) error {
	if data[0] == '[' {
		return json.Unmarshal(data, (*[]scalar)(s))
	}
	if data[0] == '{' {
		return errors.New("found an object where a string or a list of strings is expected")
	}
	*s = make(scalars, 1)
	return json.Unmarshal(data, &(*s)[0])
}
