package qa_test

import (
	"encoding/json"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/internal/jsonl"
	"searchrl/internal/shared"
	"searchrl/qa"
)

// Every question file of the data folder is read without error, and its questions are fit for use.
func TestGoldenQuestions(t *testing.T) {
	files := jsonlFiles(t, filepath.Join(shared.Dir(t), "data", "questions"))
	for _, path := range files {
		questions, err := qa.OpenQuestions(path)
		require.NoError(t, err)
		require.NotEmpty(t, questions, path)
		for _, q := range questions {
			require.NotEmpty(t, q.Source, q.ID)
			require.False(t, strings.HasPrefix(q.ID, "line-"), "every question has its own id")
			require.Equal(t, 1.0, qa.ExactMatch(q.Answers[0], q.Answers), q.ID)
			if qa.Normalize(q.Answers[0]) != "" {
				require.Equal(t, 1.0, qa.F1(q.Answers[0], q.Answers), q.ID)
			}
			for _, s := range q.Supporting {
				require.NotEmpty(t, s.ID, q.ID)
			}
		}
	}
}

// The recorded EM and F1 of published trajectories follow from the recorded prediction, to the last bit.
func TestGoldenMetrics(t *testing.T) {
	for _, path := range jsonlFiles(t, filepath.Join(shared.Dir(t), "data", "rollouts")) {
		lines, file, err := jsonl.Open(path)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, file.Close()) })
		n, em, f1 := 0, 0.0, 0.0
		for ; ; n++ {
			line, err := lines.Next()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			var r struct {
				ID      string
				Answers []string `json:"golden_answers"`
				Pred    string
				EM, F1  float64
			}
			require.NoError(t, json.Unmarshal(line, &r))
			require.Equal(t, r.EM, qa.ExactMatch(r.Pred, r.Answers), "%s: %q for %q", r.ID, r.Pred, r.Answers)
			require.Equal(t, r.F1, qa.F1(r.Pred, r.Answers), "%s: %q for %q", r.ID, r.Pred, r.Answers)
			em, f1 = em+r.EM, f1+r.F1
		}
		require.Positive(t, n, path)
		t.Logf("%s: %d predictions, EM %.3f, F1 %.3f", filepath.Base(path), n, em/float64(n), f1/float64(n))
	}
}

// jsonlFiles lists the JSON-lines files under a folder; it skips the test where the folder is absent.
func jsonlFiles(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && (strings.HasSuffix(path, ".jsonl.gz") || strings.HasSuffix(path, ".jsonl")) {
			files = append(files, path)
		}
		return err
	})
	if len(files) == 0 {
		t.Skipf("no golden data in %s: %v", dir, err)
	}
	require.NoError(t, err)
	return files
}
