package retrieval

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"searchrl/internal/jsonl"
)

// OpenCorpus reads the passages of the file at path, JSON lines, plain or gzip; see [StreamCorpus].
func OpenCorpus(path string) ([]Document, error) {
	r, file, err := jsonl.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the corpus: %w", err)
	}
	defer file.Close()
	return collect(stream(r))
}

// ReadCorpus reads all passages of r, JSON lines, plain or gzip; see [StreamCorpus].
func ReadCorpus(r io.Reader) ([]Document, error) {
	return collect(StreamCorpus(r, "corpus"))
}

// StreamCorpus reads passages one by one from JSON lines, plain or gzip; name stands for r in errors. Each line is an
// object with an "id" (a string or a number) and either
//
//   - "contents", the wiki-18 layout of Search-R1 and FlashRAG: the first line is the title, in double quotes or not,
//     the others are the text; a single line is all text; or
//   - "text", and perhaps "title".
//
// Quotes within a title or a text stay as they are. The first line that differs is yielded as an error, which names the
// file, the line and what was expected there, and ends the sequence. That ids differ is not checked here.
func StreamCorpus(r io.Reader, name string) iter.Seq2[Document, error] {
	lines, err := jsonl.NewReader(r, name)
	if err != nil {
		return func(yield func(Document, error) bool) { yield(Document{}, err) }
	}
	return stream(lines)
}

func stream(r *jsonl.Reader) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		for {
			line, err := r.Next()
			if err == io.EOF { //nolint:errorlint // Next documents io.EOF itself
				return
			}
			var doc Document
			if err == nil {
				if doc, err = ParseDocument(line); err != nil {
					err = r.Errorf("%w", err)
				}
			}
			if err != nil {
				yield(Document{}, err)
				return
			}
			if !yield(doc, nil) {
				return
			}
		}
	}
}

func collect(docs iter.Seq2[Document, error]) ([]Document, error) {
	var all []Document
	for doc, err := range docs {
		if err != nil {
			return nil, err
		}
		all = append(all, doc)
	}
	return all, nil
}

// ParseDocument reads one passage, laid out as a line of a corpus ([StreamCorpus]).
func ParseDocument(line []byte) (Document, error) {
	const expected = `expected an object like {"id": "0", "contents": "\"Title\"\ntext"} or {"id": "0", "title": "…", "text": "…"}`
	var rec struct {
		ID       json.RawMessage `json:"id"`
		Contents *string         `json:"contents"`
		Title    string          `json:"title"`
		Text     *string         `json:"text"`
	}
	if err := json.Unmarshal(line, &rec); err != nil {
		return Document{}, fmt.Errorf("%w; %s", err, expected)
	}
	doc := Document{Title: rec.Title}
	var err error
	if doc.ID, err = parseID(rec.ID); err != nil {
		return Document{}, fmt.Errorf("%w; %s", err, expected)
	}
	switch {
	case rec.Text != nil:
		doc.Text = *rec.Text
	case rec.Contents != nil:
		title, text := splitContents(*rec.Contents)
		if doc.Text = text; title != "" {
			doc.Title = title
		}
	default:
		return Document{}, fmt.Errorf(`neither "contents" nor "text"; %s`, expected)
	}
	return doc, nil
}

// parseID reads an id that is a string or a number and not empty.
func parseID(raw json.RawMessage) (string, error) {
	var id string
	var number json.Number
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return "", errors.New(`no "id"`)
	case json.Unmarshal(raw, &id) == nil && id != "":
		return id, nil
	case raw[0] != '"' && json.Unmarshal(raw, &number) == nil:
		return number.String(), nil
	}
	return "", fmt.Errorf(`"id" is %.40s, not a string or a number`, raw)
}

// splitContents separates the title, without the one pair of quotes around it, from the text.
func splitContents(contents string) (title, text string) {
	title, text, found := strings.Cut(contents, "\n")
	if !found {
		return "", contents
	}
	if n := len(title); n >= 2 && title[0] == '"' && title[n-1] == '"' {
		title = title[1 : n-1]
	}
	return title, text
}
