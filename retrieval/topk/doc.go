// Package topk finds the k passages with the largest sums of gains: the core that the in-memory index and the index files
// share. A [List] says which passages hold a word and what each gains from it; a query is a few lists, each taken as often
// as its word stands in the query ([Query]); the score of passage d is
//
//	score(d) = Σ_c Times_c · Gain_c(d)
//
// over the clauses c of the query in the order in which they were added, the gains in float32 and the sum in float64. So
// a score depends on the query and the lists alone, not on how it was found.
//
// [Scorer.Top] is exact. It adds up whole lists (eager scores, as bm25s does, Lù 2024) where that is little work, and else
// leaves out what provably cannot matter: MaxScore (Turtle and Flood 1995) with the bounds of block-max indexes (Ding and Suel
// 2011), see [Blocks]. Equal scores are ordered by passage.
//
// No files, no clock, no randomness; nothing here knows what a word is.
package topk
