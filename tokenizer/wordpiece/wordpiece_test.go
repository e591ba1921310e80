package wordpiece

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/internal/shared"
)

const long = 1 << 20

func encode(t require.TestingT, tok *Tokenizer, text string) []int {
	ids, err := tok.Encode(text, long)
	require.NoError(t, err)
	return ids
}

func checkGolden(t *testing.T, tok *Tokenizer, path string) {
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	n := 0
	for lines := bufio.NewScanner(file); lines.Scan(); n++ {
		var c struct {
			Text string `json:"text"`
			IDs  []int  `json:"ids"`
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &c))
		assert.Equal(t, c.IDs, encode(t, tok, c.Text), "%q", c.Text)
	}
	require.Greater(t, n, 300)
}

// TestReference: the ids of the reference implementation (testdata/reference.py).
func TestReference(t *testing.T) {
	for _, folder := range []string{"small", "cased"} {
		t.Run(folder, func(t *testing.T) {
			tok, err := Load(os.DirFS(filepath.Join("testdata", folder)))
			require.NoError(t, err)
			checkGolden(t, tok, filepath.Join("testdata", folder, "golden.jsonl"))
		})
	}
	t.Run("bert-uncased", func(t *testing.T) {
		vocabulary, err := os.ReadFile(filepath.Join(shared.Dir(t), "fixtures", "bert-uncased-vocab.txt"))
		require.NoError(t, err)
		tok, err := Load(fstest.MapFS{vocabularyFile: {Data: vocabulary}})
		require.NoError(t, err)
		checkGolden(t, tok, "testdata/bert-uncased.jsonl")
	})
}

// changed are characters whose category changed after Unicode 8, which the reference's tables are of.
var changed = map[rune]bool{0x166d: true, 0x1734: true, 0x111c9: true}

// TestEveryCharacter: what becomes of a character between two letters: it goes, it separates, it is a word, it belongs to
// one. Where the two differ, it is about a character that is newer than the reference's tables, to which it is a part of a
// word as any character that Unicode has not assigned.
func TestEveryCharacter(t *testing.T) {
	tok, err := fromLines([]byte("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##b\n"), normaliser{true, true, true, true})
	require.NoError(t, err)
	text, err := os.ReadFile("testdata/classes.json")
	require.NoError(t, err)
	var runs [][2]json.RawMessage
	require.NoError(t, json.Unmarshal(text, &runs))
	unknown := []int{tok.special.Unknown}
	var wrong []string
	newer := 0
	at := 0
	var want []int
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		var start rune
		if at < len(runs) {
			require.NoError(t, json.Unmarshal(runs[at][0], &start))
			if start == r {
				want = nil
				require.NoError(t, json.Unmarshal(runs[at][1], &want))
				at++
			}
		}
		ids := encode(t, tok, "a"+string(r)+"b")
		switch ids = ids[1 : len(ids)-1]; {
		case slices.Equal(ids, want), changed[r]:
		case slices.Equal(want, unknown) && !slices.Equal(ids, unknown):
			newer++
		default:
			wrong = append(wrong, fmt.Sprintf("%U %v, expected %v", r, ids, want))
		}
	}
	require.Equal(t, len(runs), at)
	require.Empty(t, wrong)
	require.Less(t, newer, 1000) // 565 with Unicode 15; none of them is in a script that BERT's vocabulary has
}

// TestLimit: ids in excess are cut from the text's end; [CLS] and [SEP] stay.
func TestLimit(t *testing.T) {
	tok, err := Load(os.DirFS("testdata/small"))
	require.NoError(t, err)
	full := encode(t, tok, "the city of Ghent was founded")
	require.Greater(t, len(full), 6)
	for limit := 2; limit <= len(full)+2; limit++ {
		ids, err := tok.Encode("the city of Ghent was founded", limit)
		require.NoError(t, err)
		if limit >= len(full) {
			require.Equal(t, full, ids)
			continue
		}
		require.Equal(t, append(slices.Clone(full[:limit-1]), tok.Special().Separator), ids)
	}
	_, err = tok.Encode("x", 1)
	require.ErrorContains(t, err, "a limit of 1 ids has no room")
}

// TestSpecialTokensAreNotRead: text from outside cannot forge a separator.
func TestSpecialTokensAreNotRead(t *testing.T) {
	tok, err := Load(os.DirFS("testdata/small"))
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`([a-z ]|\[SEP\]|\[CLS\]|\[PAD\]|##){0,20}`)).Draw(t, "text")
		ids := encode(t, tok, text)
		for _, id := range ids[1 : len(ids)-1] {
			require.NotContains(t, []int{tok.special.Start, tok.special.Separator, tok.special.Padding}, id)
			require.Less(t, id, tok.VocabSize())
		}
	})
}

func TestBadFiles(t *testing.T) {
	good, err := os.ReadFile("testdata/small/tokenizer.json")
	require.NoError(t, err)
	edit := func(from, to string) string {
		require.Contains(t, string(good), from)
		return strings.Replace(string(good), from, to, 1)
	}
	for name, test := range map[string]struct{ file, text, want string }{
		"nothing":       {"other", "", "neither tokenizer.json nor vocab.txt is there"},
		"no JSON":       {tokenizerFile, "{", "tokenizer.json: unexpected end"},
		"no model":      {tokenizerFile, "{}", "no model"},
		"another model": {tokenizerFile, edit(`"WordPiece"`, `"BPE"`), `the model is "BPE", expected WordPiece`},
		"prefix":        {tokenizerFile, edit(`"continuing_subword_prefix":"##"`, `"continuing_subword_prefix":"@@"`), `start with "@@"`},
		"normalizer":    {tokenizerFile, edit(`"BertNormalizer"`, `"NFC"`), "not BertNormalizer"},
		"words":         {tokenizerFile, edit(`"BertPreTokenizer"`, `"Whitespace"`), "not BertPreTokenizer"},
		"template":      {tokenizerFile, edit(`"TemplateProcessing"`, `"RobertaProcessing"`), "neither TemplateProcessing nor"},
		"negative id":   {tokenizerFile, edit(`"[MASK]":4`, `"[MASK]":-4`), `piece "[MASK]" has id -4`},
		"huge id":       {tokenizerFile, edit(`"[MASK]":4`, `"[MASK]":99999999`), `piece "[MASK]" has id 99999999`},
		"no special":    {vocabularyFile, "[PAD]\n[UNK]\n[CLS]\na\n", "the vocabulary has no [SEP]"},
		"twice":         {vocabularyFile, "[PAD]\n[UNK]\n[CLS]\n[PAD]\n", `lines 1 and 4 are both "[PAD]"`},
	} {
		_, err := Load(fstest.MapFS{test.file: {Data: []byte(test.text)}})
		assert.ErrorContains(t, err, test.want, name)
	}
}

// FuzzEncode: any bytes give ids of the vocabulary within the limit.
func FuzzEncode(f *testing.F) {
	tok, err := Load(os.DirFS("testdata/small"))
	require.NoError(f, err)
	f.Add("Ghent \xff\u0301[SEP]", 5)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		ids, err := tok.Encode(text, limit)
		if limit < 2 {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.LessOrEqual(t, len(ids), limit)
		require.Equal(t, tok.special.Start, ids[0])
		require.Equal(t, tok.special.Separator, ids[len(ids)-1])
	})
}

// FuzzLoad: any file is read or refused, and what was read encodes.
func FuzzLoad(f *testing.F) {
	f.Add([]byte("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n##b\n"), true)
	f.Add([]byte(`{"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":{"type":"BertProcessing"},`+
		`"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","vocab":{"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,"a":4}}}`), false)
	f.Fuzz(func(t *testing.T, data []byte, lines bool) {
		name := tokenizerFile
		if lines {
			name = vocabularyFile
		}
		tok, err := Load(fstest.MapFS{name: {Data: data}})
		if err != nil {
			return
		}
		ids, err := tok.Encode("ab a b", 10)
		require.NoError(t, err)
		for _, id := range ids {
			require.Less(t, id, tok.VocabSize())
		}
	})
}
