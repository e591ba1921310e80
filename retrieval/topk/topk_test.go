package topk

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

var queries = flag.Int("queries", 3000, "random queries of TestPruningIsExact")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// naive is the slow, obvious twin: a score for every passage, then a full sort.
func naive(passages int, q *Query, k int) []Scored {
	scores := make([]float64, passages)
	for _, c := range q.clauses {
		for i, d := range c.Docs {
			scores[d] += float64(c.times * float64(c.Gains[i]))
		}
	}
	var all []Scored
	for d, score := range scores {
		if score > 0 {
			all = append(all, Scored{score, uint32(d)})
		}
	}
	slices.SortStableFunc(all, func(a, b Scored) int { return cmp.Compare(b.Score, a.Score) })
	return all[:min(k, len(all))]
}

// randomList has each passage with probability p; gains are drawn from few values where ties is set, so that scores tie.
func randomList(rng *rand.Rand, passages int, p float64, ties bool) List {
	var l List
	scale := -rng.Float64() * 3
	for d := range passages {
		if rng.Float64() < p {
			gain := float32(0.01 + rng.Float64()*(3+scale))
			if ties {
				gain = float32(1+rng.IntN(3)) / 4
			}
			l.Docs, l.Gains, l.Peak = append(l.Docs, uint32(d)), append(l.Gains, gain), max(l.Peak, gain)
		}
	}
	return l
}

// scorers returns one as it is used, and one whose blocks and windows are so small that few passages make many of them.
func scorers(passages int) []*Scorer {
	small := NewScorer(passages)
	small.blocks = Blocks{Shift: 3, Count: (passages + 7) / 8}
	small.bounds, small.rest = make([]float64, small.blocks.Count), make([]float64, small.blocks.Count)
	small.sums = small.sums[:64]
	return []*Scorer{NewScorer(passages), small}
}

// requireSame compares every way of finding the best with the naive one, with and without the outlines of long lists. It returns how
// many of the two scorers left postings unread.
func requireSame(t require.TestingT, scorers []*Scorer, passages int, q *Query, k int) (pruning int) {
	want := naive(passages, q, k)
	for _, s := range scorers {
		outlined := slices.Clone(q.clauses)
		for i := range outlined {
			outlined[i].Outline = s.blocks.Outline(outlined[i].List)
		}
		for i, found := range []func() ([]Scored, error){
			func() ([]Scored, error) { return s.exhaustive(context.Background(), q.clauses, k) },
			func() ([]Scored, error) { return s.pruned(context.Background(), q.clauses, k) },
			func() ([]Scored, error) { return s.pruned(context.Background(), outlined, k) },
		} {
			got, err := found()
			require.NoError(t, err)
			require.Len(t, got, len(want), "way %d", i)
			for rank := range want {
				require.Equal(t, want[rank], got[rank], "way %d, rank %d", i, rank)
			}
		}
		if s.unread > 0 {
			pruning++
		}
	}
	return pruning
}

func TestSmallEqualsNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		passages := rapid.IntRange(0, 200).Draw(t, "passages")
		ties := rapid.Bool().Draw(t, "ties")
		var q Query
		for i := range rapid.IntRange(0, 8).Draw(t, "lists") {
			list := randomList(rng, passages, rng.Float64(), ties)
			for range 1 + rng.IntN(3) {
				q.Add(uint32(i), list)
			}
		}
		requireSame(t, scorers(passages), passages, &q, rapid.IntRange(1, passages+2).Draw(t, "k"))
	})
}

// Lists as long and as uneven as those of a language, where pruning does leave some unread: as many random queries as
// -queries says, each against the full sort.
func TestPruningIsExact(t *testing.T) {
	const passages, words = 2000, 400
	rng := rand.New(rand.NewPCG(3, 4))
	lists := make([]List, words)
	for w := range lists {
		lists[w] = randomList(rng, passages, 0.9/float64(1+w), w%5 == 0)
	}
	zipf := rand.NewZipf(rng, 1.1, 2, words-1)
	both := scorers(passages)
	skipped := 0
	for range *queries {
		var q Query
		for range 1 + rng.IntN(10) {
			w := uint32(zipf.Uint64())
			q.Add(w, lists[w])
		}
		skipped += requireSame(t, both, passages, &q, 1+rng.IntN(20))
	}
	require.Greater(t, skipped, *queries/5, "pruning hardly ever left anything out: this test tested nothing")
}

func TestBlocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		passages := rapid.OneOf(rapid.IntRange(0, 5000), rapid.IntRange(0, 1<<31)).Draw(t, "passages")
		b := NewBlocks(passages)
		require.GreaterOrEqual(t, b.Shift, uint(6))
		require.GreaterOrEqual(t, b.Count<<b.Shift, passages)
		require.Less(t, b.Count<<b.Shift, passages+1<<b.Shift)
		if root := math.Sqrt(float64(passages)); b.Shift > 6 {
			require.LessOrEqual(t, float64(b.Count), 4*root+1)
			require.Greater(t, float64(b.Count), 2*root-1)
		}
	})
	b := Blocks{Shift: 1, Count: 3}
	o := b.Outline(List{Docs: []uint32{0, 1, 5}, Gains: []float32{1, 2, 255}, Peak: 255})
	require.Equal(t, []uint8{2, 0, 255}, o.peaks)
	require.Equal(t, []uint32{0, 2, 2}, o.from)
	o = b.Outline(List{Docs: []uint32{0, 1, 3}, Gains: []float32{1, 2, 0.001}, Peak: 255})
	require.Equal(t, []uint8{2, 1, 0}, o.peaks, "rounded up")
	require.Equal(t, []uint32{0, 2, 3}, o.from)
	require.Nil(t, b.Outline(List{Docs: []uint32{0, 1}, Gains: []float32{1, 2}, Peak: 2}))
}

func TestPool(t *testing.T) {
	pool := NewPool(10)
	var q Query
	q.Add(7, List{Docs: []uint32{2, 9}, Gains: []float32{1, 2}, Peak: 2})
	for _, workers := range []int{0, 1, 3, 100} {
		found := make([][]Scored, 50)
		require.NoError(t, pool.Each(t.Context(), workers, len(found), func(ctx context.Context, s *Scorer, i int) (err error) {
			found[i], err = s.Top(ctx, &q, 1)
			return err
		}))
		for _, f := range found {
			require.Equal(t, []Scored{{2, 9}}, f)
		}
		fault := errors.New("fault")
		require.ErrorIs(t, pool.Each(t.Context(), workers, 50, func(_ context.Context, _ *Scorer, i int) error {
			if i == 20 {
				return fault
			}
			return nil
		}), fault)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, pool.Each(ended, workers, 50, func(context.Context, *Scorer, int) error { return nil }), context.Canceled)
	}
}

func TestTopEnds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	s, ended := NewScorer(20_000), func() context.Context { c, cancel := context.WithCancel(t.Context()); cancel(); return c }()
	var q Query
	for w := range uint32(4) {
		q.Add(w, randomList(rng, 20_000, 0.9, false))
	}
	for _, k := range []int{1, 30_000} { // pruned, exhaustive
		_, err := s.Top(ended, &q, k)
		require.ErrorIs(t, err, context.Canceled)
		got, err := s.Top(t.Context(), &q, k)
		require.NoError(t, err)
		require.Equal(t, naive(20_000, &q, k), got, "a search that was broken off left nothing behind")
	}
}

func Example() {
	var q Query
	q.Add(0, List{Docs: []uint32{0, 2}, Gains: []float32{0.5, 1}, Peak: 1})
	q.Add(1, List{Docs: []uint32{1, 2}, Gains: []float32{0.75, 0.5}, Peak: 0.75})
	q.Again(0) // the word stands in the query twice
	found, err := NewScorer(3).Top(context.Background(), &q, 2)
	fmt.Println(found, err)
	// Output: [{2.5 2} {1 0}] <nil>
}
