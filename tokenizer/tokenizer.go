package tokenizer

import (
	"errors"
	"fmt"
	"io/fs"
)

// Tokenizer maps text to token ids and back. It is read-only after [Load] and safe for concurrent use.
type Tokenizer struct {
	bpe        bpe
	normalise  bool           // NFC before splitting
	tokens     []token        // by id; holes have known == false
	ids        map[string]int // by the token's spelling in the file
	added      addedTokens    // looked for in the text as it came
	normalised addedTokens    // looked for after normalisation
	eos        int            // -1: none is named
	chat       chatML
	chatErr    error // why there is no chat template that can be used
}

// token is one entry of the vocabulary.
type token struct {
	spelling string // as in the file: "Ġboss"
	bytes    string // what it stands for: " boss"
	added    bool
	known    bool
}

// File names in a Hugging Face model folder.
const (
	vocabularyFile   = "tokenizer.json"
	configFile       = "tokenizer_config.json"
	chatTemplateFile = "chat_template.jinja"
)

// Load reads the tokenizer at the root of fsys, a model folder: tokenizer.json, which must be there, and the end-of-sequence
// token and the chat template in tokenizer_config.json and chat_template.jinja, which need not.
func Load(fsys fs.FS) (*Tokenizer, error) {
	data, err := fs.ReadFile(fsys, vocabularyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the tokenizer: %w", err)
	}
	t, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", vocabularyFile, err)
	}
	config, err := fs.ReadFile(fsys, configFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the tokenizer's configuration: %w", err)
	}
	template, err := fs.ReadFile(fsys, chatTemplateFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the chat template: %w", err)
	}
	if err := t.configure(config, string(template)); err != nil {
		return nil, fmt.Errorf("reading %s: %w", configFile, err)
	}
	return t, nil
}

// Encode returns the ids of text from outside. Added tokens, special or not, are never among them: where the text spells one,
// the spelling is encoded as any other text.
func (t *Tokenizer) Encode(text string) []int {
	return t.appendPlain(nil, t.normaliseText(replaceInvalid(text)))
}

// EncodeTrusted returns the ids of text that we wrote ourselves: added tokens are recognised, the longest first, as the
// reference does by default. No token is put before or after the text.
func (t *Tokenizer) EncodeTrusted(text string) []int {
	var ids []int
	token := func(id int) { ids = append(ids, id) }
	t.added.split(replaceInvalid(text), func(raw string) {
		t.normalised.split(t.normaliseText(raw), func(plain string) { ids = t.appendPlain(ids, plain) }, token)
	}, token)
	return ids
}

func (t *Tokenizer) normaliseText(text string) string {
	if t.normalise {
		return nfc(text)
	}
	return text
}

// appendPlain appends the ids of valid, normalised text without added tokens.
func (t *Tokenizer) appendPlain(ids []int, text string) []int {
	if ids == nil && text != "" {
		ids = make([]int, 0, len(text)/3+1)
	}
	for text != "" {
		n := nextPreToken(text)
		ids = t.bpe.encode(ids, text[:n])
		text = text[n:]
	}
	return ids
}

// Token returns the spelling of a token in tokenizer.json, where ordinary tokens are in the byte-level alphabet ("Ġboss" is
// " boss"); ok is false for an id that the vocabulary does not have. For text, see [Tokenizer.Decode].
func (t *Tokenizer) Token(id int) (spelling string, ok bool) {
	if id < 0 || id >= len(t.tokens) || !t.tokens[id].known {
		return "", false
	}
	return t.tokens[id].spelling, true
}

// ID returns the id of the token spelled so in tokenizer.json; it is the inverse of [Tokenizer.Token].
func (t *Tokenizer) ID(spelling string) (id int, ok bool) {
	id, ok = t.ids[spelling]
	return id, ok
}

// IsAdded reports whether id is an added token, one that [Tokenizer.Encode] cannot return.
func (t *Tokenizer) IsAdded(id int) bool {
	return id >= 0 && id < len(t.tokens) && t.tokens[id].added
}

// VocabSize returns the number of ids: the highest one plus 1. A model may have more rows than that, as Qwen2.5 has.
func (t *Tokenizer) VocabSize() int { return len(t.tokens) }

// EOS returns the end-of-sequence token that tokenizer_config.json names; ok is false where it names none.
func (t *Tokenizer) EOS() (id int, ok bool) { return t.eos, t.eos >= 0 }
