package wordpiece

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Tokenizer maps text to WordPiece ids. It is read-only after [Load] and safe for concurrent use.
type Tokenizer struct {
	first     map[string]int // pieces that start a word
	rest      map[string]int // pieces that continue one, without their "##"
	size      int            // the number of ids
	longest   int            // bytes of the longest piece
	maxChars  int            // of a word; longer ones are unknown
	normalise normaliser
	special   Special
}

// Special are the ids of the tokens that are no text.
type Special struct {
	Unknown   int // [UNK], a word that the vocabulary cannot spell
	Start     int // [CLS], in front of every text
	Separator int // [SEP], at the end of every text
	Padding   int // [PAD]
}

// Special returns the ids of the special tokens.
func (t *Tokenizer) Special() Special { return t.special }

// VocabSize returns the number of ids: the highest one plus 1.
func (t *Tokenizer) VocabSize() int { return t.size }

// Encode returns [CLS], the ids of text, [SEP]: at most limit of them, the last ones of the text being left out where
// there are more. limit must be at least 2. Bytes that are not UTF-8 count as white space.
func (t *Tokenizer) Encode(text string, limit int) ([]int, error) {
	if limit < 2 {
		return nil, fmt.Errorf("wordpiece: a limit of %d ids has no room for [CLS] and [SEP]", limit)
	}
	ids := make([]int, 1, min(limit, len(text)/3+3))
	ids[0] = t.special.Start
	for word := range words(t.normalise.apply(strings.ToValidUTF8(text, " "))) {
		if len(ids) >= limit-1 {
			break
		}
		ids = t.pieces(ids, word)
	}
	return append(ids[:min(len(ids), limit-1)], t.special.Separator), nil
}

// pieces appends the ids of one word: greedily the longest piece that fits.
func (t *Tokenizer) pieces(ids []int, word string) []int {
	if utf8.RuneCountInString(word) > t.maxChars {
		return append(ids, t.special.Unknown)
	}
	before := len(ids)
	vocabulary := t.first
	for word != "" {
		end := min(len(word), t.longest)
		for ; end > 0; end-- {
			if end < len(word) && !utf8.RuneStart(word[end]) {
				continue
			}
			if id, ok := vocabulary[word[:end]]; ok {
				ids = append(ids, id)
				break
			}
		}
		if end == 0 {
			return append(ids[:before], t.special.Unknown)
		}
		word, vocabulary = word[end:], t.rest
	}
	return ids
}
