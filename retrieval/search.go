package retrieval

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// parallelFrom is the size of an index, in postings, from which the queries of one call are spread over the processors:
// below it a query takes a few microseconds, and starting a goroutine costs as much as it saves.
const parallelFrom = 1 << 18

// pruneFrom is the number of postings from which a search tries to get by without reading them all.
const pruneFrom = 4096

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
	results := make([][]Hit, len(queries))
	workers := 1
	if x.size >= parallelFrom {
		workers = min(runtime.GOMAXPROCS(0), len(queries))
	}
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	work := func() error {
		s := x.scratch.Get().(*scratch)
		defer x.scratch.Put(s)
		for {
			i := int(next.Add(1)) - 1
			if i >= len(queries) {
				return nil
			}
			hits, err := x.search(ctx, s, queries[i], k)
			if err != nil {
				return fmt.Errorf("searching: %w", err)
			}
			results[i] = hits
		}
	}
	for range workers - 1 {
		group.Go(work)
	}
	err := work()
	if other := group.Wait(); err == nil {
		err = other
	}
	if err != nil {
		return nil, err
	}
	return results, nil
}

// scratch is the working memory of one search.
type scratch struct {
	sum     []float64 // score so far of every passage; all 0 between searches
	touched []uint32  // the passages with a score > 0
	kept    []uint32  // of those, the ones that pruning has not ruled out
}

// clause is a distinct word of a query.
type clause struct {
	*list
	times float64 // how often it stands in the query
}

// parse returns the query's words that stand in some passage, in the order of their first occurrence.
func (x *BM25) parse(query string) []clause {
	var clauses []clause
	place := map[uint32]int{}
	x.analyze(query, func(word []byte) {
		w, known := x.words[string(word)]
		if !known {
			return
		}
		i, seen := place[w]
		if !seen {
			i = len(clauses)
			place[w] = i
			clauses = append(clauses, clause{list: &x.lists[w]})
		}
		clauses[i].times++
	})
	return clauses
}

func (x *BM25) search(ctx context.Context, s *scratch, query string, k int) ([]Hit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	clauses := x.parse(query)
	postings := 0
	for _, c := range clauses {
		postings += len(c.docs)
	}
	find := s.exhaustive
	if postings > pruneFrom && postings/32 > k && len(clauses) <= 256 {
		find = s.pruned
	}
	found, err := find(ctx, clauses, k)
	if err != nil {
		return nil, err
	}
	return x.hits(found), nil
}

// hits looks the passages up.
func (x *BM25) hits(found []scored) []Hit {
	hits := make([]Hit, len(found))
	for i, f := range found {
		hits[i] = Hit{Document: x.docs[f.doc], Score: f.score}
	}
	return hits
}

// exhaustive adds up every list of the query.
func (s *scratch) exhaustive(ctx context.Context, clauses []clause, k int) ([]scored, error) {
	defer s.clear()
	for _, c := range clauses {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.add(c)
	}
	top := best{k: k}
	for _, d := range s.touched {
		if score := s.sum[d]; score >= top.floor() {
			top.offer(scored{score, d})
		}
	}
	return top.sorted(), nil
}

// add gives every passage of the list what it gains.
func (s *scratch) add(c clause) {
	gains := c.gains
	for i, d := range c.docs {
		before := s.sum[d]
		if before == 0 {
			s.touched = append(s.touched, d)
		}
		s.sum[d] = before + float64(c.times*gains[i])
	}
}

func (s *scratch) clear() {
	for _, d := range s.touched {
		s.sum[d] = 0
	}
	s.touched = s.touched[:0]
}
