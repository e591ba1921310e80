package tokenizer

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// smallWords and smallAdded are the vocabulary of testdata/words.
var (
	smallWords = []string{
		"Who", " is", " the", " boss", "boss", " of", " Ambergate", "Ambergate", "(Ambergate", " founded", " in", " café", "?", " über", "\n\n",
		" the", ".",
	}
	smallAdded = []string{"<|endoftext|>", "<search>", "</search>", "<search>ing"}
)

// words returns the tokenizer of testdata/words; with UPDATE=1 it writes the file anew.
func TestBuildWordsIsTheFileTheReferenceRead(t *testing.T) {
	data, err := BuildWords(smallWords, smallAdded)
	require.NoError(t, err)
	path := filepath.Join("testdata", "words", vocabularyFile)
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, data, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(data))
}
