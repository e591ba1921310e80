package retrieval

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const corpus = `{"id": "0", "contents": "\"Cat\"\nThe cat sleeps.\nIt purrs."}
{"id": 17, "contents": "Dog\nThe dog barks."}

{"id": "c", "contents": "\"\"\"Quoted\"\" title\"\nWith \"\"quotes\"\"."}
{"id": "d", "contents": "one line only"}
{"id": "e", "title": "Eel", "text": "It swims.", "url": "ignored"}
{"id": "f", "text": ""}`

var passages = []Document{
	{ID: "0", Title: "Cat", Text: "The cat sleeps.\nIt purrs."},
	{ID: "17", Title: "Dog", Text: "The dog barks."},
	{ID: "c", Title: `""Quoted"" title`, Text: `With ""quotes"".`},
	{ID: "d", Text: "one line only"},
	{ID: "e", Title: "Eel", Text: "It swims."},
	{ID: "f"},
}

func gzipped(t testing.TB, text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestCorpus(t *testing.T) {
	for name, data := range map[string][]byte{
		"plain": []byte(corpus), "gzip": gzipped(t, corpus), "windows": []byte("\xef\xbb\xbf" +
			strings.ReplaceAll(corpus, "\n", "\r\n")),
	} {
		docs, err := ReadCorpus(bytes.NewReader(data))
		require.NoError(t, err, name)
		require.Equal(t, passages, docs, name)
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		docs, err = OpenCorpus(path)
		require.NoError(t, err, name)
		require.Equal(t, passages, docs, name)
	}
	docs, err := ReadCorpus(strings.NewReader(""))
	require.NoError(t, err)
	require.Empty(t, docs)
	long := strings.Repeat("word ", 1<<18)
	docs, err = ReadCorpus(strings.NewReader(`{"id":"long","text":"` + long + `"}`))
	require.NoError(t, err)
	require.Equal(t, long, docs[0].Text)
}

func TestCorpusRefusals(t *testing.T) {
	const good = `{"id":"0","text":"t"}` + "\n"
	packed := gzipped(t, strings.Repeat(corpus+"\n", 100))
	for name, c := range map[string]struct{ data, want string }{
		"not JSON":       {good + "\n{oops", "corpus line 3: invalid character"},
		"not an object":  {good + `["x"]`, `line 2: json: cannot unmarshal array`},
		"says layout":    {`{}`, `expected an object like {"id": "0", "contents"`},
		"no id":          {`{"text":"t"}`, `line 1: no "id"`},
		"empty id":       {`{"id":"","text":"t"}`, `"id" is ""`},
		"id is a list":   {`{"id":["x"],"text":"t"}`, `"id" is ["x"], not a string or a number`},
		"no text":        {good + `{"id":"1","title":"t"}`, `line 2: neither "contents" nor "text"`},
		"text is number": {`{"id":"1","text":5}`, "line 1: json: cannot unmarshal number"},
		"two on a line":  {`{"id":"0","text":"t"} {"id":"1","text":"t"}`, "line 1: invalid character"},
		"cut gzip":       {string(packed[:len(packed)-20]), "gzip stream is damaged or cut off"},
		"bad gzip":       {"\x1f\x8bxx", "corpus as gzip"},
	} {
		docs, err := ReadCorpus(strings.NewReader(c.data))
		require.ErrorContains(t, err, c.want, name)
		require.Nil(t, docs, name)
	}
	path := filepath.Join(t.TempDir(), "broken.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(good+"x"), 0o600))
	_, err := OpenCorpus(path)
	require.ErrorContains(t, err, path+" line 2:")
	_, err = OpenCorpus(filepath.Join(t.TempDir(), "absent"))
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = OpenCorpus(t.TempDir())
	require.Error(t, err, "a folder")
}

// A reader that stops early reads no further.
func TestStreamCorpusStops(t *testing.T) {
	n := 0
	for doc, err := range StreamCorpus(strings.NewReader(corpus+"\nbroken"), "c.jsonl") {
		require.NoError(t, err)
		require.Equal(t, passages[n], doc)
		if n++; n == 2 {
			break
		}
	}
	require.Equal(t, 2, n)
}

func FuzzReadCorpus(f *testing.F) {
	f.Add([]byte(corpus))
	f.Add(gzipped(f, corpus))
	f.Add([]byte(`{"id":1e9,"contents":"\n"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, err := ReadCorpus(bytes.NewReader(data))
		if err != nil {
			require.Nil(t, docs)
			require.NotContains(t, err.Error(), "%!")
			return
		}
		for _, d := range docs {
			require.NotEmpty(t, d.ID)
		}
	})
}
