package tinyworld

import "strings"

// Tags are the tokens of the protocol, in the order of their ids.
var Tags = []string{"<think>", "</think>", "<search>", "</search>", "<information>", "</information>", "<answer>", "</answer>",
	"<review>", "</review>", "<decision>", "</decision>"}

// EndOfText ends a text; it is the tokenizer's end-of-sequence token.
const EndOfText = "<|endoftext|>"

// Vocabulary returns the pieces that the level's tokenizer writes as one token, besides the 256 bytes and the tags: every
// word of the level with the space before it, and the prompt's first word.
func Vocabulary(level Level) []string {
	pieces := []string{"Question", "?\n"}
	seen := map[string]bool{}
	add := func(words ...string) {
		for _, word := range words {
			if !seen[word] {
				seen[word] = true
				pieces = append(pieces, " "+word)
			}
		}
	}
	add(strings.Fields("I The the of is need know answer Who Which city company")...)
	for _, r := range Relations(level) {
		add(r.Name)
	}
	if level == Hard {
		add("older", "and")
		for _, r := range registers {
			add(r.noun)
			add(strings.Fields(strings.NewReplacer("%s", "", ":", "", ",", "", ".", "").Replace(r.text))...)
		}
	}
	for _, name := range newLexicon(level).names {
		add(strings.Fields(name)...)
	}
	add("accept", "revise") // a refiner's decisions; the numbers of the steps are single bytes
	return pieces
}
