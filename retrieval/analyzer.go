package retrieval

import (
	"unicode"
	"unicode/utf8"
)

// Analyzer splits a text into the words that are indexed and searched, and calls emit for each in order. The bytes of a
// word may be overwritten after emit returns. An Analyzer accepts any bytes and is safe for concurrent use.
type Analyzer func(text string, emit func(word []byte))

// Words is the default Analyzer: lower-case words. A word is a run of Unicode letters and digits together with the
// combining marks that follow one; everything else separates, bytes that are not UTF-8 too. So "O'Neill's 1990s"
// gives o, neill, s, 1990s. Nothing is stemmed, accents are kept, and scripts without spaces are not segmented.
func Words(text string, emit func(word []byte)) {
	word := make([]byte, 0, 64)
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			i++
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
				word = append(word, c)
				continue
			}
		} else {
			r, n := utf8.DecodeRuneInString(text[i:])
			i += n
			if unicode.IsLetter(r) || unicode.IsNumber(r) || len(word) > 0 && unicode.IsMark(r) {
				word = utf8.AppendRune(word, unicode.ToLower(r))
				continue
			}
		}
		if len(word) > 0 {
			emit(word)
			word = word[:0]
		}
	}
	if len(word) > 0 {
		emit(word)
	}
}

// EnglishStopWords returns the 33 words that Lucene's English analysis and bm25s leave out.
func EnglishStopWords() []string {
	return []string{
		"a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not",
		"of", "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was",
		"will", "with",
	}
}

// without returns an Analyzer that leaves out those words of next which are among the words of stop, as next itself
// spells them.
func without(next Analyzer, stop []string) Analyzer {
	if len(stop) == 0 {
		return next
	}
	set := map[string]struct{}{}
	for _, text := range stop {
		next(text, func(word []byte) { set[string(word)] = struct{}{} })
	}
	return func(text string, emit func(word []byte)) {
		next(text, func(word []byte) {
			if _, drop := set[string(word)]; !drop {
				emit(word)
			}
		})
	}
}
