package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"searchrl/retrieval"
)

// Request is the body of POST /retrieve.
type Request struct {
	Queries      []string `json:"queries"`
	TopK         int      `json:"topk,omitempty"` // 0 if the client leaves it to the server
	ReturnScores bool     `json:"return_scores"`
}

// Limits bound what a server takes.
type Limits struct {
	Queries int // a request
	TopK    int
}

// ParseRequest reads a request and holds it against the limits.
func ParseRequest(body []byte, limits Limits) (Request, error) {
	const expected = `expected an object like {"queries": ["…"], "topk": 3, "return_scores": true}`
	if !utf8.Valid(body) {
		return Request{}, errors.New("the body is not UTF-8")
	}
	var raw struct {
		Queries      texts `json:"queries"`
		Query        texts `json:"query"`
		TopK         *int  `json:"topk"`
		ReturnScores bool  `json:"return_scores"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		if found := (*json.UnmarshalTypeError)(nil); errors.As(err, &found) { // whose own words are those of Go's types
			err = fmt.Errorf("the body is a JSON %s", found.Value)
			if found.Field != "" {
				err = fmt.Errorf("found a JSON %s in %q", found.Value, found.Field)
			}
		}
		return Request{}, fmt.Errorf("%w; %s", err, expected)
	}
	r := Request{Queries: raw.Queries, ReturnScores: raw.ReturnScores}
	if r.Queries == nil {
		r.Queries = raw.Query
	} else if raw.Query != nil {
		return Request{}, fmt.Errorf(`both "queries" and "query"; %s`, expected)
	}
	switch {
	case r.Queries == nil:
		return Request{}, fmt.Errorf(`neither "queries" nor "query"; %s`, expected)
	case len(r.Queries) > limits.Queries:
		return Request{}, fmt.Errorf("%d queries; at most %d a request are taken", len(r.Queries), limits.Queries)
	}
	if raw.TopK != nil {
		if *raw.TopK < 1 || *raw.TopK > limits.TopK {
			return Request{}, fmt.Errorf(`"topk" is %d; expected 1 to %d`, *raw.TopK, limits.TopK)
		}
		r.TopK = *raw.TopK
	}
	return r, nil
}

// texts is a list of texts, or one; nil if absent or null.
type texts []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *texts) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	if data[0] == '"' {
		*t = make(texts, 1)
		return json.Unmarshal(data, &(*t)[0])
	}
	var list []*string
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	*t = make(texts, len(list))
	for i, text := range list {
		if text == nil {
			return fmt.Errorf("query %d is null", i)
		}
		(*t)[i] = *text
	}
	return nil
}

type document struct {
	ID       string `json:"id"`
	Contents string `json:"contents"`
}

type scored struct {
	Document document `json:"document"`
	Score    float64  `json:"score"`
}

// AppendReply appends the reply to a request. Scores must be finite.
func AppendReply(to []byte, results [][]retrieval.Hit, scores bool) ([]byte, error) {
	var reply any
	if scores {
		lists := make([][]scored, len(results))
		for i, hits := range results {
			lists[i] = make([]scored, len(hits))
			for j, hit := range hits {
				lists[i][j] = scored{document{hit.ID, Contents(hit.Document)}, hit.Score}
			}
		}
		reply = map[string]any{"result": lists}
	} else {
		lists := make([][]document, len(results))
		for i, hits := range results {
			lists[i] = make([]document, len(hits))
			for j, hit := range hits {
				lists[i][j] = document{hit.ID, Contents(hit.Document)}
			}
		}
		reply = map[string]any{"result": lists}
	}
	data, err := json.Marshal(reply)
	return append(to, data...), err
}

// Contents is a passage in the wiki-18 layout: the title in double quotes, a line break, the text. Line breaks in the title
// become spaces.
func Contents(d retrieval.Document) string {
	return `"` + strings.ReplaceAll(d.Title, "\n", " ") + "\"\n" + d.Text
}

// ParseReply reads the reply to a request for that many queries, at most k passages each, with scores. Whatever is not
// exactly that is an error: another number of results, more than k or twice the same passage, a null, a score that is
// missing or no finite number, bytes that are not UTF-8. So a broken server is never taken for one that found nothing.
func ParseReply(body []byte, queries, k int) ([][]retrieval.Hit, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("the reply is not UTF-8")
	}
	var reply struct {
		Result []*[]*struct {
			Document *json.RawMessage `json:"document"`
			Score    *float64         `json:"score"`
		} `json:"result"`
	}
	if err := json.Unmarshal(body, &reply); err != nil {
		return nil, fmt.Errorf(`the reply: %w; expected {"result": [[{"document": {…}, "score": …}, …], …]}`, err)
	}
	if len(reply.Result) != queries {
		return nil, fmt.Errorf("the reply has %d results; expected one for each of the %d queries", len(reply.Result), queries)
	}
	results := make([][]retrieval.Hit, queries)
	for i, list := range reply.Result {
		switch {
		case list == nil:
			return nil, fmt.Errorf("result %d is null", i)
		case len(*list) > k:
			return nil, fmt.Errorf("result %d has %d passages; %d were asked for", i, len(*list), k)
		}
		results[i] = make([]retrieval.Hit, len(*list))
		seen := map[string]bool{}
		for j, item := range *list {
			if item == nil || item.Document == nil || item.Score == nil {
				return nil, fmt.Errorf("result %d, passage %d: expected a document and a score", i, j)
			}
			doc, err := retrieval.ParseDocument(*item.Document)
			if err != nil {
				return nil, fmt.Errorf("result %d, passage %d: %w", i, j, err)
			}
			if math.IsNaN(*item.Score) || math.IsInf(*item.Score, 0) {
				return nil, fmt.Errorf("result %d, passage %d: its score is %v", i, j, *item.Score)
			}
			if seen[doc.ID] {
				return nil, fmt.Errorf("result %d has the passage %q twice", i, doc.ID)
			}
			seen[doc.ID] = true
			results[i][j] = retrieval.Hit{Document: doc, Score: *item.Score}
		}
	}
	return results, nil
}
