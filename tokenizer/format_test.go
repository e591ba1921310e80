package tokenizer

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestBothLayoutsOfMerges(t *testing.T) {
	data, err := os.ReadFile("testdata/bpe/" + vocabularyFile)
	require.NoError(t, err)
	var file map[string]any
	require.NoError(t, json.Unmarshal(data, &file))
	model := file["model"].(map[string]any)
	var lines []string
	for _, m := range model["merges"].([]any) {
		pair, ok := m.([]any)
		require.True(t, ok, "testdata/bpe has pairs as lists")
		lines = append(lines, fmt.Sprintf("%s %s", pair[0], pair[1]))
	}
	model["merges"] = lines
	published, err := json.Marshal(file)
	require.NoError(t, err)
	lists, err := parse(data)
	require.NoError(t, err)
	asStrings, err := parse(published)
	require.NoError(t, err)
	require.NotEmpty(t, lists.bpe.merges)
	require.Equal(t, lists.bpe, asStrings.bpe)
}

// edit is a vocabulary with one place changed.
type edit struct{ name, old, new, want string }

func TestBadVocabularies(t *testing.T) {
	data, err := BuildWords([]string{" boss", "ab", "abc"}, []string{"<search>"})
	require.NoError(t, err)
	for _, c := range []edit{
		{"truncated", `"model"`, "\x00", "invalid character"},
		{"no model", `"model"`, `"models"`, `no "model"`},
		{"another model", `"type": "BPE"`, `"type": "Unigram"`, `of type "Unigram"`},
		{"dropout", `"dropout": null`, `"dropout": 0.1`, "dropout of 0.1"},
		{"suffix", `"end_of_word_suffix": null`, `"end_of_word_suffix": "</w>"`, `"</w>"`},
		{"prefix", `"continuing_subword_prefix": null`, `"continuing_subword_prefix": "##"`, `"##"`},
		{"byte fallback", `"byte_fallback": false`, `"byte_fallback": true`, "byte_fallback"},
		{"another normaliser", `"type": "NFC"`, `"type": "Lowercase"`, `Lowercase`},
		{"another pattern", `\\p{N}|`, `\\p{N}{1,3}|`, `{1,3}`},
		{"another behaviour", `"Isolated"`, `"Removed"`, "Removed"},
		{"prefix space", `"add_prefix_space": false`, `"add_prefix_space": true`, "supported is that of Qwen2"},
		{"no pre-tokeniser", `"pre_tokenizer"`, `"pre"`, "the pre_tokenizer is none"},
		{"template", `"post_processor": {`, `"post_processor": {"type": "TemplateProcessing"}, "x": {`, "TemplateProcessing"},
		{"no decoder", `"decoder"`, `"dec"`, "the decoder is none"},
		{"another decoder", `"decoder": {`, `"decoder": {"type": "Metaspace"}, "x": {`, "Metaspace"},
		{"negative id", `"ab": 257`, `"ab": -1`, `"ab" has the id -1`},
		{"huge id", `"ab": 257`, `"ab": 2000000000`, `"ab" has the id 2000000000`},
		{"id beyond int", `"ab": 257`, `"ab": 99999999999999999999`, "cannot unmarshal"},
		{"id not a number", `"ab": 257`, `"ab": "x"`, "cannot unmarshal"},
		{"id twice", `"ab": 257`, `"ab": 256`, "same id 256"},
		{"empty token", `"ab": 257`, `"": 257`, "id 257 is empty"},
		{"missing byte", `"!": 33`, `"!!": 33`, "byte 0x21"},
		{"vocabulary is a list", `"vocab": {`, `"vocab": [], "x": {`, "cannot unmarshal"},
		{"empty vocabulary", `"vocab": {`, `"vocab": {}, "x": {`, "is empty"},
		{"merge of three", `"merges": []`, `"merges": ["a b c"]`, `"a b c"`},
		{"merge of one", `"merges": []`, `"merges": ["ab"]`, `"ab"`},
		{"merge with nothing", `"merges": []`, `"merges": ["ab "]`, "expected two tokens"},
		{"merge list of one", `"merges": []`, `"merges": [["a"]]`, "expected a pair"},
		{"mixed merges", `"merges": []`, `"merges": ["a b", ["ab", "c"]]`, "cannot unmarshal"},
		{"merge of unknown tokens", `"merges": []`, `"merges": ["a q"]`, `"aq"`},
		{"merge of an unknown token", `"merges": []`, `"merges": [["xx", "a"]]`, `"xx"`},
		{"merges not a list", `"merges": []`, `"merges": 3`, "cannot unmarshal"},
		{"empty added token", `"content": "<search>"`, `"content": ""`, "is empty"},
		{"added token with a taken id", `"id": 259`, `"id": 257`, `which is that of "ab"`},
		{"added token with another id", `"content": "<search>"`, `"content": "ab"`, "the vocabulary says 257"},
		{"added token with a negative id", `"id": 259`, `"id": -3`, "-3"},
		{"added token with a huge id", `"id": 259`, `"id": 1000000000`, "1000000000"},
		{"added token that strips", `"lstrip": false`, `"lstrip": true`, "lstrip"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Contains(t, string(data), c.old)
			_, err := Load(fstest.MapFS{vocabularyFile: {Data: []byte(strings.Replace(string(data), c.old, c.new, 1))}})
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, vocabularyFile)
		})
	}
	t.Run("byte as an added token", func(t *testing.T) {
		_, err := parse([]byte(strings.NewReplacer(`"id": 259`, `"id": 97`, `"<search>"`, `"a"`).Replace(string(data))))
		require.ErrorContains(t, err, "byte 0x61")
	})
	t.Run("cut anywhere", func(t *testing.T) {
		for n := 0; n < len(data)-3; n += 17 {
			_, err := parse(data[:n])
			require.Error(t, err, n)
		}
	})
}

// Merges that make what they are made of cannot run in circles: a merge always makes a longer token.
func TestMergesThatNameEachOther(t *testing.T) {
	data, err := BuildWords([]string{"aa", "aaa"}, nil)
	require.NoError(t, err)
	file := strings.NewReplacer(`"merges": []`, `"merges": ["a a", "a aa", "aa a", "a a", "a aa"]`, `"ignore_merges": true`, `"ignore_merges": false`).
		Replace(string(data))
	tok, err := parse([]byte(file))
	require.NoError(t, err)
	require.Equal(t, "aaaaaaa", tok.Decode(tok.Encode("aaaaaaa")))
}

func TestConfiguration(t *testing.T) {
	load := func(config string) (*Tokenizer, error) {
		files := modelFolder(t, nil)
		files[configFile] = &fstest.MapFile{Data: []byte(config)}
		return Load(files)
	}
	for config, want := range map[string]string{
		`{"eos_token": "<|im_end|>"}`:                  "<|im_end|>",
		`{"eos_token": {"content": "<|endoftext|>"}}`:  "<|endoftext|>",
		`{"eos_token": null, "chat_template": null}`:   "",
		`{"chat_template": [{"name":"tool_use"}]}`:     "",
		`{"model_max_length": 1e30, "x": {"y": [[]]}}`: "",
	} {
		tok, err := load(config)
		require.NoError(t, err, config)
		id, ok := tok.EOS()
		require.Equal(t, want != "", ok, config)
		if ok {
			spelling, known := tok.Token(id)
			require.True(t, known)
			require.Equal(t, want, spelling)
		}
	}
	for config, want := range map[string]string{
		`{"eos_token": "</s>"}`: `"</s>"`,
		`{"eos_token": 3}`:      "eos_token",
		`{"chat_template": 3}`:  "chat_template",
		`{`:                     "unexpected end",
	} {
		_, err := load(config)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, configFile)
	}
	_, err := Load(fstest.MapFS{})
	require.ErrorContains(t, err, vocabularyFile)
}

func TestTokenAndID(t *testing.T) {
	tok := load(t, "words")
	for id := range tok.VocabSize() {
		spelling, ok := tok.Token(id)
		require.True(t, ok)
		back, ok := tok.ID(spelling)
		require.True(t, ok)
		require.Equal(t, id, back)
	}
	for _, id := range []int{-1, tok.VocabSize()} {
		_, ok := tok.Token(id)
		require.False(t, ok)
		require.False(t, tok.IsAdded(id))
		require.Empty(t, tok.Decode([]int{id}))
	}
	id, ok := tok.ID("Ġboss")
	require.True(t, ok)
	require.Equal(t, " boss", tok.Decode([]int{id}))
	_, ok = tok.ID(" boss")
	require.False(t, ok)
}

func TestBuildWordsErrors(t *testing.T) {
	for _, c := range []struct {
		words, added []string
		want         string
	}{
		{words: []string{"boss", "the boss"}, want: `word 1 is "the boss", which the pre-tokeniser splits after "the"`},
		{words: []string{"1987"}, want: `after "1"`},
		{words: []string{""}, want: "word 0"},
		{words: []string{"cafe\u0301"}, want: "NFC"},
		{words: []string{"\xff"}, want: "UTF-8"},
		{added: []string{"<a>", "<a>"}, want: `added token 1 is "<a>"`},
		{added: []string{""}, want: `added token 0 is ""`},
		{added: []string{"a"}, want: `added token 0 is "a"`},
		{words: []string{"boss"}, added: []string{"boss"}, want: `added token 0 is "boss"`},
	} {
		_, err := BuildWords(c.words, c.added)
		require.ErrorContains(t, err, c.want)
	}
}
