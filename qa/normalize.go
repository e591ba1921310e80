package qa

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// punctuation is Python's string.punctuation: the ASCII characters that normalisation removes. Others (dashes,
// typographic quotes) stay.
const punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

// Normalize prepares an answer for comparison as the SQuAD script does, in its order: lower case, ASCII punctuation
// removed (not replaced: "U.S." becomes "us"), the words a, an and the removed, white space collapsed and trimmed.
// Bytes that are not UTF-8 count as U+FFFD.
//
// The result can be empty ("A+" and "The The" are).
func Normalize(s string) string {
	return removeArticles(removePunctuation(lower(s)))
}

// lower is Python's str.lower: Unicode's full lower-case mapping, with the final sigma. (Known difference: a capital
// sigma that follows nothing but a modifier letter such as U+02B0, which no language writes.)
func lower(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return cases.Lower(language.Und).String(strings.ToValidUTF8(s, "\uFFFD"))
		}
	}
	return strings.ToLower(s)
}

func removePunctuation(s string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && strings.ContainsRune(punctuation, r) {
			return -1
		}
		return r
	}, s)
}

// removeArticles replaces every a, an and the that stands as a word of its own by a space, as the regular expression
// \b(a|an|the)\b does, and then splits at white space and joins with single spaces.
func removeArticles(s string) string {
	var out strings.Builder
	gap := false // white space is due before the next character
	write := func(piece string) {
		if gap && out.Len() > 0 {
			out.WriteByte(' ')
		}
		gap = false
		out.WriteString(piece)
	}
	for len(s) > 0 {
		if n := wordLen(s); n > 0 {
			switch word := s[:n]; word {
			case "a", "an", "the":
				gap = true
			default:
				write(word)
			}
			s = s[n:]
			continue
		}
		r, n := utf8.DecodeRuneInString(s)
		if isSpace(r) {
			gap = true
		} else {
			write(s[:n])
		}
		s = s[n:]
	}
	return out.String()
}

// wordLen returns how many bytes of s its leading word takes, 0 if s does not begin with one. A word character is what
// Python's \w matches in a str: letters and numbers of any script (the underscore is gone by now), no combining marks.
func wordLen(s string) int {
	for i, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) {
			return i
		}
	}
	return len(s)
}

// isSpace says whether Python's str.split splits at r: Unicode white space and the four ASCII information separators.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f
}
