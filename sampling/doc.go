// Package sampling turns a model's logits into tokens: temperature, top-k, top-p, the draw, and the texts that end a sample.
// Every decoder of this project uses it, so they agree on what a sampled token's log-probability means.
//
// The distribution, given logits ℓ over the vocabulary, is built in this order (that of transformers and vLLM):
//
//	p_i ∝ exp(ℓ_i / T)                        temperature T
//	all but the k most likely tokens → 0      top-k; of equals, the smaller ids stay
//	renormalise
//	all but the smallest set of most likely tokens whose probability reaches P → 0      top-p, at least one token stays
//	renormalise
//
// and the log-probability that is reported is that of this last distribution. T = 0 is greedy decoding: the most likely token,
// of equals the smallest id, whatever k and P are; the log-probability is then the model's own, at temperature 1.
// All of it is computed in float64.
//
// Use: a [Sampler] per goroutine and request, and the random stream of [Stream] per sample.
package sampling
