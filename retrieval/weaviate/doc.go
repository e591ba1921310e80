// Package weaviate searches a corpus that Weaviate holds, a distributed search engine: when passages outgrow a machine
// (docs/scaling.md says when), it spreads them over shards and keeps copies on several nodes, and finds by words (BM25), by
// vectors, or by both.
//
//	client, err := weaviate.NewClient(weaviate.Options{Nodes: []string{"http://127.0.0.1:8099", "http://127.0.0.1:8199"}})
//	err = client.CreateCollection(ctx, weaviate.Collection{Name: "Wiki", Replicas: 2})
//	err = client.Import(ctx, "Wiki", docs, weaviate.ImportOptions{State: "wiki.import.json"})
//	searcher := client.Words("Wiki")
//	hits, err := searcher.Search(ctx, []string{"Who founded Ghent University?"}, 3)
//
// # What is promised
//
//   - A request that fails because a node cannot be reached, or is busy (408, 429, 5xx), is tried again with the next node,
//     with growing pauses in between; one that the server refuses is not.
//   - An object's id is a function of the collection and the passage's id. So an import that is repeated, in part or as a
//     whole, changes nothing that is there already, and an import that was interrupted goes on where its state file says.
//   - An import is done when every copy of every object was accepted and Weaviate had time to write its files (without
//     that, its ranking is wrong, see [DefaultSettle]); a refused object is an error that names its passage.
//   - A reply that is not whole is an error and never an empty result.
//
// # Scores
//
// Title and text are one searched property, as in package retrieval, with the same k1 and b and without stop words, and
// Weaviate splits at whatever is neither letter nor digit, which package retrieval does too but for combining marks. So one
// shard gives the scores of that package. Weaviate computes document statistics for each shard, so scores of several
// differ a little. Equal scores are ordered by place in the corpus among the hits that Weaviate returns; which of equals it
// returns at the end of a list is its own choice.
//
// The requests are plain HTTP (REST and GraphQL); docs/dependencies.md says why not through Weaviate's client.
package weaviate
