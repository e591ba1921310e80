package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// BuildWords returns an ordinary tokenizer.json for a small closed vocabulary, which Hugging Face's tokenizers library loads as
// well as [Load] does. The ids are 0 to 255 for the bytes, so that any text can be encoded; then one for each word; then one for
// each added token. Words that were given before, or are single bytes, get no second id.
//
// A word is given as it stands in the text, with its leading space if it has one: "boss" and " boss" are two tokens, and only
// those listed exist. It must be one pre-token of Qwen's pattern, or it could never match; so must be every other context: the
// pattern joins one character of punctuation to the letters that follow, hence "(boss" is encoded as bytes unless it is
// listed, while "boss)" is "boss" and ")".
//
// Added tokens written <|so|> are marked special, which makes other software hide them when it decodes; those written
// otherwise, as tags are, are not. [Tokenizer.EncodeTrusted] recognises both and [Tokenizer.Encode] neither.
func BuildWords(words, added []string) ([]byte, error) {
	letters := newAlphabet()
	ids := make(map[string]int, 256+len(words))
	var order []string
	add := func(spelling string) {
		if _, ok := ids[spelling]; !ok {
			ids[spelling] = len(order)
			order = append(order, spelling)
		}
	}
	for b := range 256 {
		add(string(letters.runeOf[b]))
	}
	for i, word := range words {
		switch {
		case word == "" || !utf8.ValidString(word) || nfc(word) != word:
			return nil, fmt.Errorf("word %d is %q; expected normalised (NFC) UTF-8 that is not empty", i, word)
		case nextPreToken(word) != len(word):
			return nil, fmt.Errorf("word %d is %q, which the pre-tokeniser splits after %q; expected one pre-token", i, word,
				word[:nextPreToken(word)])
		}
		add(letters.spell(word))
	}
	file := vocabularyJSON{
		Version:      "1.0",
		Normalizer:   &stageJSON{Type: "NFC"},
		PreTokenizer: qwenPreTokeniser(),
		// The reference's own files have it; it changes offsets only.
		PostProcessor: byteLevel(),
		Decoder:       byteLevel(),
		Model:         &modelJSON{Type: "BPE", IgnoreMerges: true, Vocab: ids, Merges: mergesJSON{}},
	}
	seen := make(map[string]bool, len(added))
	for i, content := range added {
		_, taken := ids[content]
		if content == "" || !utf8.ValidString(content) || taken || seen[content] {
			return nil, fmt.Errorf("added token %d is %q; expected UTF-8 that is not empty and not in the vocabulary yet", i, content)
		}
		seen[content] = true
		special := strings.HasPrefix(content, "<|") && strings.HasSuffix(content, "|>")
		file.AddedTokens = append(file.AddedTokens, addedJSON{ID: len(order) + i, Content: content, Special: special})
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(&file); err != nil {
		return nil, fmt.Errorf("writing tokenizer.json: %w", err)
	}
	return out.Bytes(), nil
}

func qwenPreTokeniser() *stageJSON {
	no := false
	split := stageJSON{Type: "Split", Pattern: &patternJSON{Regex: qwenPattern}, Behavior: "Isolated", Invert: &no}
	spell := *byteLevel()
	spell.AddPrefixSpace, spell.UseRegex = &no, &no
	return &stageJSON{Type: "Sequence", Pretokenizers: []stageJSON{split, spell}}
}

// byteLevel has all three fields set, since the reference requires them. For decoders they have no meaning.
func byteLevel() *stageJSON {
	no, yes := false, true
	return &stageJSON{Type: "ByteLevel", AddPrefixSpace: &no, TrimOffsets: &yes, UseRegex: &yes}
}
