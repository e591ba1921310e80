package qa

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"searchrl/internal/jsonl"
)

// layout tells by its first bytes how a question file is laid out.
func layout(r *jsonl.Reader) records {
	const enough = 4096 // bytes to see the first key
	head := bytes.TrimLeft(r.Peek(enough), " \t\r\n")
	switch {
	case len(head) == 0:
		return &lines{r: r}
	case head[0] == '[':
		return newList(r, "")
	case head[0] != '{':
		return newTable(r, head)
	}
	dec := json.NewDecoder(bytes.NewReader(head))
	_, _ = dec.Token()
	switch key, _ := dec.Token(); key {
	case dataKey, "Domain", "Split", "VerifiedEval", "Version":
		return newList(r, dataKey)
	}
	return &lines{r: r}
}

// dataKey is where a TriviaQA file holds its questions.
const dataKey = "Data"

// lines has a record on every line.
type lines struct{ r *jsonl.Reader }

func (l *lines) next() (*record, error) {
	line, err := l.r.Next()
	if err != nil {
		return nil, err
	}
	rec, err := parseRecord(line)
	if err != nil {
		return nil, l.wrong(err)
	}
	return rec, nil
}

func (l *lines) place() string         { return fmt.Sprintf("line %d", l.r.Line()) }
func (l *lines) name() string          { return fmt.Sprintf("line-%d", l.r.Line()) }
func (l *lines) wrong(err error) error { return l.r.Errorf("%w", err) }

// list is one JSON list of records, or an object that holds it.
type list struct {
	in           *source
	dec          *json.Decoder
	key          string // of the object's field with the list; "" where the list is all
	begun, ended bool
	n            int // records so far
	line         int // where the last one begins
}

func newList(r *jsonl.Reader, key string) *list {
	in := newSource(r)
	return &list{in: in, dec: json.NewDecoder(in), key: key, line: 1}
}

func (l *list) place() string         { return fmt.Sprintf("record %d (line %d)", l.n, l.line) }
func (l *list) name() string          { return fmt.Sprintf("record-%d", l.n) }
func (l *list) wrong(err error) error { return fmt.Errorf("%s %s: %w", l.in.r.Name(), l.place(), err) }

func (l *list) next() (*record, error) {
	rec, err := l.read()
	switch {
	case err == io.EOF && l.ended, err == nil: //nolint:errorlint // the decoder documents io.EOF itself
		return rec, err
	case err == io.EOF, err == io.ErrUnexpectedEOF: //nolint:errorlint // as above; a damaged gzip stream says more
		err = fmt.Errorf("the file breaks off (%w)", io.ErrUnexpectedEOF)
	}
	return nil, l.wrong(err)
}

func (l *list) read() (*record, error) {
	if !l.begun {
		l.begun = true
		if err := l.begin(); err != nil {
			return nil, err
		}
	}
	if !l.dec.More() {
		return nil, l.end()
	}
	l.n++
	var raw json.RawMessage
	if err := l.dec.Decode(&raw); err != nil {
		ahead, _ := io.ReadAll(l.dec.Buffered())
		blank := len(ahead) - len(bytes.TrimLeft(ahead, " \t\r\n"))
		l.line = l.in.pass(l.dec.InputOffset() + int64(blank))
		return nil, err
	}
	l.line = l.in.pass(l.dec.InputOffset() - int64(len(raw)))
	l.in.pass(l.dec.InputOffset())
	return parseRecord(raw)
}

// begin reads up to the first record.
func (l *list) begin() error {
	if l.key != "" {
		if _, err := l.dec.Token(); err != nil {
			return err
		}
		if found, err := l.skipTo(l.key); err != nil {
			return err
		} else if !found {
			return fmt.Errorf("no %q, where a TriviaQA file has its questions", l.key)
		}
	}
	start, err := l.dec.Token()
	if err == nil && start != json.Delim('[') {
		err = fmt.Errorf("%q is no list; expected one of questions", l.key)
	}
	return err
}

// end reads what comes after the last record, so that a file that breaks off is no whole one. It returns io.EOF.
func (l *list) end() error {
	if _, err := l.dec.Token(); err != nil {
		return err
	}
	if l.key != "" {
		if again, err := l.skipTo(l.key); err != nil {
			return err
		} else if again {
			return fmt.Errorf("%q is there twice", l.key)
		}
		if _, err := l.dec.Token(); err != nil {
			return err
		}
	}
	l.ended = true
	more, err := l.dec.Token()
	if err == nil {
		err = fmt.Errorf("%v after the end of the list", more)
	}
	return err
}

// skipTo passes over the fields of an object up to the value of the one named, and says whether there is one.
func (l *list) skipTo(key string) (bool, error) {
	for l.dec.More() {
		field, err := l.dec.Token()
		if err != nil {
			return false, err
		}
		if field == key {
			return true, nil
		}
		var value json.RawMessage
		if err := l.dec.Decode(&value); err != nil {
			return false, err
		}
	}
	return false, nil
}

// source counts the lines of a stream whose reader reads ahead, and refuses records without end.
type source struct {
	r      *jsonl.Reader
	limit  int64   // of a record, in bytes
	read   int64   // bytes handed out
	passed int64   // of those, what has been understood
	line   int     // that passed lies in, from 1
	ends   []int64 // line ends from passed on
}

func newSource(r *jsonl.Reader) *source { return &source{r: r, limit: jsonl.MaxLine, line: 1} }

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	if s.read-s.passed > s.limit {
		return 0, fmt.Errorf("longer than %d bytes", s.limit)
	}
	n, err := s.r.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			s.ends = append(s.ends, s.read+int64(i))
		}
	}
	s.read += int64(n)
	return n, err
}

// pass says that everything before the offset has been understood, and returns the line of the offset.
func (s *source) pass(offset int64) int {
	for len(s.ends) > 0 && s.ends[0] < offset {
		s.line++
		s.ends = s.ends[1:]
	}
	s.passed = max(s.passed, offset)
	return s.line
}
