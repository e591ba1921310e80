package qa

import (
	"fmt"
	"io"

	"searchrl/internal/jsonl"
)

// OpenQuestions reads the question file at path, JSON lines, plain or gzip; see [ReadQuestions].
func OpenQuestions(path string) ([]Question, error) {
	r, file, err := jsonl.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the question file: %w", err)
	}
	defer file.Close()
	return readQuestions(r)
}

// ReadQuestions reads questions from JSON lines, plain or gzip. Each line is an object with
//
//   - "question": the text;
//   - "golden_answers", else "answers", else "answer": one string or a list of strings, at least one of
//     them not blank (blank ones are dropped);
//   - "id" (or "_id"): a string or a number, unique; a line without one gets "line-N";
//   - optionally "source", "supporting", "keys" and "hops" as in [Question]; where "hops" is missing, it is the length of
//     "decomposition" (MuSiQue) or "evidences" (2WikiMultihopQA). Other fields are ignored.
//
// The first line that differs is an error, which names the file, the line and what was expected there.
func ReadQuestions(r io.Reader) ([]Question, error) {
	lines, err := jsonl.NewReader(r, "questions")
	if err != nil {
		return nil, err
	}
	return readQuestions(lines)
}

func readQuestions(r *jsonl.Reader) ([]Question, error) {
	var questions []Question
	lineOf := map[string]int{}
	for {
		line, err := r.Next()
		if err == io.EOF { //nolint:errorlint // Next documents io.EOF itself
			return questions, nil
		}
		if err != nil {
			return nil, err
		}
		q, err := parseQuestion(line)
		if err != nil {
			return nil, r.Errorf("%w", err)
		}
		if q.ID == "" {
			q.ID = fmt.Sprintf("line-%d", r.Line())
		}
		if first, seen := lineOf[q.ID]; seen {
			return nil, r.Errorf("id %q is taken by line %d; expected ids to be unique", q.ID, first)
		}
		lineOf[q.ID] = r.Line()
		questions = append(questions, q)
	}
}
