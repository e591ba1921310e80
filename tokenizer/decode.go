package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// Decode returns the text of ids, with added tokens spelled out. Bytes that are not UTF-8 become U+FFFD; ids that the
// vocabulary does not have (a model may have more rows than its tokenizer has tokens) are skipped. The reference differs in one
// case: it reads an added token such as "café", all of whose characters are in the byte-level alphabet, in that alphabet.
func (t *Tokenizer) Decode(ids []int) string {
	var sb strings.Builder
	for _, id := range ids {
		sb.WriteString(t.bytes(id))
	}
	return replaceInvalid(sb.String())
}

// bytes returns the bytes that a token stands for; "" for an id that is not there.
func (t *Tokenizer) bytes(id int) string {
	if id < 0 || id >= len(t.tokens) {
		return ""
	}
	return t.tokens[id].bytes
}

// Stream returns a decoder that takes one token at a time.
func (t *Tokenizer) Stream() *Stream { return &Stream{tokenizer: t} }

// Stream decodes token by token and never splits a character: what the pushes and the flush return, put together, is what
// [Tokenizer.Decode] returns for the same ids. It is for one goroutine at a time.
type Stream struct {
	tokenizer *Tokenizer
	decoder   lossyDecoder
}

// Push adds a token and returns the whole characters that are known now, often the empty string in the middle of a character.
func (s *Stream) Push(id int) string { return s.decoder.push(s.tokenizer.bytes(id)) }

// Flush ends the text: it returns U+FFFD if a character is incomplete, else "". The stream can be used for another text then.
func (s *Stream) Flush() string { return s.decoder.flush() }

// lossyDecoder passes UTF-8 on and replaces each maximal subpart of an ill-formed sequence by U+FFFD.
type lossyDecoder struct {
	pending string // the beginning of a character, at most 3 bytes
}

func (d *lossyDecoder) push(text string) string {
	if d.pending == "" && utf8.ValidString(text) {
		return text
	}
	text = d.pending + text
	d.pending = ""
	var sb strings.Builder
	for text != "" {
		// What is not a full rune is a correct beginning: an incorrect one counts as full, as a broken rune of width 1.
		if !utf8.FullRuneInString(text) {
			d.pending = text
			break
		}
		r, width := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && width == 1 {
			width = maximalSubpart(text)
		}
		sb.WriteRune(r)
		text = text[width:]
	}
	return sb.String()
}

func (d *lossyDecoder) flush() string {
	if d.pending == "" {
		return ""
	}
	d.pending = ""
	return string(utf8.RuneError)
}

// maximalSubpart returns the length of the longest beginning of text that also begins a well-formed character, at least 1.
func maximalSubpart(text string) int {
	for n := min(3, len(text)); n > 1; n-- {
		if !utf8.FullRuneInString(text[:n]) {
			return n
		}
	}
	return 1
}

// replaceInvalid makes text valid UTF-8.
func replaceInvalid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var d lossyDecoder
	valid := d.push(text)
	return valid + d.flush()
}
