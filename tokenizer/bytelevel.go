package tokenizer

import "strings"

// The byte-level alphabet of GPT-2 writes each byte as one printable character, so that a vocabulary of byte strings can be
// kept in a JSON file: printable Latin-1 stands for itself, the other 68 bytes are U+0100, U+0101, … in order. The space is "Ġ".

// alphabet maps between bytes and their characters.
type alphabet struct {
	runeOf [256]rune
	byteOf map[rune]byte
}

func newAlphabet() *alphabet {
	a := &alphabet{byteOf: make(map[rune]byte, 256)}
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		printable := b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE
		if !printable {
			r = next
			next++
		}
		a.runeOf[b] = r
		a.byteOf[r] = byte(b)
	}
	return a
}

// spell writes bytes in the alphabet: " boss" becomes "Ġboss".
func (a *alphabet) spell(text string) string {
	var sb strings.Builder
	for i := range len(text) {
		sb.WriteRune(a.runeOf[text[i]])
	}
	return sb.String()
}

// read is the inverse of spell. A token with a character outside the alphabet stands for its own UTF-8, as in the reference.
func (a *alphabet) read(token string) string {
	buf := make([]byte, 0, len(token))
	for _, r := range token {
		b, ok := a.byteOf[r]
		if !ok {
			return token
		}
		buf = append(buf, b)
	}
	return string(buf)
}
