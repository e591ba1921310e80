// Package flat finds the nearest of many vectors by comparing with all of them: exact, without an index structure to build
// or tune, and fast where queries come in batches, since a batch of queries times all vectors is a matrix product.
//
//	index, err := flat.Open("index", flat.Options{Limit: 8 << 30})
//	matches, err := index.Search(ctx, queries, 10)
//
// # Exact means
//
// The score of a query q and a stored vector v is their inner product Σ q_i·v_i, summed from the first i to the last in
// float64. Search returns the k rows of the highest scores, ties in favour of the earlier row, and that is a function of
// the query and the file alone: the batch, the block, the backend and the number of cores cannot show. They would,
// because a fast product in float32 rounds differently each time. So the fast product only nominates: a float32 inner
// product in whatever order is within
//
//	ε(q) = γ·‖q‖·max‖v‖,  γ = (d+2)·2⁻²⁴/(1 − (d+2)·2⁻²⁴)
//
// of the true one (Higham 2002, §3.1), so a row that belongs to the best k has a fast score of at least the k-th best fast
// score − 2ε. All such rows, usually k and a few more, are scored again in float64.
//
// # Precision
//
// Vectors are stored as float32 (4 bytes an element), float16 (2) or int8 (1, with one scale a vector: v_i ≈ s·n_i,
// s = max|v_i|/127). Exactness is with respect to the stored vectors; what rounding them loses is in docs/dense.md.
// Memory is estimated before anything is loaded, see [Estimate], and an index beyond the limit is refused.
//
// # Files
//
// An index is a folder: shards in the safetensors format, which are opened by mmap and can be read by other programs, and
// index.json, which lists them with their SHA-256 sums and is written last. A folder without it is an unfinished build,
// which [Create] continues.
package flat
