// Package retrieval finds the passages of a corpus that answer a query.
//
// [Searcher] is what an agent needs of a search engine. [BM25] is the exact one that lives in memory: it scores every
// passage that shares a word with the query, nothing is approximated, and equal scores are ordered by place in the
// corpus, so that the same query always gives the same passages.
//
//	docs, err := retrieval.OpenCorpus("wiki-18.jsonl.gz")
//	index, err := retrieval.NewBM25(docs, retrieval.WithStopWords(retrieval.EnglishStopWords()...))
//	hits, err := index.Search(ctx, []string{"Who founded Ghent University?"}, 3)
//
// # Score
//
// BM25 (Robertson and Zaragoza 2009) in the form of Lucene 8 and later, without the constant factor k1 + 1:
//
//	score(q, d) = Σ_w n(w, q) · idf(w) · tf(w, d) / (tf(w, d) + k1·(1 − b + b·|d|/mean|d|))
//	idf(w)      = ln(1 + (N − df(w) + ½)/(df(w) + ½))
//
// over the distinct words w of the query, n(w, q) being how often w stands in it (Lucene and bm25s count repeated words
// so too), tf how often it stands in the passage, df in how many of the N passages it stands, |d| the number of words of
// the passage. Lucene itself rounds |d| to one byte; here it is exact. What a passage gains from a word is computed in
// float64 and kept in float32 ([Formula]); the sum is in float64 and runs over the words in the order of their first
// occurrence, so a score is a function of the query and the corpus alone.
//
// As in bm25s (Lù 2024), the gains are computed when the index is built; a search only adds them up. Where the lists are
// long, it leaves out what provably cannot matter (package topk); the result is the same to the last bit.
//
// # Beyond memory
//
// Package index writes the same index to files, built in a stream and opened by mapping them; server and client speak
// Search-R1's /retrieve; load measures how fast any of these is.
package retrieval
