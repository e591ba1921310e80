package tokenizer

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The golden files in testdata are what the reference gives (testdata/reference.py).
func TestReference(t *testing.T) {
	for _, folder := range []string{"bpe", "words"} {
		t.Run(folder, func(t *testing.T) {
			tok, err := Load(os.DirFS(filepath.Join("testdata", folder)))
			require.NoError(t, err)
			for _, c := range readGolden(t, filepath.Join("testdata", folder, "golden.jsonl")) {
				require.Equal(t, c.IDs, tok.EncodeTrusted(c.Text), "trusted %q", c.Text)
				require.Equal(t, c.Outside, tok.Encode(c.Text), "outside %q", c.Text)
				require.Equal(t, c.Decoded, tok.Decode(c.IDs), "decoded %q", c.Text)
			}
		})
	}
}
