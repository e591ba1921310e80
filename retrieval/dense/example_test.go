package dense_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"searchrl/retrieval"
	"searchrl/retrieval/dense"
	"searchrl/retrieval/flat"
)

// themes is a stand-in for a trained encoder: an element of a vector says whether the text speaks of a theme, whatever word
// it uses. Package encoder has the real ones.
type themes [][]string

func (t themes) Dim() int       { return len(t) }
func (t themes) Digest() string { return fmt.Sprint([][]string(t)) }

func (t themes) Queries(_ context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i, text := range texts {
		out[i] = make([]float32, len(t))
		for j, words := range t {
			for _, word := range words {
				if strings.Contains(strings.ToLower(text), word) {
					out[i][j] = 1
				}
			}
		}
	}
	return out, nil
}

func (t themes) Passages(ctx context.Context, texts []string) ([][]float32, error) {
	return t.Queries(ctx, texts)
}

// Vectors are made once and kept in a folder; a query is found by what it means, without a word in common.
func Example() {
	docs := dense.Slice{
		{ID: "1", Title: "Ghent", Text: "Its university was established by William I."},
		{ID: "2", Title: "Bruges", Text: "Its harbour silted up."},
	}
	enc := themes{{"establish", "found", "creat"}, {"university", "college", "school"}, {"harbour", "port"}}
	dir, err := os.MkdirTemp("", "vectors")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	if err := dense.Build(ctx, dir, enc, docs, dense.BuildOptions{Precision: flat.F16}); err != nil {
		fmt.Println(err)
		return
	}
	searcher, err := dense.Open(dir, enc, docs, flat.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer searcher.Close()
	query := []string{"Who created this college?"}
	results, err := searcher.Search(ctx, query, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("by vectors:", results[0][0].Title, results[0][0].Score)

	words, err := retrieval.NewBM25(docs)
	if err != nil {
		fmt.Println(err)
		return
	}
	if results, err = words.Search(ctx, query, 1); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("by words:", len(results[0]))
	// Output:
	// by vectors: Ghent 2
	// by words: 0
}
