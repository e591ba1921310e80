package scripted

import (
	"fmt"
	"testing/fstest"

	"searchrl/tokenizer"
)

// EOS is the end-of-sequence token of [NewTokenizer].
const EOS = "<|end|>"

// NewTokenizer returns a small tokenizer: a token for each byte, for each of the words (see tokenizer.BuildWords) and
// for each added token, and the end-of-sequence token.
func NewTokenizer(words, added []string) (*tokenizer.Tokenizer, error) {
	file, err := tokenizer.BuildWords(words, append(append([]string(nil), added...), EOS))
	if err != nil {
		return nil, fmt.Errorf("building a tokenizer: %w", err)
	}
	return tokenizer.Load(fstest.MapFS{
		"tokenizer.json":        {Data: file},
		"tokenizer_config.json": {Data: []byte(`{"eos_token": "` + EOS + `"}`)},
	})
}
