package tokenizer

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// Whatever the files hold, loading them ends with an error or with a tokenizer that works.
func FuzzLoad(f *testing.F) {
	small, err := BuildWords([]string{" boss", "ab", "abc"}, []string{"<search>"})
	require.NoError(f, err)
	f.Add(string(small), `{"eos_token":"<search>"}`)
	f.Add(strings.Replace(string(small), `"merges": []`, `"merges": ["a b", "ab c"]`, 1), `{"chat_template":"x"}`)
	f.Add(strings.Replace(string(small), `"merges": []`, `"merges": [["a", "b"], ["ab", "c"]]`, 1), ``)
	f.Add(strings.Replace(string(small), `"ab": 257`, `"ab": -257`, 1), `{`)
	f.Add(`{"model":{"type":"BPE","vocab":{"a":0},"merges":[["a"]]}}`, `{"eos_token":{"content":3}}`)
	f.Fuzz(func(t *testing.T, vocabulary, config string) {
		tok, err := Load(fstest.MapFS{vocabularyFile: {Data: []byte(vocabulary)}, configFile: {Data: []byte(config)}})
		if err != nil {
			return
		}
		const text = "the abc boss <search> é\xff"
		require.False(t, slices.ContainsFunc(tok.Encode(text), tok.IsAdded))
		require.Equal(t, nfc(replaceInvalid(text)), nfc(tok.Decode(tok.Encode(text))))
		tok.Decode(tok.EncodeTrusted(text))
	})
}

// Any bytes are encoded without an added token, and decode to themselves but for normalisation and what is not UTF-8.
func FuzzEncode(f *testing.F) {
	tokenizers := []*Tokenizer{load(f, "bpe"), load(f, "words")}
	for _, text := range []string{"", "Who is the boss?", "<search>", "<|im_end|>", "e\u0301\u0323", "\xe2\x82", "\U000201af\u0323", " \n 'ſ", "각"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want := nfc(replaceInvalid(text))
		for _, tok := range tokenizers {
			ids := tok.Encode(text)
			require.False(t, slices.ContainsFunc(ids, tok.IsAdded), "%q", text)
			require.Equal(t, want, tok.Decode(ids))
			stream := tok.Stream()
			var sb strings.Builder
			for _, id := range ids {
				sb.WriteString(stream.Push(id))
			}
			require.Equal(t, want, sb.String()+stream.Flush())
			// Around an added token text is normalised piece by piece, so trusted encoding keeps the text only up to NFC.
			require.Equal(t, want, nfc(tok.Decode(tok.EncodeTrusted(text))))
		}
	})
}
