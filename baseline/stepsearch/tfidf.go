package stepsearch

import (
	"math"

	"searchrl/retrieval"
)

// tfidf weighs the words of texts by what a fixed set of passages says of them:
//
//	weight(w, text) = times w stands in text · idf(w),   idf(w) = ln((1+n)/(1+df(w))) + 1
//
// with n passages, df(w) of which hold w; a word that none of them holds has df 0, the largest idf. These are the weights
// of scikit-learn's TfidfVectorizer, with words as in package retrieval, without English stop words.
type tfidf struct {
	n    float64
	df   map[string]float64
	stop map[string]bool
}

// newTFIDF counts the passages that each word stands in. It is done once, so that all similarities of a question are on one
// scale; the released code counts anew for every document, with that document among the passages.
func newTFIDF(passages []string) *tfidf {
	t := &tfidf{n: float64(len(passages)), df: map[string]float64{}, stop: map[string]bool{}}
	for _, word := range retrieval.EnglishStopWords() {
		t.stop[word] = true
	}
	for _, passage := range passages {
		for word := range t.counts(passage) {
			t.df[word]++
		}
	}
	return t
}

func (t *tfidf) counts(text string) map[string]float64 {
	counts := map[string]float64{}
	retrieval.Words(text, func(word []byte) {
		if !t.stop[string(word)] {
			counts[string(word)]++
		}
	})
	return counts
}

// vector is a text's weights by word, scaled to length 1; empty for a text without words.
type vector map[string]float64

func (t *tfidf) vector(text string) vector {
	v, square := vector(t.counts(text)), 0.0
	for _, word := range sorted(v) { // sums in a fixed order, for the last bit
		v[word] *= math.Log((1+t.n)/(1+t.df[word])) + 1
		square += v[word] * v[word]
	}
	for word := range v {
		v[word] /= math.Sqrt(square)
	}
	return v
}

// cosine is the similarity of two texts, in [0, 1]; 0 if one has no words, 1 exactly for the same bag of words.
func (v vector) cosine(w vector) float64 {
	dot, same := 0.0, len(v) == len(w) && len(v) > 0
	for _, word := range sorted(v) {
		dot += v[word] * w[word]
		same = same && v[word] == w[word]
	}
	if same {
		return 1
	}
	return math.Min(dot, 1)
}
