package tokenizer

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
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

func TestGoldenQwen25(t *testing.T) {
	dir := filepath.Join(shared.Dir(t), "fixtures", "qwen2.5-tokenizer")
	tok, err := Load(os.DirFS(dir))
	require.NoError(t, err)
	cases := readGolden(t, filepath.Join(dir, "golden.jsonl"))
	for i, c := range cases {
		got := tok.EncodeTrusted(c.Text)
		if len(got)+len(c.IDs) > 0 {
			require.Equal(t, c.IDs, got, "text %d: %q", i, c.Text)
		}
	}
	t.Logf("%d texts give the golden ids", len(cases))
}
