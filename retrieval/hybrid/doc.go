// Package hybrid joins the results of several searchers by reciprocal-rank fusion (Cormack, Clarke and Büttcher, SIGIR
// 2009): words find what is spelled alike, vectors what means alike, and a passage that both find comes first.
//
//	score(d) = Σ_s w_s / (c + rank_s(d))
//
// over the searchers s that have d among their first Depth hits, rank counting from 1, c = 60 and w = 1 as in the paper.
// Only ranks matter, so that scores of different scales need no calibration. With one searcher, or with a weight of 0 for
// all others, the order is that searcher's own. As c grows, the order tends to that of Σ (Depth − rank), Borda's count;
// with c = 0 the first ranks count most.
package hybrid
