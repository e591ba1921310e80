package retrieval

import (
	"cmp"
	"math"
	"slices"
)

// bruteForce is the slow, obvious twin of BM25: it counts words passage by passage and evaluates Lucene's formula for
// each, the gain of a word rounded to float32.
func bruteForce(docs []Document, query string, k int, k1, b float64, stop ...string) []Hit {
	split := func(text string) (words []string) {
		Words(text, func(word []byte) {
			if !slices.Contains(stop, string(word)) {
				words = append(words, string(word))
			}
		})
		return words
	}
	passages := make([][]string, len(docs))
	total := 0.0
	for i, d := range docs {
		passages[i] = split(d.Title + " " + d.Text)
		total += float64(len(passages[i]))
	}
	count := func(words []string, word string) (n float64) {
		for _, w := range words {
			if w == word {
				n++
			}
		}
		return n
	}
	asked := split(query)
	var distinct []string
	var idf []float64
	for _, word := range asked {
		if slices.Contains(distinct, word) {
			continue
		}
		df := 0.0
		for _, p := range passages {
			if slices.Contains(p, word) {
				df++
			}
		}
		distinct = append(distinct, word)
		idf = append(idf, math.Log(1+(float64(len(docs))-df+0.5)/(df+0.5)))
	}
	var hits []Hit
	for i, p := range passages {
		score := 0.0
		for j, word := range distinct {
			if tf := count(p, word); tf > 0 {
				norm := k1 * (1 - b + float64(b*float64(len(p))/(total/float64(len(docs)))))
				score += float64(count(asked, word) * float64(float32(idf[j]*tf/(tf+norm))))
			}
		}
		if score > 0 {
			hits = append(hits, Hit{Document: docs[i], Score: score})
		}
	}
	slices.SortStableFunc(hits, func(x, y Hit) int { return cmp.Compare(y.Score, x.Score) })
	return hits[:min(k, len(hits))]
}
