package retrieval_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/evaluate"
	"searchrl/internal/shared"
	"searchrl/qa"
	"searchrl/retrieval"
)

// tableRow matches "| nq | 500 | 76.0 / 86.8 |" of the data's README: benchmark, questions, recall@3, recall@10.
var tableRow = regexp.MustCompile(`(?m)^\| (\w+) \| (\d+) \| ([\d.]+) / ([\d.]+) \|`)

// With the analysis of bm25s, the share of questions with an answer among the first 3 and 10 passages is what bm25s
// reached on the same corpus and questions, within a point. A passage holds an answer if its normalised text does, as
// whole words; yes/no questions are left out.
func TestGoldenRecallOfBM25s(t *testing.T) {
	data := filepath.Join(shared.Dir(t), "data")
	readme, err := os.ReadFile(filepath.Join(data, "README.md"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no table of reference figures: ", err)
	}
	require.NoError(t, err)
	docs, err := retrieval.OpenCorpus(filepath.Join(data, "corpus.jsonl.gz"))
	require.NoError(t, err)
	analysis, err := retrieval.NamedAnalysis("bm25s")
	require.NoError(t, err)
	analyze, err := analysis.Analyzer()
	require.NoError(t, err)
	index, err := retrieval.NewBM25(docs, retrieval.WithAnalyzer(analyze))
	require.NoError(t, err)
	rows := tableRow.FindAllStringSubmatch(string(readme), -1)
	require.NotEmpty(t, rows, "no row like | nq | 500 | 76.0 / 86.8 | in the README")
	for _, row := range rows {
		name := row[1]
		questions, err := qa.OpenQuestions(filepath.Join(data, "questions", name+".dev.jsonl.gz"))
		require.NoError(t, err)
		require.Equal(t, row[2], strconv.Itoa(len(questions)), name)
		recall, err := evaluate.SearchRecall(t.Context(), index, questions, nil)
		require.NoError(t, err)
		at3, at10 := 100*recall.Answer[0].Share, 100*recall.Answer[1].Share
		t.Logf("%-16s answer recall@3 %.1f (bm25s %s), @10 %.1f (bm25s %s)", name, at3, row[3], at10, row[4])
		for i, got := range []float64{at3, at10} {
			want, err := strconv.ParseFloat(row[3+i], 64)
			require.NoError(t, err)
			require.InDelta(t, want, got, 1, name)
		}
	}
}
