package sampling

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// Stops looks for the texts that end a sample in a text that grows piece by piece. It serves one sample at a time.
type Stops struct {
	texts   []string
	longest int
	tail    []byte // the end of the text so far, as much as could begin a stop text
}

// NewStops returns a Stops for the given texts; there may be none.
func NewStops(texts []string) (*Stops, error) {
	s := &Stops{texts: texts}
	for i, text := range texts {
		switch {
		case text == "":
			return nil, fmt.Errorf("stop text %d is empty", i)
		case !utf8.ValidString(text):
			return nil, fmt.Errorf("stop text %d (%q) is not valid UTF-8", i, text)
		}
		s.longest = max(s.longest, len(text))
	}
	return s, nil
}

// Reset forgets the text so far.
func (s *Stops) Reset() { s.tail = s.tail[:0] }

// Push appends piece to the text and returns the stop text that it completes, or "". If it completes several, the one that
// ends first counts; of those, the one listed first.
func (s *Stops) Push(piece string) string {
	if len(s.texts) == 0 || piece == "" {
		return ""
	}
	old := len(s.tail)
	s.tail = append(s.tail, piece...)
	found, end := "", len(s.tail)+1
	for _, text := range s.texts {
		// A match must end within the piece.
		from := max(0, old-len(text)+1)
		if i := bytes.Index(s.tail[from:], []byte(text)); i >= 0 && from+i+len(text) < end {
			found, end = text, from+i+len(text)
		}
	}
	if keep := s.longest - 1; len(s.tail) > keep {
		s.tail = s.tail[:copy(s.tail, s.tail[len(s.tail)-keep:])]
	}
	return found
}
