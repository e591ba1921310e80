package retrieval

import (
	"context"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var animals = []Document{
	{ID: "cat", Title: "Cat", Text: "The cat sleeps."},
	{ID: "dog", Title: "Dog", Text: "The dog barks at the cat."},
	{ID: "dog again", Title: "Dog", Text: "The dog barks at the cat."},
	{ID: "empty"},
}

func ids(hits []Hit) []string {
	var names []string
	for _, h := range hits {
		names = append(names, h.ID)
	}
	return names
}

// The score of one passage, worked out by hand: N = 4, "cat" stands in 3 passages, and twice among the 4 words of the
// first; the mean length is (4 + 7 + 7 + 0)/4 = 4.5.
func TestScoreByHand(t *testing.T) {
	index, err := NewBM25(animals, WithK1(1.2), WithB(0.75))
	require.NoError(t, err)
	require.Equal(t, 4, index.Len())
	results, err := index.Search(t.Context(), []string{"CAT!", "cat cat"}, 1)
	require.NoError(t, err)
	idf := math.Log(1 + (4-3+0.5)/(3+0.5)) // 0.3566749…
	want := idf * 2 / (2 + 1.2*(1-0.75+0.75*4/4.5))
	require.InEpsilon(t, want, results[0][0].Score, 1e-7)
	require.InEpsilon(t, 2*want, results[1][0].Score, 1e-7, "a repeated word counts as often as it stands there")
	require.Equal(t, animals[0], results[0][0].Document)
}

func TestQueries(t *testing.T) {
	index, err := NewBM25(animals, WithStopWords("The", "at"))
	require.NoError(t, err)
	for _, c := range []struct {
		name, query string
		k           int
		want        []string
	}{
		{"ties go to the earlier passage", "barks", 10, []string{"dog", "dog again"}},
		{"fewer than k", "cat", 10, []string{"cat", "dog", "dog again"}},
		{"k larger than any corpus", "cat", math.MaxInt, []string{"cat", "dog", "dog again"}},
		{"first only", "dog", 1, []string{"dog"}},
		{"empty", "", 3, nil},
		{"no words", " ?!\n\x00", 3, nil},
		{"stop words only", "the THE at", 3, nil},
		{"unknown words only", "zebra", 3, nil},
		{"unknown words beside known", "zebra sleeps", 3, []string{"cat"}},
		{"not UTF-8", "\xff\xfesleeps\xc3", 3, []string{"cat"}},
		{"a megabyte", strings.Repeat("zebra x", 1<<17) + " sleeps", 3, []string{"cat"}},
		{"one word of a megabyte", strings.Repeat("z", 1<<20), 3, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			results, err := index.Search(t.Context(), []string{c.query}, c.k)
			require.NoError(t, err)
			require.Len(t, results, 1)
			require.Equal(t, c.want, ids(results[0]))
		})
	}
}

func TestEmptyCorpus(t *testing.T) {
	for _, docs := range [][]Document{nil, {{ID: "blank"}}} {
		index, err := NewBM25(docs)
		require.NoError(t, err)
		results, err := index.Search(t.Context(), []string{"cat", ""}, 3)
		require.NoError(t, err)
		require.Equal(t, [][]Hit{{}, {}}, results)
		results, err = index.Search(t.Context(), nil, 3)
		require.NoError(t, err)
		require.Empty(t, results)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		docs []Document
		opts []Option
		want string
	}{
		{[]Document{{ID: "x"}, {ID: "y"}, {ID: "x"}}, nil, `passages 0 and 2 have the same id "x"`},
		{[]Document{{ID: "x"}, {Text: "y"}}, nil, "passage 1 has no id"},
		{nil, []Option{WithK1(-1)}, "k1 is -1; expected a number from 0 to 1000"},
		{nil, []Option{WithK1(math.NaN())}, "k1 is NaN"},
		{nil, []Option{WithB(1.5)}, "b is 1.5; expected a number from 0 to 1"},
		{nil, []Option{WithAnalyzer(nil)}, "analyzer is nil"},
	} {
		_, err := NewBM25(c.docs, c.opts...)
		require.ErrorContains(t, err, c.want)
	}
	index, err := NewBM25(animals)
	require.NoError(t, err)
	_, err = index.Search(t.Context(), []string{"cat"}, 0)
	require.ErrorContains(t, err, "k is 0; expected at least 1")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = index.Search(cancelled, nil, 1)
	require.ErrorIs(t, err, context.Canceled)
}

// The index keeps no reference to the caller's slice.
func TestKeepsItsPassages(t *testing.T) {
	docs := append([]Document(nil), animals...)
	index, err := NewBM25(docs)
	require.NoError(t, err)
	docs[0] = Document{ID: "gone"}
	results, err := index.Search(t.Context(), []string{"sleeps"}, 1)
	require.NoError(t, err)
	require.Equal(t, "cat", results[0][0].ID)
}

// Many callers at once, on an index large enough to spread the queries of one call, get what one caller gets.
func TestConcurrentUse(t *testing.T) {
	docs, queries := zipfCorpus(5000, 60)
	index, err := NewBM25(docs)
	require.NoError(t, err)
	require.Greater(t, index.size, parallelFrom)
	var want [][]Hit
	for _, q := range queries {
		one, err := index.Search(t.Context(), []string{q}, 5)
		require.NoError(t, err)
		want = append(want, one[0])
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			got, err := index.Search(t.Context(), queries, 5)
			if err != nil || !equalHits(want, got) {
				t.Errorf("concurrent search differs (error %v)", err)
			}
		})
	}
	wg.Wait()
}

func equalHits(a, b [][]Hit) bool {
	for i := range a {
		for j := range a[i] {
			if a[i][j] != b[i][j] {
				return false
			}
		}
	}
	return len(a) == len(b)
}
