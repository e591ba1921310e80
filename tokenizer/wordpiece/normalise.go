package wordpiece

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normaliser is BertNormalizer of the reference.
type normaliser struct {
	clean   bool // control characters go, white space becomes a space
	chinese bool // spaces around Chinese characters
	accents bool // accents go
	lower   bool // lower case
}

// apply normalises valid UTF-8.
func (n normaliser) apply(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for _, r := range text {
		if n.clean {
			if r == 0 || r == utf8.RuneError || isControl(r) {
				continue
			}
			if unicode.IsSpace(r) {
				r = ' '
			}
		}
		if n.chinese && isChinese(r) {
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(r)
	}
	text = b.String()
	if n.accents && !isASCII(text) {
		text = strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Mn, r) {
				return -1
			}
			return r
		}, norm.NFD.String(text))
	}
	if n.lower {
		// Letter by letter, as the reference does: no final sigma. İ alone becomes two characters.
		text = strings.Map(unicode.ToLower, strings.ReplaceAll(text, "İ", "i̇"))
	}
	return text
}

// words splits normalised text at white space; each punctuation mark is a word of its own (BertPreTokenizer).
func words(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		start := 0
		for at, r := range text {
			space := unicode.IsSpace(r)
			if !space && !isPunctuation(r) {
				continue
			}
			if start < at && !yield(text[start:at]) {
				return
			}
			start = at + utf8.RuneLen(r)
			if !space && !yield(text[at:start]) {
				return
			}
		}
		if start < len(text) {
			yield(text[start:])
		}
	}
}

// isControl follows the reference: tab and line ends are white space, other control, format and private characters go.
// Those that Unicode has not assigned stay.
func isControl(r rune) bool {
	return r != '\t' && r != '\n' && r != '\r' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co)
}

// isPunctuation holds for Unicode's punctuation and for all of ASCII's signs, "$" and "^" too.
func isPunctuation(r rune) bool {
	return r < utf8.RuneSelf && (r > ' ' && r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z' && r < 0x7f) || unicode.IsPunct(r)
}

// isChinese holds in the blocks of CJK ideographs that BERT's authors list; kana and hangul are not among them.
func isChinese(r rune) bool {
	switch {
	case r < 0x3400:
		return false
	case r >= 0x4e00 && r <= 0x9fff, r >= 0x3400 && r <= 0x4dbf, r >= 0x20000 && r <= 0x2a6df, r >= 0x2a700 && r <= 0x2b73f,
		r >= 0x2b740 && r <= 0x2b81f, r >= 0x2b920 && r <= 0x2ceaf, r >= 0xf900 && r <= 0xfaff, r >= 0x2f800 && r <= 0x2fa1f:
		return true
	}
	return false
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
