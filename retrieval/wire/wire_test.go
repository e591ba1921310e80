package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/retrieval"
)

var limits = Limits{Queries: 100, TopK: 100}

// What is written is read back, whatever titles and texts hold; a line break in a title becomes a space.
func TestRoundTrip(t *testing.T) {
	text := rapid.StringOf(rapid.SampledFrom([]rune("ab\"\n\\ é\u2028\x00")))
	rapid.Check(t, func(t *rapid.T) {
		hits := make([][]retrieval.Hit, rapid.IntRange(0, 4).Draw(t, "queries"))
		for i := range hits {
			hits[i] = make([]retrieval.Hit, rapid.IntRange(0, 3).Draw(t, "hits"))
			for j := range hits[i] {
				hits[i][j] = retrieval.Hit{Document: retrieval.Document{ID: string(rune('a' + j)), Text: text.Draw(t, "text"),
					Title: rapid.StringOf(rapid.SampledFrom([]rune("ab\" é"))).Draw(t, "title")}, Score: rapid.Float64Range(-9, 9).Draw(t, "score")}
			}
		}
		body, err := AppendReply(nil, hits, true)
		require.NoError(t, err)
		back, err := ParseReply(body, len(hits), 3)
		require.NoError(t, err)
		require.Equal(t, hits, back)
	})
	require.Equal(t, "\"a b\"\nc", Contents(retrieval.Document{Title: "a\nb", Text: "c"}))
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"queries":["a"],"topk":3,"return_scores":true}`))
	f.Add([]byte(`{"query":"a","topk":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := ParseRequest(body, limits)
		if err == nil {
			require.NotNil(t, r.Queries)
			require.LessOrEqual(t, len(r.Queries), limits.Queries)
			require.True(t, r.TopK >= 0 && r.TopK <= limits.TopK)
		}
	})
}

func FuzzReply(f *testing.F) {
	f.Add([]byte(`{"result":[[{"document":{"id":"a","contents":"\"b\"\nc"},"score":1}]]}`))
	f.Add([]byte(`{"result":[[{"document":{"id":7,"text":"c"},"score":-1e9}]]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		hits, err := ParseReply(body, 1, 2)
		if err != nil {
			require.Nil(t, hits)
			return
		}
		require.Len(t, hits, 1)
		require.LessOrEqual(t, len(hits[0]), 2)
		for _, h := range hits[0] {
			require.NotEmpty(t, h.ID)
		}
	})
}
