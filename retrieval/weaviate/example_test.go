package weaviate_test

import (
	"context"
	"fmt"

	"searchrl/retrieval/weaviate"
)

// A client of three nodes; scripts/weaviate.sh start DIR 3 starts them.
func Example() {
	client, err := weaviate.NewClient(weaviate.Options{Nodes: []string{"http://127.0.0.1:8090", "http://127.0.0.1:8091", "http://127.0.0.1:8092"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	results, err := client.Words("Wiki").Search(context.Background(), []string{"Who founded Ghent University?"}, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, hit := range results[0] {
		fmt.Println(hit.Title)
	}
}

func ExampleObjectID() {
	fmt.Println(weaviate.ObjectID("Wiki", "42"))
	fmt.Println(weaviate.ObjectID("Wiki", "43"))
	// Output:
	// 2469a15f-b73d-5687-a763-00e6ff6e2537
	// 97b7c20a-5578-5a6a-9ffd-518e1ec70aeb
}
