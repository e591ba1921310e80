package wire_test

import (
	"fmt"

	"searchrl/retrieval"
	"searchrl/retrieval/wire"
)

func ExampleAppendReply() {
	hits := [][]retrieval.Hit{{{Document: retrieval.Document{ID: "7", Title: "Ghent", Text: "A city."}, Score: 1.5}}}
	reply, err := wire.AppendReply(nil, hits, true)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(reply))
	back, err := wire.ParseReply(reply, 1, 3)
	fmt.Println(back[0][0].Title, err)
	// Output:
	// {"result":[[{"document":{"id":"7","contents":"\"Ghent\"\nA city."},"score":1.5}]]}
	// Ghent <nil>
}
