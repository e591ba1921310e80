package qa

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"searchrl/internal/jsonl"
)

// table is a table of questions with a line of column names.
type table struct {
	in      *source
	csv     *csv.Reader
	columns []string // in lower case; nil before the first line was read
	n       int      // records so far
	line    int      // where the last one begins
}

// newTable reads a table whose first bytes are head: tab-separated if its first line has a tab, else comma-separated.
func newTable(r *jsonl.Reader, head []byte) *table {
	in := newSource(r)
	t := &table{in: in, csv: csv.NewReader(in), line: 1}
	first, _, _ := bytes.Cut(head, []byte("\n"))
	if bytes.ContainsRune(first, '\t') {
		t.csv.Comma = '\t'
	}
	return t
}

func (t *table) place() string         { return fmt.Sprintf("line %d", t.line) }
func (t *table) name() string          { return fmt.Sprintf("record-%d", t.n) }
func (t *table) wrong(err error) error { return fmt.Errorf("%s %s: %w", t.in.r.Name(), t.place(), err) }

func (t *table) next() (*record, error) {
	rec, err := t.read()
	if err != nil && err != io.EOF { //nolint:errorlint // a table that breaks off is a csv.ParseError
		err = t.wrong(err)
	}
	return rec, err
}

func (t *table) read() (*record, error) {
	if t.columns == nil {
		if err := t.begin(); err != nil {
			return nil, err
		}
	}
	cells, err := t.cells()
	if err != nil {
		return nil, err
	}
	t.n++
	rec := &record{}
	for i, cell := range cells {
		switch cell := scalar(strings.ToValidUTF8(cell, "\uFFFD")); t.columns[i] {
		case "id":
			rec.ID = cell
		case "_id":
			rec.UnderscoreID = cell
		case "question":
			rec.Question = string(cell)
		case "answer":
			rec.Answer = accepted{cell}
		case "golden_answers":
			rec.GoldenAnswers, err = asList(cell)
		case "answers":
			rec.Answers, err = asList(cell)
		case "possible_answers":
			rec.PossibleAnswers.accepted, err = asList(cell)
		}
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", t.columns[i], err)
		}
	}
	return rec, nil
}

// begin reads the names of the columns.
func (t *table) begin() error {
	names, err := t.cells()
	if err != nil {
		return fmt.Errorf("%w; %s", err, expectedFile)
	}
	columns := make([]string, len(names))
	for i, name := range names {
		columns[i] = strings.ToLower(strings.TrimSpace(name))
	}
	answered := slices.ContainsFunc(columns, func(c string) bool {
		return slices.Contains([]string{"golden_answers", "answers", "answer", "possible_answers"}, c)
	})
	if !slices.Contains(columns, "question") || !answered {
		return fmt.Errorf("found %.60q; %s", strings.Join(names, " "), expectedFile)
	}
	t.columns = columns
	return nil
}

// cells reads one line of the table, which may stand on several lines of the file.
func (t *table) cells() ([]string, error) {
	cells, err := t.csv.Read()
	if wrong := (*csv.ParseError)(nil); errors.As(err, &wrong) {
		t.line = wrong.StartLine
		if errors.Is(err, csv.ErrFieldCount) {
			return nil, fmt.Errorf("%d columns; expected %d as in the first line", len(cells), len(t.columns))
		}
		return nil, fmt.Errorf("column %d: %w", wrong.Column, wrong.Err)
	}
	if err != nil {
		return nil, err
	}
	t.line, _ = t.csv.FieldPos(0)
	t.in.pass(t.csv.InputOffset())
	return cells, nil
}
