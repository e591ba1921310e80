package weaviate

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"searchrl/retrieval"
)

// atOnce is the number of queries that a search sends at the same time.
const atOnce = 8

// maxHits is Weaviate's default limit of hits.
const maxHits = 10000

// Searcher searches a collection. It is safe for concurrent use.
type Searcher struct {
	client      *Client
	collection  string
	consistency string
	vectors     func(ctx context.Context, queries []string) ([][]float32, error)
	alpha       float64 // of hybrid; -1 is words or vectors alone
}

var _ retrieval.Searcher = (*Searcher)(nil)

// Words returns a searcher by BM25.
func (c *Client) Words(collection string) *Searcher {
	return &Searcher{client: c, collection: collection, alpha: -1}
}

// Vectors returns a searcher by the inner product with the vectors that encode makes of queries, approximately: Weaviate
// searches them with a graph (HNSW).
func (c *Client) Vectors(collection string, encode func(ctx context.Context, queries []string) ([][]float32, error)) *Searcher {
	return &Searcher{client: c, collection: collection, vectors: encode, alpha: -1}
}

// Hybrid returns a searcher by both, joined by Weaviate's ranked fusion: alpha in [0, 1] is the weight of the vectors.
func (c *Client) Hybrid(collection string, encode func(ctx context.Context, queries []string) ([][]float32, error), alpha float64) (*Searcher, error) {
	if encode == nil || !(alpha >= 0 && alpha <= 1) {
		return nil, fmt.Errorf("weaviate: hybrid search with alpha %v; expected an encoder and a number from 0 to 1", alpha)
	}
	return &Searcher{client: c, collection: collection, vectors: encode, alpha: alpha}, nil
}

// WithConsistency returns the same searcher reading at a level, ONE, QUORUM or ALL: how many copies of each shard must be
// within reach for a search not to fail. Whatever the level, Weaviate ranks by one copy of each. The default is Weaviate's,
// ONE. A collection with one copy knows no levels and refuses them.
func (s *Searcher) WithConsistency(level string) *Searcher {
	other := *s
	other.consistency = level
	return &other
}

// Search implements retrieval.Searcher. A blank query gets no hits; k may be at most 10,000.
func (s *Searcher) Search(ctx context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
	out, err := s.search(ctx, queries, k)
	if err != nil {
		return nil, fmt.Errorf("weaviate: searching %s: %w", s.collection, err)
	}
	return out, nil
}

func (s *Searcher) search(ctx context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
	if k < 1 || k > maxHits {
		return nil, fmt.Errorf("k is %d, expected 1 to %d", k, maxHits)
	}
	if err := checkName(s.collection); err != nil {
		return nil, err
	}
	var vectors [][]float32
	if s.vectors != nil && len(queries) > 0 {
		var err error
		if vectors, err = s.vectors(ctx, queries); err != nil {
			return nil, fmt.Errorf("encoding %d queries: %w", len(queries), err)
		}
		if len(vectors) != len(queries) {
			return nil, fmt.Errorf("%d vectors for %d queries", len(vectors), len(queries))
		}
	}
	out := make([][]retrieval.Hit, len(queries))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, query := range queries {
		if strings.TrimSpace(query) == "" {
			continue
		}
		group.Go(func() error {
			var vector []float32
			if vectors != nil {
				vector = vectors[i]
			}
			hits, err := s.one(ctx, query, vector, k)
			if err != nil {
				return fmt.Errorf("query %d: %w", i, err)
			}
			out[i] = hits
			return nil
		})
	}
	return out, group.Wait()
}

// found is an object in a reply. Weaviate gives scores as text and distances as numbers; a distance is minus the inner
// product.
type found struct {
	ID         *string `json:"passage_id"`
	Place      int     `json:"place"`
	Title      string  `json:"title"`
	Contents   string  `json:"contents"`
	Additional struct {
		Score    *string  `json:"score"`
		Distance *float64 `json:"distance"`
	} `json:"_additional"`
}

func (s *Searcher) one(ctx context.Context, query string, vector []float32, k int) ([]retrieval.Hit, error) {
	var how string
	switch {
	case vector == nil:
		how = "bm25:{query:" + quote(query) + `,properties:["` + propertyContents + `"]}`
	case s.alpha < 0:
		how = "nearVector:{vector:" + numbers(vector) + "}"
	default:
		how = "hybrid:{query:" + quote(query) + `,properties:["` + propertyContents + `"],vector:` + numbers(vector) +
			",alpha:" + strconv.FormatFloat(s.alpha, 'g', -1, 64) + ",fusionType:rankedFusion}"
	}
	if s.consistency != "" {
		how += ",consistencyLevel:" + s.consistency
	}
	request := fmt.Sprintf("{Get{%s(%s,limit:%d){%s %s %s %s _additional{score distance}}}}",
		s.collection, how, k, propertyID, propertyPlace, propertyTitle, propertyContents)
	var data struct{ Get map[string][]found }
	if err := s.client.graphql(ctx, request, &data); err != nil {
		return nil, err
	}
	list, ok := data.Get[s.collection]
	if !ok || len(list) > k {
		return nil, fmt.Errorf("the reply has no list of up to %d objects", k)
	}
	type placed struct {
		retrieval.Hit
		place int
	}
	hits := make([]placed, len(list))
	for i, f := range list {
		var score float64
		var err error
		switch {
		case f.ID == nil:
			return nil, errors.New("the reply has an object that is no passage")
		case vector != nil && s.alpha < 0 && f.Additional.Distance != nil:
			score = -*f.Additional.Distance
		case f.Additional.Score != nil:
			if score, err = strconv.ParseFloat(*f.Additional.Score, 64); err != nil {
				return nil, fmt.Errorf("passage %q has the score %q", *f.ID, *f.Additional.Score)
			}
		default:
			return nil, fmt.Errorf("passage %q has no score", *f.ID)
		}
		text := strings.TrimPrefix(f.Contents, f.Title+"\n")
		hits[i] = placed{retrieval.Hit{Document: retrieval.Document{ID: *f.ID, Title: f.Title, Text: text}, Score: score}, f.Place}
	}
	slices.SortStableFunc(hits, func(a, b placed) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.place, b.place)) })
	out := make([]retrieval.Hit, len(hits))
	for i, h := range hits {
		out[i] = h.Hit
	}
	return out, nil
}

// graphql sends a query and decodes its data. A reply with errors is an error, even if it has data, too. Some of Weaviate's
// errors are those of a node that is gone; they are tried again.
func (c *Client) graphql(ctx context.Context, query string, data any) error {
	var reply struct {
		Data   json.RawMessage `json:"data"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	for try := 1; ; try++ {
		reply.Data, reply.Errors = nil, nil
		if err := c.call(ctx, http.MethodPost, "/v1/graphql", map[string]string{"query": query}, &reply); err != nil {
			return err
		}
		if len(reply.Errors) == 0 {
			break
		}
		message := reply.Errors[0].Message
		if try >= c.opts.Tries || !passing(message) {
			return fmt.Errorf("the server says: %s", shorten(message))
		}
		if err := c.wait(ctx, try); err != nil {
			return err
		}
		c.next.Add(1)
	}
	if len(reply.Data) == 0 || bytes.Equal(reply.Data, []byte("null")) {
		return errors.New("the reply has no data")
	}
	if err := json.Unmarshal(reply.Data, data); err != nil {
		return fmt.Errorf("the reply is not as expected: %w", err)
	}
	return nil
}

// passing reports whether an error that a node reports about the cluster may pass.
func passing(message string) bool {
	for _, sign := range []string{"connect", "replica", "remote", "EOF", "timeout", "deadline", "unavailable", "leader", "no such host"} {
		if strings.Contains(message, sign) {
			return true
		}
	}
	return false
}

// quote writes a GraphQL string. JSON's escapes are among GraphQL's.
func quote(text string) string {
	quoted, _ := json.Marshal(strings.ToValidUTF8(text, " ")) // a string: cannot fail
	return string(quoted)
}

func numbers(v []float32) string {
	text, _ := json.Marshal(v) // checked by the encoder to be finite
	return string(text)
}
