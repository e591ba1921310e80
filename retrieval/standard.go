package retrieval

import (
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
)

// longestWord is the length in characters from which Lucene's StandardTokenizer cuts words.
const longestWord = 255

// StandardWords is an Analyzer that splits as Lucene's StandardAnalyzer does: at the word boundaries of Unicode (UAX #29),
// lower case, longer words cut every 255 characters. So "O'Neill's U.S. 3.5" gives o'neill's, u.s, 3.5: unlike [Words] it
// keeps apostrophes and points within a word. What holds no letter or digit is no word; Lucene also indexes emoji.
func StandardWords(text string, emit func(word []byte)) {
	segments := words.FromString(text)
	word := make([]byte, 0, 64)
	for segments.Next() {
		word = word[:0]
		length, real := 0, false
		for _, r := range segments.Value() {
			switch {
			case r < utf8.RuneSelf:
				c := byte(r)
				if 'A' <= c && c <= 'Z' {
					c += 'a' - 'A'
				}
				real = real || 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
				word = append(word, c)
			default:
				real = real || unicode.IsLetter(r) || unicode.IsNumber(r)
				word = utf8.AppendRune(word, unicode.ToLower(r))
			}
			if length++; length == longestWord {
				if real {
					emit(word)
				}
				word, length, real = word[:0], 0, false
			}
		}
		if real {
			emit(word)
		}
	}
}
