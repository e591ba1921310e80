package retrieval_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"searchrl/internal/shared"
	"searchrl/qa"
	"searchrl/retrieval"
)

// pythonWords is the analysis of bm25s: English stop words out, and words of one character out.
func pythonWords(text string, emit func(word []byte)) {
	retrieval.Words(text, func(word []byte) {
		if utf8.RuneCount(word) > 1 {
			emit(word)
		}
	})
}

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
	index, err := retrieval.NewBM25(docs, retrieval.WithAnalyzer(pythonWords),
		retrieval.WithStopWords(retrieval.EnglishStopWords()...))
	require.NoError(t, err)
	rows := tableRow.FindAllStringSubmatch(string(readme), -1)
	require.NotEmpty(t, rows, "no row like | nq | 500 | 76.0 / 86.8 | in the README")
	for _, row := range rows {
		name := row[1]
		questions, err := qa.OpenQuestions(filepath.Join(data, "questions", name+".dev.jsonl.gz"))
		require.NoError(t, err)
		require.Equal(t, row[2], strconv.Itoa(len(questions)), name)
		at3, at10 := recall(t, index, questions)
		t.Logf("%-16s answer recall@3 %.1f (bm25s %s), @10 %.1f (bm25s %s)", name, at3, row[3], at10, row[4])
		for i, got := range []float64{at3, at10} {
			want, err := strconv.ParseFloat(row[3+i], 64)
			require.NoError(t, err)
			require.InDelta(t, want, got, 1, name)
		}
	}
}

// recall returns the percentage of questions with an answer in the first 3 and 10 passages.
func recall(t *testing.T, index retrieval.Searcher, questions []qa.Question) (at3, at10 float64) {
	var texts []string
	var answers [][]string
	for _, q := range questions {
		if qa.ExactMatch("yes", q.Answers)+qa.ExactMatch("no", q.Answers) > 0 {
			continue
		}
		texts, answers = append(texts, q.Text), append(answers, q.Answers)
	}
	results, err := index.Search(t.Context(), texts, 10)
	require.NoError(t, err)
	for i, hits := range results {
		for rank, hit := range hits {
			if holds(hit.Document, answers[i]) {
				at10++
				if rank < 3 {
					at3++
				}
				break
			}
		}
	}
	n := float64(len(texts)) / 100
	return at3 / n, at10 / n
}

func holds(d retrieval.Document, answers []string) bool {
	text := " " + qa.Normalize(d.Title+"\n"+d.Text) + " "
	for _, answer := range answers {
		if a := qa.Normalize(answer); a != "" && strings.Contains(text, " "+a+" ") {
			return true
		}
	}
	return false
}
