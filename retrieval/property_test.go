package retrieval

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// genText draws up to so many words of a small vocabulary, the early ones more often.
func genText(words int, more ...string) *rapid.Generator[string] {
	vocabulary := append([]string{"a", "a", "a", "b", "b", "c", "d", "e", "f", "Ä", "h", "i"}, more...)
	return rapid.Map(rapid.SliceOfN(rapid.SampledFrom(vocabulary), 0, words),
		func(w []string) string { return strings.Join(w, " ") })
}

func TestEqualsBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(genText(12), 0, 30).Draw(t, "texts")
		docs := make([]Document, len(texts))
		for i, text := range texts {
			docs[i] = Document{ID: strconv.Itoa(i), Title: genText(2).Draw(t, "title"), Text: text}
		}
		k1, b := rapid.Float64Range(0, 3).Draw(t, "k1"), rapid.Float64Range(0, 1).Draw(t, "b")
		stop := rapid.SampledFrom([][]string{nil, {"a"}, {"b", "ä"}}).Draw(t, "stop")
		index, err := NewBM25(docs, WithK1(k1), WithB(b), WithStopWords(stop...))
		require.NoError(t, err)

		asked := rapid.SliceOfN(genText(8, "unknown", "a a"), 1, 8).Draw(t, "queries")
		k := rapid.IntRange(1, 40).Draw(t, "k")
		got, err := index.Search(t.Context(), asked, k)
		require.NoError(t, err)
		for i, query := range asked {
			want := bruteForce(docs, query, k, k1, b, stop...)
			requireHits(t, want, got[i], "query %q", query)
		}
	})
}

// requireHits compares to the last bit: ids, order and scores.
func requireHits(t require.TestingT, want, got []Hit, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	require.Len(t, got, len(want), message)
	for i := range want {
		require.Equal(t, want[i], got[i], "%s, hit %d", message, i)
	}
}

// A larger corpus with a natural distribution of words, where pruning does leave lists unread.
func TestLargeEqualsBruteForce(t *testing.T) {
	docs, _ := zipfCorpus(3000, 0)
	// Near-duplicates, so that scores tie and differ in the last bits.
	for i := range 300 {
		docs[2700+i].Text = docs[i].Text
	}
	index, err := NewBM25(docs)
	require.NoError(t, err)
	for _, query := range []string{"w0", "w0 w1 w2 w3", docs[5].Text, "w1 w1 w9 wz"} {
		got, err := index.Search(t.Context(), []string{query}, 7)
		require.NoError(t, err)
		requireHits(t, bruteForce(docs, query, 7, DefaultK1, DefaultB), got[0], "query %q", query)
	}
}
