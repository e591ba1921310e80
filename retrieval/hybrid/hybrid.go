package hybrid

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"golang.org/x/sync/errgroup"

	"searchrl/retrieval"
)

// DefaultC is the constant c of the paper.
const DefaultC = 60

// DefaultDepth is how many hits of each searcher are joined.
const DefaultDepth = 100

// Options change the fusion. The zero value is the paper's.
type Options struct {
	C       float64   // c ≥ 0; NaN or negative is an error, 0 means DefaultC (use a tiny one for none)
	Depth   int       // hits asked of each searcher, at least k of the search; 0 means DefaultDepth
	Weights []float64 // w_s ≥ 0, one for each searcher; nil means 1
}

// Searcher joins searchers over one corpus: passages with the same ID are the same. It is safe for concurrent use.
type Searcher struct {
	parts []retrieval.Searcher
	opts  Options
}

var _ retrieval.Searcher = (*Searcher)(nil)

// New joins the searchers, of which there must be at least one.
func New(opts Options, parts ...retrieval.Searcher) (*Searcher, error) {
	if opts.C == 0 {
		opts.C = DefaultC
	}
	if opts.Depth == 0 {
		opts.Depth = DefaultDepth
	}
	if opts.Weights == nil {
		opts.Weights = slices.Repeat([]float64{1}, len(parts))
	}
	switch {
	case len(parts) == 0:
		return nil, errors.New("hybrid: no searchers")
	case !(opts.C > 0) || math.IsInf(opts.C, 0):
		return nil, fmt.Errorf("hybrid: c is %v, expected a positive number", opts.C)
	case opts.Depth < 1:
		return nil, fmt.Errorf("hybrid: depth is %d, expected 1 or more", opts.Depth)
	case len(opts.Weights) != len(parts):
		return nil, fmt.Errorf("hybrid: %d weights for %d searchers", len(opts.Weights), len(parts))
	}
	for _, w := range opts.Weights {
		if !(w >= 0) || math.IsInf(w, 0) {
			return nil, fmt.Errorf("hybrid: weight %v, expected 0 or more", w)
		}
	}
	return &Searcher{parts: slices.Clone(parts), opts: opts}, nil
}

// Search implements retrieval.Searcher. The searchers search at the same time; if one fails, so does the search. Equal
// scores are ordered by the first searcher that has the passage, then by its rank there.
func (s *Searcher) Search(ctx context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
	if k < 1 {
		return nil, fmt.Errorf("hybrid search: k is %d, expected 1 or more", k)
	}
	lists := make([][][]retrieval.Hit, len(s.parts))
	group, ctx := errgroup.WithContext(ctx)
	for i, part := range s.parts {
		group.Go(func() error {
			results, err := part.Search(ctx, queries, max(k, s.opts.Depth))
			if err != nil {
				return fmt.Errorf("hybrid search: searcher %d: %w", i, err)
			}
			if len(results) != len(queries) {
				return fmt.Errorf("hybrid search: searcher %d gave %d results for %d queries", i, len(results), len(queries))
			}
			lists[i] = results
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	out := make([][]retrieval.Hit, len(queries))
	for q := range queries {
		ranked := make([][]retrieval.Hit, len(s.parts))
		for i := range s.parts {
			ranked[i] = lists[i][q]
		}
		out[q] = Fuse(ranked, s.opts.Weights, s.opts.C, k)
	}
	return out, nil
}

// Fuse is reciprocal-rank fusion of lists, each in falling order, into the k best passages: the equation of the package
// comment. A passage that a list has twice counts once, at its better rank. Weights of 0 leave a list out.
func Fuse(lists [][]retrieval.Hit, weights []float64, c float64, k int) []retrieval.Hit {
	at := map[string]int{}
	var fused []retrieval.Hit
	for i, list := range lists {
		if weights[i] == 0 {
			continue
		}
		seen := map[string]bool{}
		for rank, hit := range list {
			if seen[hit.ID] {
				continue
			}
			seen[hit.ID] = true
			j, ok := at[hit.ID]
			if !ok {
				j = len(fused)
				at[hit.ID] = j
				fused = append(fused, retrieval.Hit{Document: hit.Document})
			}
			fused[j].Score += weights[i] / (c + float64(rank+1))
		}
	}
	slices.SortStableFunc(fused, func(a, b retrieval.Hit) int { return cmp.Compare(b.Score, a.Score) })
	return fused[:min(k, len(fused))]
}
