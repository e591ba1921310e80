// Package client searches through a server that speaks Search-R1's /retrieve, this project's or another. It is a
// [retrieval.Searcher] that never takes a failure for an empty result:
//
//	searcher, err := client.New(client.DefaultOptions("http://127.0.0.1:8000/retrieve"))
//	defer searcher.Close()
//	hits, err := searcher.Search(ctx, []string{"Who founded Ghent University?"}, 3)
//
// Equal queries of a call are asked once, and what was found is kept in memory (the Cache entries used last); the others go
// out in batches, a few at a time. Failures of the way (no connection, a body that breaks off, a timeout, the statuses 408,
// 409, 429 and 5xx) are tried again with exponential backoff, a Retry-After is respected, and a server that fails again and
// again is left alone for a while. A reply that is not exactly what was asked for ([wire.ParseReply]) is an error at once:
// asking again would not help, and training on it would go wrong quietly. If one batch fails, the call does.
package client
