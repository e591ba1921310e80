package hybrid_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"searchrl/retrieval"
	"searchrl/retrieval/hybrid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func hits(ids ...string) []retrieval.Hit {
	out := make([]retrieval.Hit, len(ids))
	for i, id := range ids {
		out[i] = retrieval.Hit{Document: retrieval.Document{ID: id}, Score: float64(-i)}
	}
	return out
}

func order(list []retrieval.Hit) []string {
	var ids []string
	for _, h := range list {
		ids = append(ids, h.ID)
	}
	return ids
}

// fixed is a searcher that always finds the same.
type fixed struct {
	list []retrieval.Hit
	err  error
	k    *int
}

func (f fixed) Search(_ context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
	if f.k != nil {
		*f.k = k
	}
	return slices.Repeat([][]retrieval.Hit{f.list}, len(queries)), f.err
}

// TestPaper works the equation out by hand.
func TestPaper(t *testing.T) {
	got := hybrid.Fuse([][]retrieval.Hit{hits("a", "b", "c"), hits("b", "d")}, []float64{1, 1}, 60, 10)
	require.Equal(t, []string{"b", "a", "d", "c"}, order(got))
	assert.InDelta(t, 1.0/62+1.0/61, got[0].Score, 1e-15)
	assert.InDelta(t, 1.0/61, got[1].Score, 1e-15)
	assert.InDelta(t, 1.0/62, got[2].Score, 1e-15)
	assert.InDelta(t, 1.0/63, got[3].Score, 1e-15)
	got = hybrid.Fuse([][]retrieval.Hit{hits("a", "a", "b"), hits("b", "a")}, []float64{1, 2}, 60, 1)
	require.Equal(t, []string{"b"}, order(got))
	assert.InDelta(t, 1.0/63+2.0/61, got[0].Score, 1e-15)
}

// TestProperties: the limiting cases of the package comment, and what holds always.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lists := make([][]retrieval.Hit, rapid.IntRange(1, 4).Draw(t, "searchers"))
		weights := make([]float64, len(lists))
		all := map[string]bool{}
		for i := range lists {
			lists[i] = hits(rapid.SliceOfNDistinct(rapid.StringMatching("[a-j]"), 0, 10, rapid.ID[string]).Draw(t, "list")...)
			weights[i] = rapid.Float64Range(0.1, 3).Draw(t, "weight")
			for _, h := range lists[i] {
				all[h.ID] = true
			}
		}
		fused := hybrid.Fuse(lists, weights, hybrid.DefaultC, 100)
		require.Len(t, fused, len(all)) // everything that was found, once
		for i := range fused[:max(len(fused)-1, 0)] {
			require.GreaterOrEqual(t, fused[i].Score, fused[i+1].Score)
		}
		only := make([]float64, len(lists)) // all other weights 0: that searcher's order
		only[0] = 1
		require.Equal(t, order(lists[0]), order(hybrid.Fuse(lists, only, hybrid.DefaultC, 100)))
		same := slices.Repeat([][]retrieval.Hit{lists[0]}, 3) // searchers of one mind
		require.Equal(t, order(lists[0]), order(hybrid.Fuse(same, []float64{1, 1, 1}, hybrid.DefaultC, 100)))
		k := rapid.IntRange(1, 10).Draw(t, "k")
		require.Equal(t, fused[:min(k, len(fused))], hybrid.Fuse(lists, weights, hybrid.DefaultC, k))
	})
}

func TestSearch(t *testing.T) {
	var asked int
	s, err := hybrid.New(hybrid.Options{Depth: 20}, fixed{list: hits("a", "b")}, fixed{list: hits("b", "c"), k: &asked})
	require.NoError(t, err)
	got, err := s.Search(context.Background(), []string{"x", "y"}, 2)
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, []string{"b", "a"}, order(got[1]))
	assert.InDelta(t, 1.0/62+1.0/61, got[1][0].Score, 1e-15, "the paper's constant")
	assert.Equal(t, 20, asked)
	_, err = s.Search(context.Background(), []string{"x"}, 50)
	require.NoError(t, err)
	assert.Equal(t, 50, asked)

	s, err = hybrid.New(hybrid.Options{C: 1, Weights: []float64{1, 4}}, fixed{list: hits("a", "b")}, fixed{list: hits("b", "c")})
	require.NoError(t, err)
	got, err = s.Search(context.Background(), []string{"x"}, 3)
	require.NoError(t, err)
	assert.Equal(t, []string{"b", "c", "a"}, order(got[0]))
	assert.InDelta(t, 1.0/3+4.0/2, got[0][0].Score, 1e-15)

	broken := errors.New("broken")
	s, err = hybrid.New(hybrid.Options{}, fixed{list: hits("a")}, fixed{err: broken})
	require.NoError(t, err)
	_, err = s.Search(context.Background(), []string{"x"}, 2)
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "searcher 1")
	_, err = s.Search(context.Background(), []string{"x"}, 0)
	require.ErrorContains(t, err, "k is 0")
}

func TestBadOptions(t *testing.T) {
	part := fixed{}
	for want, opts := range map[string]hybrid.Options{
		"c is -1":                   {C: -1},
		"depth is -1":               {Depth: -1},
		"2 weights for 1 searchers": {Weights: []float64{1, 2}},
		"weight -1":                 {Weights: []float64{-1}},
	} {
		_, err := hybrid.New(opts, part)
		assert.ErrorContains(t, err, want)
	}
	_, err := hybrid.New(hybrid.Options{})
	assert.ErrorContains(t, err, "no searchers")
}

func ExampleFuse() {
	words := []retrieval.Hit{{Document: retrieval.Document{ID: "Ghent"}}, {Document: retrieval.Document{ID: "Bruges"}}}
	meaning := []retrieval.Hit{{Document: retrieval.Document{ID: "Bruges"}}, {Document: retrieval.Document{ID: "Venice"}}}
	for _, hit := range hybrid.Fuse([][]retrieval.Hit{words, meaning}, []float64{1, 1}, hybrid.DefaultC, 3) {
		fmt.Printf("%s %.4f\n", hit.ID, hit.Score)
	}
	// Output:
	// Bruges 0.0325
	// Ghent 0.0164
	// Venice 0.0161
}
