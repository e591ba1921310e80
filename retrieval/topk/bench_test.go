package topk

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkTop compares adding up whole lists with pruning, by the number of postings of a query: 100,000 passages, 2,000 words
// whose frequencies follow Zipf's law, gains as BM25 has them (idf times a factor below 1), queries of 6 words.
func BenchmarkTop(b *testing.B) {
	const passages, words = 100_000, 2000
	rng := rand.New(rand.NewPCG(1, 2))
	s := NewScorer(passages)
	lists := make([]List, words)
	for w := range lists {
		l := randomList(rng, passages, 0.3/float64(1+w), false)
		l.Outline = s.blocks.Outline(l)
		lists[w] = l
	}
	for _, least := range []int{256, 1024, 4096, 16384} {
		var queries []*Query
		for len(queries) < 200 {
			var q Query
			for range 6 {
				w := uint32(rng.IntN(1 + rng.IntN(words)))
				q.Add(w, lists[w])
			}
			if n := q.Postings(); n >= least && n < 4*least {
				queries = append(queries, &q)
			}
		}
		for _, k := range []int{3, 10, 100} {
			for name, find := range map[string]func(context.Context, []clause, int) ([]Scored, error){"eager": s.exhaustive, "pruned": s.pruned} {
				b.Run(fmt.Sprintf("postings=%d/k=%d/%s", least, k, name), func(b *testing.B) {
					n := 0
					for b.Loop() {
						_, err := find(b.Context(), queries[n%len(queries)].clauses, k)
						require.NoError(b, err)
						n++
					}
				})
			}
		}
	}
}
