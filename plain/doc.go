// Package plain is the Qwen2 decoder in plain Go, twice.
//
// forward.go is the readable one: the whole forward pass in clear loops with its formulas beside them. It is the truth that
// the compiled model is checked against, and it is checked against PyTorch in turn. [Model.Logits] runs it.
//
// decode.go, step.go, prefill.go and cache.go make the fast one, which decodes token by token with cached keys and values
// and implements [rollout.Policy]: [Model.Generate] and [Model.Score]. On models small enough for a core's cache it needs no
// more than the vector routines of gonum.
//
// # What can be relied on
//
// A sample is a function of the weights and of its own request (prefix, sampling, stop texts, seed, index), bit for bit: not
// of the other requests, the number of goroutines, or what earlier calls left in the prefix cache. For this, keys and values
// lie in blocks of [BlockSize] positions, aligned from position 0; every sum over positions runs block by block, so the
// order of each floating-point addition depends on positions alone.
//
// Blocks are shared: a prefix that several samples or requests have in common is computed once (requests whose prefixes part
// within a block compute that block each), and stays for later calls in a cache that is bounded in bytes, see
// [WithPrefixCache]. In an agent loop the next prefix is the last one, the sampled step, and the documents; only the
// documents are then new.
//
// A Model is made for one set of weights, and making one costs next to nothing. After the weights have changed, make a new one:
// the cached keys and values belong to the old.
//
// # Speed
//
// Of a token whose logits nobody asks for, such as a prompt's or a document's, the last layer computes keys and values alone.
//
// BenchmarkGenerate, a model of 64 dimensions, 2 layers and 700 tokens, 60 samples of 80 tokens after 12 prompts of 60: 20,000
// tokens per second of processor time on a busy Xeon (Sapphire Rapids), sampling and the search for stop texts included. The
// products of matrix and vector take a third of the time in gonum's kernels that they take in unrolled Go.
package plain
