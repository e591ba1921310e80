// Package load measures a [retrieval.Searcher] under load: a number of clients search at once, each again as soon as its
// last search is answered (a closed loop), until a number of queries has been asked. What was found is thrown away, but a
// search that fails or that answers another number of queries counts as an error.
//
// A closed loop shows the throughput that so many clients get, and how long they wait for it. It does not show what clients
// would see that come at times of their own: a slow answer here keeps its client from asking the next question.
package load
