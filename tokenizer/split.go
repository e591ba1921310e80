package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// qwenPattern is the pre-tokeniser of the Qwen2 family. Go's regexp has no look-ahead, and silently leaving it out changes the
// ids, so nextPreToken implements exactly this pattern by hand and no other pattern is accepted.
const qwenPattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

// class is what the pattern can tell of a character.
type class uint8

const (
	other   class = iota // [^\s\p{L}\p{N}]
	letter               // \p{L}
	number               // \p{N}
	space                // \s but not a line break
	newline              // \r or \n
)

// classify returns the class of r by Unicode 16, the version of the reference, whatever version Go's tables are of.
func classify(r rune) class {
	if r < utf8.RuneSelf {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z':
			return letter
		case '0' <= r && r <= '9':
			return number
		case r == '\n', r == '\r':
			return newline
		case r == ' ', '\t' <= r && r <= '\f':
			return space
		}
		return other
	}
	switch {
	case unicode.IsLetter(r) || unicode.Is(letters16, r):
		return letter
	case unicode.IsNumber(r) || unicode.Is(numbers16, r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}

// classAt returns the class and width of the first character of s; at the end of the text the width is 0.
func classAt(s string) (class, int) {
	if s == "" {
		return other, 0
	}
	if s[0] < utf8.RuneSelf {
		return classify(rune(s[0])), 1
	}
	r, width := utf8.DecodeRuneInString(s)
	return classify(r), width
}

// run returns the length in bytes of the longest prefix of s whose characters are of class c.
func run(s string, c class) int {
	n := 0
	for n < len(s) {
		k, width := classAt(s[n:])
		if k != c {
			break
		}
		n += width
	}
	return n
}

// nextPreToken returns the length in bytes, at least 1, of the pre-token at the start of s, which is not empty: the first
// alternative of qwenPattern that matches there. Every character belongs to some alternative, so nothing is skipped.
func nextPreToken(s string) int {
	if n := contraction(s); n > 0 { // (?i:'s|'t|'re|'ve|'m|'ll|'d)
		return n
	}
	first, width := classAt(s)
	second, _ := classAt(s[width:])
	hasSecond := len(s) > width
	switch { // [^\r\n\p{L}\p{N}]?\p{L}+
	case first == letter:
		return run(s, letter)
	case (first == space || first == other) && hasSecond && second == letter:
		return width + run(s[width:], letter)
	}
	switch {
	case first == number: // \p{N}
		return width
	case first == other: //  ?[^\s\p{L}\p{N}]+[\r\n]*
		n := run(s, other)
		return n + run(s[n:], newline)
	case s[0] == ' ' && hasSecond && second == other:
		n := 1 + run(s[1:], other)
		return n + run(s[n:], newline)
	}
	return whitespace(s)
}

// contraction returns the length of an English contraction at the start of s, or 0. Case folding makes "ſ" (long s) an s.
func contraction(s string) int {
	if len(s) < 2 || s[0] != '\'' {
		return 0
	}
	switch s[1] | 0x20 {
	case 's', 't', 'm', 'd':
		return 2
	case 'r', 'v':
		if len(s) > 2 && s[2]|0x20 == 'e' {
			return 3
		}
	case 'l':
		if len(s) > 2 && s[2]|0x20 == 'l' {
			return 3
		}
	}
	const longS = "ſ"
	if len(s) > len(longS) && s[1:1+len(longS)] == longS {
		return 1 + len(longS)
	}
	return 0
}

// whitespace matches \s*[\r\n]+|\s+(?!\S)|\s+ at the start of s, which is white space: up to the last line break of the run;
// else the run to the end of the text; else the run without its last character, which goes with what follows; else that one.
func whitespace(s string) int {
	n, last, lineEnd := 0, 0, 0 // end of the run; start of its last character; end of its last line break
	for n < len(s) {
		c, width := classAt(s[n:])
		if c != space && c != newline {
			break
		}
		last = n
		n += width
		if c == newline {
			lineEnd = n
		}
	}
	switch {
	case lineEnd > 0:
		return lineEnd
	case n == len(s) || last == 0:
		return n
	}
	return last
}
