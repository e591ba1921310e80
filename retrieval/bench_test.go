package retrieval

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// zipfCorpus makes passages of 100 words and queries of 8, both from a Zipf distribution with exponent 1.07 over 200,000
// words: the corpus that the project's speed goals are stated for.
func zipfCorpus(passages, queries int) ([]Document, []string) {
	rng := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(rng, 1.07, 1, 200_000)
	text := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteString("w")
			b.WriteString(strconv.FormatUint(zipf.Uint64(), 36))
			b.WriteByte(' ')
		}
		return b.String()
	}
	docs := make([]Document, passages)
	for i := range docs {
		docs[i] = Document{ID: strconv.Itoa(i), Text: text(100)}
	}
	asked := make([]string, queries)
	for i := range asked {
		asked[i] = text(8)
	}
	return docs, asked
}

func BenchmarkBuild(b *testing.B) {
	docs, _ := zipfCorpus(100_000, 0)
	for b.Loop() {
		_, err := NewBM25(docs)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.N*len(docs))/b.Elapsed().Seconds(), "docs/s")
}

func BenchmarkSearch(b *testing.B) {
	for _, passages := range []int{420, 100_000} {
		docs, queries := zipfCorpus(passages, 1000)
		index, err := NewBM25(docs)
		require.NoError(b, err)
		for _, k := range []int{3, 10, 100} {
			b.Run(fmt.Sprintf("%d/top%d", passages, k), func(b *testing.B) {
				start, n := time.Now(), 0
				for b.Loop() {
					_, err := index.Search(b.Context(), queries[n%len(queries):][:1], k)
					require.NoError(b, err)
					n++
				}
				b.ReportMetric(float64(n)/time.Since(start).Seconds(), "queries/s")
			})
		}
	}
}
