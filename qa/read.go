package qa

import (
	"fmt"
	"io"

	"searchrl/internal/jsonl"
)

// OpenQuestions reads the question file at path, plain or gzip; see [ReadQuestions].
func OpenQuestions(path string) ([]Question, error) {
	r, file, err := jsonl.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the question file: %w", err)
	}
	defer file.Close()
	return readQuestions(r)
}

// ReadQuestions reads questions from a file, plain or gzip, whose content says what it is:
//
//   - JSON lines, one record a line (Search-R1, FlashRAG, NQ-open, MuSiQue, PopQA);
//   - one JSON list of records (HotpotQA, 2WikiMultihopQA);
//   - one JSON object with the records in "Data" (TriviaQA);
//   - a table, comma- or tab-separated, whose first line names the columns (Bamboogle, PopQA).
//
// Lists are read in a stream. A record has
//
//   - "question": the text;
//   - "golden_answers", else "answers", "answer" or "possible_answers": a string, a list of strings, or TriviaQA's object with
//     "Value", "Aliases" and "HumanAnswers"; at least one of them not blank (blank ones are dropped, and so is a second copy).
//     PopQA's text that holds a JSON list is that list. To "answer", MuSiQue's "answer_aliases" are added;
//   - "id" (or "_id", "question_id", "QuestionId"): a string or a number, unique; a record without one gets "line-N", or
//     "record-N" in a list or a table;
//   - optionally "source", "supporting", "keys" and "hops" as in [Question].
//
// Where "hops" is missing, it is the length of "decomposition", "question_decomposition" (MuSiQue) or "evidences"
// (2WikiMultihopQA), or the number of passages in "supporting_facts" (HotpotQA). Where "supporting" is missing, it comes from
// MuSiQue's "paragraphs", or from "supporting_facts" and "context" if these hold all the passages; such passages have no id.
// Other fields are ignored. MuSiQue's unanswerable questions are refused, and so is the full Natural Questions file.
//
// The first record that differs is an error, which names the file, the line or record, and what was expected there.
func ReadQuestions(r io.Reader) ([]Question, error) {
	lines, err := jsonl.NewReader(r, "questions")
	if err != nil {
		return nil, err
	}
	return readQuestions(lines)
}

// records hands out the records of a question file.
type records interface {
	// next returns the next record, or io.EOF after the last one. Its errors name the file and the place.
	next() (*record, error)
	// place names the record that next returned last, such as "line 3"; name makes an id of it, such as "line-3".
	place() string
	name() string
	// wrong makes an error about that record, which names the file and the place.
	wrong(err error) error
}

func readQuestions(r *jsonl.Reader) ([]Question, error) {
	var questions []Question
	placeOf := map[string]string{}
	file := layout(r)
	for {
		rec, err := file.next()
		if err == io.EOF { //nolint:errorlint // next documents io.EOF itself
			return questions, nil
		}
		if err != nil {
			return nil, err
		}
		q, err := rec.question()
		if err != nil {
			return nil, file.wrong(err)
		}
		if q.ID == "" {
			q.ID = file.name()
		}
		if first, seen := placeOf[q.ID]; seen {
			return nil, file.wrong(fmt.Errorf("id %q is taken by %s; expected ids to be unique", q.ID, first))
		}
		placeOf[q.ID] = file.place()
		questions = append(questions, q)
	}
}
