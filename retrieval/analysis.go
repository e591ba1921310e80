package retrieval

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	porterstemmer "github.com/blevesearch/go-porterstemmer"
)

// Analysis says how passages and queries become words, in a form that can be written beside an index, so that queries are
// always analysed as the passages were. The zero value is plain [Words].
type Analysis struct {
	// Words is "" or "words" for [Words], or "standard" for [StandardWords].
	Words string `json:"words,omitempty"`
	// MinLength leaves out words of fewer characters.
	MinLength int `json:"min_length,omitempty"`
	// Possessive takes the 's off the end of words. [Words] has done so by splitting there.
	Possessive bool `json:"possessive,omitempty"`
	// StopWords are left out; lower case.
	StopWords []string `json:"stop_words,omitempty"`
	// Stem is "" or "porter" for Porter's stemmer (1980, with its author's later corrections), which conflates words such as
	// founder and founded.
	Stem string `json:"stem,omitempty"`
}

// AnalysisNames lists what [NamedAnalysis] knows.
func AnalysisNames() []string { return []string{"words", "bm25s", "standard", "english"} }

// NamedAnalysis returns one of the usual analyses:
//
//   - words: [Words], nothing left out
//   - bm25s: that of the Python package bm25s with its English stop words: words of one character and stop words are out
//   - standard: Lucene's StandardAnalyzer, nothing left out
//   - english: Lucene's EnglishAnalyzer, which Pyserini indexes with: possessives, stop words, Porter's stemmer
func NamedAnalysis(name string) (Analysis, error) {
	switch name {
	case "words":
		return Analysis{}, nil
	case "bm25s":
		return Analysis{MinLength: 2, StopWords: EnglishStopWords()}, nil
	case "standard":
		return Analysis{Words: "standard"}, nil
	case "english":
		return Analysis{Words: "standard", Possessive: true, StopWords: EnglishStopWords(), Stem: "porter"}, nil
	}
	return Analysis{}, fmt.Errorf("analysis %q; expected one of %s", name, strings.Join(AnalysisNames(), ", "))
}

// Analyzer returns the function that does it. The steps are taken in the order of the fields.
func (a Analysis) Analyzer() (Analyzer, error) {
	var analyze Analyzer
	switch a.Words {
	case "", "words":
		analyze = Words
	case "standard":
		analyze = StandardWords
	default:
		return nil, fmt.Errorf("analysis: words %q; expected words or standard", a.Words)
	}
	if a.MinLength < 0 {
		return nil, fmt.Errorf("analysis: words of %d characters at least; expected 0 or more", a.MinLength)
	}
	if a.Stem != "" && a.Stem != "porter" {
		return nil, fmt.Errorf("analysis: stem %q; expected porter or nothing", a.Stem)
	}
	if a.MinLength > 1 {
		analyze = atLeast(analyze, a.MinLength)
	}
	if a.Possessive {
		analyze = withoutPossessive(analyze)
	}
	if len(a.StopWords) > 0 {
		analyze = without(analyze, a.StopWords)
	}
	if a.Stem == "porter" {
		analyze = stemmed(analyze)
	}
	return analyze, nil
}

// Equal says whether a and b do the same.
func (a Analysis) Equal(b Analysis) bool {
	same := func(x, y string) bool { return x == y || x+y == "words" }
	return same(a.Words, b.Words) && max(1, a.MinLength) == max(1, b.MinLength) && a.Possessive == b.Possessive && a.Stem == b.Stem &&
		slices.Equal(slices.Sorted(slices.Values(a.StopWords)), slices.Sorted(slices.Values(b.StopWords)))
}

func atLeast(next Analyzer, n int) Analyzer {
	return func(text string, emit func(word []byte)) {
		next(text, func(word []byte) {
			if len(word) >= n && utf8.RuneCount(word) >= n {
				emit(word)
			}
		})
	}
}

// withoutPossessive takes 's off, with any of the three apostrophes that Lucene's EnglishPossessiveFilter knows.
func withoutPossessive(next Analyzer) Analyzer {
	return func(text string, emit func(word []byte)) {
		next(text, func(word []byte) {
			if n := len(word); n > 2 && word[n-1] == 's' {
				switch r, size := utf8.DecodeLastRune(word[:n-1]); r {
				case '\'', '\u2019', '\uFF07':
					word = word[:n-1-size]
				}
			}
			if len(word) > 0 {
				emit(word)
			}
		})
	}
}

// stemmed stems every word. As in Lucene, whatever is no English vowel counts as a consonant.
func stemmed(next Analyzer) Analyzer {
	return func(text string, emit func(word []byte)) {
		var letters []rune
		next(text, func(word []byte) {
			letters = letters[:0]
			for _, r := range string(word) {
				letters = append(letters, r)
			}
			word = word[:0]
			for _, r := range porterstemmer.StemWithoutLowerCasing(letters) {
				word = utf8.AppendRune(word, r)
			}
			emit(word)
		})
	}
}
