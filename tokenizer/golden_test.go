package tokenizer

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/internal/shared"
)

// goldenCase is a line of a golden.jsonl. The files in testdata have all fields, the shared one the first two.
type goldenCase struct {
	Text    string `json:"text"`
	IDs     []int  `json:"ids"`     // with added tokens recognised, the reference's default
	Outside []int  `json:"outside"` // as if the file had no added tokens
	Decoded string `json:"decoded"` // of IDs
}

func readGolden(t testing.TB, path string) []goldenCase {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	var cases []goldenCase
	for lines.Scan() {
		var c goldenCase
		require.NoError(t, json.Unmarshal(lines.Bytes(), &c), "line %d", len(cases)+1)
		cases = append(cases, c)
	}
	require.NoError(t, lines.Err())
	require.NotEmpty(t, cases)
	return cases
}

// TestGoldenTokenizers checks every fixture that has a tokenizer.json and a golden.jsonl.
func TestGoldenTokenizers(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(shared.Dir(t), "fixtures", "*", "golden.jsonl"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			tok, err := Load(os.DirFS(filepath.Dir(path)))
			require.NoError(t, err)
			cases := readGolden(t, path)
			for i, c := range cases {
				trusted, outside := tok.EncodeTrusted(c.Text), tok.Encode(c.Text)
				if len(trusted)+len(c.IDs) > 0 {
					require.Equal(t, c.IDs, trusted, "text %d: %q", i, c.Text)
				}
				require.Equal(t, nfc(c.Text), tok.Decode(trusted), "text %d", i)
				require.Equal(t, nfc(c.Text), tok.Decode(outside), "text %d", i)
				require.False(t, slices.ContainsFunc(outside, tok.IsAdded), "text %d: %q", i, c.Text)
				if !slices.ContainsFunc(trusted, tok.IsAdded) {
					require.Equal(t, trusted, outside, "text %d: %q", i, c.Text)
				}
			}
			t.Logf("%d texts give the golden ids", len(cases))
		})
	}
}
