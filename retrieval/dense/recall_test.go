package dense_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/accel"
	"searchrl/encoder"
	"searchrl/internal/shared"
	"searchrl/retrieval"
	"searchrl/retrieval/dense"
	"searchrl/retrieval/flat"
)

// TestRecall measures what f16 and int8 lose against f32 on MiniLM's vectors of real passages: the share of the 10 nearest
// by f32 that are among the 10 nearest otherwise. SEARCHRL_MINILM is the folder that encoder/testdata/reference.py writes,
// SEARCHRL_PASSAGES the number of passages (default 1000).
func TestRecall(t *testing.T) {
	dir := os.Getenv("SEARCHRL_MINILM")
	if dir == "" {
		t.Skip("SEARCHRL_MINILM does not name the folder that encoder/testdata/reference.py writes")
	}
	data := filepath.Join(shared.Dir(t), "data")
	n := 1000
	if text := os.Getenv("SEARCHRL_PASSAGES"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	docs, err := retrieval.OpenCorpus(filepath.Join(data, "corpus.jsonl.gz"))
	require.NoError(t, err)
	docs = docs[:min(n, len(docs))]
	backend, err := accel.Open(accel.Auto)
	require.NoError(t, err)
	defer backend.Close()
	enc, err := encoder.Open(backend, os.DirFS(filepath.Join(dir, "model")), nil)
	require.NoError(t, err)
	defer enc.Close()
	ctx := context.Background()
	var texts []string
	for _, d := range docs {
		texts = append(texts, dense.Contents(d))
	}
	vectors, err := enc.Passages(ctx, texts)
	require.NoError(t, err)
	queries, err := enc.Queries(ctx, questions(t, data, 500))
	require.NoError(t, err)

	const k = 10
	var exact [][]flat.Match
	for _, p := range []flat.Precision{flat.F32, flat.F16, flat.Int8} {
		x, err := flat.New(vectors, p, flat.Options{})
		require.NoError(t, err)
		found, err := x.Search(ctx, queries, k)
		require.NoError(t, err)
		require.NoError(t, x.Close())
		if exact == nil {
			exact = found
		}
		same, first := 0, 0
		for i, matches := range found {
			near := map[int]bool{}
			for _, m := range exact[i] {
				near[m.Row] = true
			}
			for _, m := range matches {
				if near[m.Row] {
					same++
				}
			}
			if matches[0].Row == exact[i][0].Row {
				first++
			}
		}
		recall := float64(same) / float64(k*len(queries))
		t.Logf("%s: recall at %d against f32 %.4f, the same first passage for %d of %d questions, of %d passages", p, k, recall, first, len(queries), len(docs))
		require.Greater(t, recall, 0.95)
	}
}

// questions returns up to n questions of the data's HotpotQA part.
func questions(t *testing.T, data string, n int) []string {
	file, err := os.Open(filepath.Join(data, "questions", "hotpotqa.dev.jsonl.gz"))
	require.NoError(t, err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	require.NoError(t, err)
	var out []string
	for lines := json.NewDecoder(unzipped); lines.More() && len(out) < n; {
		var row struct{ Question string }
		require.NoError(t, lines.Decode(&row))
		out = append(out, row.Question)
	}
	return out
}
