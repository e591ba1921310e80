package retrieval_test

import (
	"context"
	"fmt"
	"strings"

	"searchrl/retrieval"
)

func ExampleBM25() {
	index, err := retrieval.NewBM25([]retrieval.Document{
		{ID: "1", Title: "Ghent", Text: "Ghent is a city in East Flanders. Its university was founded by William I."},
		{ID: "2", Title: "William I", Text: "William I was king of the Netherlands."},
		{ID: "3", Title: "Bruges", Text: "Bruges is a city in West Flanders."},
	}, retrieval.WithStopWords(retrieval.EnglishStopWords()...))
	if err != nil {
		fmt.Println(err)
		return
	}
	results, err := index.Search(context.Background(), []string{"Who founded the university of Ghent?"}, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, hit := range results[0] {
		fmt.Printf("%s: %.3f\n", hit.Title, hit.Score)
	}
	// Output:
	// Ghent: 1.597
}

func ExampleReadCorpus() {
	docs, err := retrieval.ReadCorpus(strings.NewReader(
		`{"id": "0", "contents": "\"Ghent\"\nGhent is a city in East Flanders."}` + "\n" +
			`{"id": "1", "title": "Bruges", "text": "Bruges is a city in West Flanders."}` + "\n" +
			`{"id": "2"}`))
	fmt.Println(len(docs), strings.SplitAfter(err.Error(), ";")[0])
	// Output:
	// 0 corpus line 3: neither "contents" nor "text";
}
