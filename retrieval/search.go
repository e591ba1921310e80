package retrieval

import (
	"context"
	"fmt"
	"runtime"

	"searchrl/retrieval/topk"
)

// parallelFrom is the size of an index, in postings, from which the queries of one call are spread over the processors:
// below it a query takes a few microseconds, and starting a goroutine costs as much as it saves.
const parallelFrom = 1 << 18

// Search implements [Searcher]. The queries of one call are answered in parallel where the corpus is large.
//
// A query may be any string: words that are in no passage, stop words and bytes that are not UTF-8 are passed over.
func (x *BM25) Search(ctx context.Context, queries []string, k int) ([][]Hit, error) {
	if k < 1 {
		return nil, fmt.Errorf("searching: k is %d; expected at least 1", k)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("searching: %w", err)
	}
	workers := 1
	if x.size >= parallelFrom {
		workers = runtime.GOMAXPROCS(0)
	}
	results := make([][]Hit, len(queries))
	err := x.pool.Each(ctx, workers, len(queries), func(ctx context.Context, s *topk.Scorer, i int) error {
		found, err := s.Top(ctx, x.parse(queries[i]), k)
		results[i] = x.hits(found)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("searching: %w", err)
	}
	return results, nil
}

// parse returns the query's words that stand in some passage, in the order of their first occurrence.
func (x *BM25) parse(query string) *topk.Query {
	var q topk.Query
	x.analyze(query, func(word []byte) {
		if w, known := x.words[string(word)]; known {
			q.Add(w, x.lists[w])
		}
	})
	return &q
}

// hits looks the passages up.
func (x *BM25) hits(found []topk.Scored) []Hit {
	hits := make([]Hit, len(found))
	for i, f := range found {
		hits[i] = Hit{Document: x.docs[f.Doc], Score: f.Score}
	}
	return hits
}
