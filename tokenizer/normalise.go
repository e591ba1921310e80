package tokenizer

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// longRun is a number of combining marks in a row up to which x/text's NFC is certainly plain NFC.
const longRun = 28

// nfc brings valid UTF-8 into normalisation form C. x/text does that but in two cases, in which the text takes a slower way:
// it applies the stream-safe format of UAX #15, which breaks runs of more than 30 combining marks up with U+034F; and it looks
// compositions up by the low 16 bits of both characters, so that U+201AF U+0323 becomes "Ự" (as of v0.35.0).
func nfc(text string) string {
	if norm.NFC.QuickSpanString(text) == len(text) {
		return text
	}
	if longestMarkRun(text) > longRun || strings.ContainsFunc(text, func(r rune) bool { return r > 0xFFFF }) {
		return nfcExact(text)
	}
	return norm.NFC.String(text)
}

// longestMarkRun returns an upper bound of the number of combining marks in a row that the decomposed text has.
func longestMarkRun(text string) int {
	longest, marks := 0, 0
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			marks = 0
			i++
			continue
		}
		p := norm.NFD.PropertiesString(text[i:])
		switch {
		case p.LeadCCC() != 0:
			marks += max(1, utf8.RuneCount(p.Decomposition()))
		case p.TrailCCC() != 0:
			marks = utf8.RuneCount(p.Decomposition())
		default:
			marks = 0
		}
		longest = max(longest, marks)
		i += max(1, p.Size())
	}
	return longest
}

// mark is a character with its canonical combining class, which is 0 for all but combining marks.
type mark struct {
	r     rune
	class uint8
}

// nfcExact is NFC as the Unicode standard defines it in §3.11: decompose, put runs of marks into canonical order, compose.
func nfcExact(text string) string {
	var chars []mark
	for _, r := range text {
		if r < 0xC0 { // has no decomposition, and may be most of the text
			chars = append(chars, mark{r, 0})
			continue
		}
		for _, d := range norm.NFD.String(string(r)) {
			chars = append(chars, mark{d, norm.NFD.PropertiesString(string(d)).CCC()})
		}
	}
	for i := 0; i < len(chars); {
		end := i + 1
		for chars[i].class != 0 && end < len(chars) && chars[end].class != 0 {
			end++
		}
		slices.SortStableFunc(chars[i:end], func(a, b mark) int { return cmp.Compare(a.class, b.class) })
		i = end
	}
	kept, starter := chars[:0], -1 // starter is the index in kept of the last character of class 0
	for _, c := range chars {
		// c is blocked from the starter by a kept character between them of class 0 or of its own class or a higher one.
		if n := len(kept); starter >= 0 && (n == starter+1 || kept[n-1].class < c.class) {
			if both, ok := composite(kept[starter].r, c.r); ok {
				kept[starter].r = both
				continue
			}
		}
		if c.class == 0 {
			starter = len(kept)
		}
		kept = append(kept, c)
	}
	out := make([]byte, 0, len(text))
	for _, c := range kept {
		out = utf8.AppendRune(out, c.r)
	}
	return string(out)
}

// composite returns the character that two compose into, if there is one.
func composite(a, b rune) (rune, bool) {
	if b < 0x300 { // no such character is the second of a composition
		return 0, false
	}
	both := string([]rune{a, b})
	s := norm.NFC.String(both)
	r, width := utf8.DecodeRuneInString(s)
	return r, width == len(s) && norm.NFD.String(s) == norm.NFD.String(both)
}
