package weaviate

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"searchrl/retrieval"
)

// Collection describes a set of passages in Weaviate.
type Collection struct {
	Name     string // a capital letter, then letters, digits and _
	Shards   int    // parts that the passages are spread over; 0 leaves it to Weaviate: one for each node
	Replicas int    // copies of each shard, on different nodes; 0 means 1
	// K1 and B are BM25's parameters; both 0 means those of package retrieval.
	K1, B float64
}

// The properties of an object. Only contents is searched.
const (
	propertyID       = "passage_id"
	propertyPlace    = "place" // in the corpus, from 0
	propertyTitle    = "title"
	propertyContents = "contents" // title and text
)

// CreateCollection makes an empty collection. One that is there already is an error.
func (c *Client) CreateCollection(ctx context.Context, col Collection) error {
	if err := checkName(col.Name); err != nil {
		return fmt.Errorf("weaviate: %w", err)
	}
	if col.Shards < 0 || col.Replicas < 0 {
		return fmt.Errorf("weaviate: %d shards, %d replicas; expected 0 or more", col.Shards, col.Replicas)
	}
	if col.K1 == 0 && col.B == 0 {
		col.K1, col.B = retrieval.DefaultK1, retrieval.DefaultB
	}
	property := func(name, kind string, searched bool) map[string]any {
		p := map[string]any{"name": name, "dataType": []string{kind}, "indexFilterable": false}
		if kind == "text" {
			p["indexSearchable"] = searched
			p["tokenization"] = "word"
		}
		return p
	}
	class := map[string]any{
		"class":             col.Name,
		"vectorizer":        "none",
		"vectorIndexType":   "hnsw",
		"vectorIndexConfig": map[string]any{"distance": "dot"},
		"invertedIndexConfig": map[string]any{
			"bm25":      map[string]any{"k1": col.K1, "b": col.B},
			"stopwords": map[string]any{"preset": "none"},
		},
		"properties": []any{
			property(propertyID, "text", false), property(propertyPlace, "int", false),
			property(propertyTitle, "text", false), property(propertyContents, "text", true),
		},
		"replicationConfig": map[string]any{"factor": max(1, col.Replicas)},
	}
	if col.Shards > 0 {
		class["shardingConfig"] = map[string]any{"desiredCount": col.Shards}
	}
	if err := c.call(ctx, http.MethodPost, "/v1/schema", class, nil); err != nil {
		return fmt.Errorf("weaviate: creating collection %s: %w", col.Name, err)
	}
	return nil
}

// DeleteCollection removes a collection with all that is in it; one that is not there is no error.
func (c *Client) DeleteCollection(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return fmt.Errorf("weaviate: %w", err)
	}
	var r *refusal
	if err := c.call(ctx, http.MethodDelete, "/v1/schema/"+name, nil, nil); err != nil && !(errors.As(err, &r) && r.status == http.StatusNotFound) {
		return fmt.Errorf("weaviate: deleting collection %s: %w", name, err)
	}
	return nil
}

// Count returns the number of objects in a collection.
func (c *Client) Count(ctx context.Context, name string) (int, error) {
	if err := checkName(name); err != nil {
		return 0, fmt.Errorf("weaviate: %w", err)
	}
	var data struct {
		Aggregate map[string][]struct {
			Meta struct {
				Count *int `json:"count"`
			} `json:"meta"`
		}
	}
	if err := c.graphql(ctx, "{Aggregate{"+name+"{meta{count}}}}", &data); err != nil {
		return 0, fmt.Errorf("weaviate: counting %s: %w", name, err)
	}
	if groups := data.Aggregate[name]; len(groups) == 1 && groups[0].Meta.Count != nil {
		return *groups[0].Meta.Count, nil
	}
	return 0, fmt.Errorf("weaviate: counting %s: the reply has no count", name)
}
