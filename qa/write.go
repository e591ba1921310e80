package qa

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// WriteQuestions writes one JSON object a line, in the layout that [ReadQuestions] reads back unchanged, but for answers that
// are blank or there twice, which it drops. Questions that it would refuse (without text, without answers, with an id used
// twice) are an error; what precedes them is written.
func WriteQuestions(w io.Writer, questions []Question) error {
	buf := bufio.NewWriter(w)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	indexOf := make(map[string]int, len(questions))
	for i, q := range questions {
		first, seen := indexOf[q.ID]
		if seen && q.ID != "" {
			return fmt.Errorf("writing question %d: id %q is taken by question %d", i, q.ID, first)
		}
		indexOf[q.ID] = i
		line, err := json.Marshal(q)
		var rec *record
		if err == nil {
			rec, err = parseRecord(line)
		}
		if err == nil {
			_, err = rec.question()
		}
		if err == nil {
			err = enc.Encode(q)
		}
		if err != nil {
			return fmt.Errorf("writing question %d (id %q): %w", i, q.ID, err)
		}
	}
	if err := buf.Flush(); err != nil {
		return fmt.Errorf("writing questions: %w", err)
	}
	return nil
}
