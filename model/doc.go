// Package model is the Qwen2 decoder on a compute backend (GoMLX): it scores and trains token trees and samples from the
// policy. [Model] implements [searchrl/grpo.Learner], hence [searchrl/rollout.Policy].
//
// # The network
//
// Qwen2 (Yang et al., 2024) as Hugging Face transformers computes it: RMSNorm, rotary positions by halves, grouped-query
// attention with biases on queries, keys and values, SwiGLU, a tied or a separate output head; float32 throughout. The
// readable version is package plain's forward.go. Agreement with PyTorch on the golden fixtures, on both backends: logits and
// log-probabilities within 1e-4, gradients within 1e-4 of the largest entry, ten AdamW steps within 1e-4.
//
// # Trees in rows
//
// A batch is a forest, and a shared prefix goes through the network once. What lies on a path to a target is laid out in
// rows, segments in depth-first order, so that everything below a segment follows it without a gap. With end[j] the end of
// what lies below token j,
//
//	token i sees token j   ⇔   j ≤ i < end[j]
//
// and that is the ancestor relation; positions count along the path. Attention goes by blocks of 32 tokens: a block of
// queries gets the list of those key blocks that hold an ancestor, so its cost is that of one row per path, while all
// else costs the number of unique tokens. Hidden states are gathered at the targets' predecessors before the output head,
// so logits are [targets, vocabulary].
//
// Row length, number of key blocks and number of targets are rounded up, to 2^k or 3·2^(k−1) on the pure-Go backend and to
// 2^k on XLA, which takes seconds to compile: few shapes, few programs ([Model.Programs] counts them). The row length
// is the cheapest by an estimate. Gradients of the rows of a batch
// add up in the order of the rows, so a step is reproducible bit for bit, whatever [Options] says of workers.
//
// # Training
//
// [Model.Step] minimises grpo.Surrogate with AdamW (Loshchilov and Hutter, 2019; decay on every parameter, as in the golden
// steps), clipping the gradient's global norm as PyTorch does. [Model.Imitate] is the supervised step. Figures of the
// [searchrl/grpo.Update] are computed in float64 by grpo's own reference from the targets' log-probabilities. If anything
// is not finite nothing changes and an error says so.
//
// # The critic
//
// A Model is a [searchrl/grpo.Critic], too: [Model.Values] and [Model.Fit] evaluate and train a second network, a copy of
// the policy's with a value head of zeros in place of the output head, made when it is first asked for. It shares nothing
// with the policy but the programs' shapes: rows, bounds and sums in order are the same.
//
// # Sampling
//
// Two decoders draw from the same streams of random numbers, hence the same samples but for rounding. "plain" is package
// plain on the host, bit for bit independent of what else is in the call. "compiled" runs on the backend: prefixes are
// packed as a forest and computed once, then all samples advance one token a call with keys and values cached; a batch half
// of whose samples are done moves to one of half the size. There a sample is independent of the others but for the rounding of
// another shape's sums. "auto" takes plain on the pure-Go backend, and for models of up to a million parameters on XLA's
// CPU backend. Tokens a second, sampling 5 continuations of 60 tokens of each of 12 prompts of 60 tokens on 2 (busy) cores,
// compilation not counted:
//
//	parameters   plain     compiled, pure Go   compiled, XLA CPU
//	0.1 million  42,000    5,800               25,000
//	1.1 million   3,800    1,000                3,400
//	5 million       890      170                1,800
//
// What samples also scores ([Model.Score]): plain finds the keys and values of sampled trajectories in its cache and pads
// nothing. Its log-probabilities are those of the compiled pass to float32 rounding. Where nothing was sampled before
// (BenchmarkScore, XLA CPU, 2 busy cores) it scores 10,900 tokens a second against the compiled pass's 9,100 with 0.1 million
// parameters, and 2,000 against 2,900 with 1.2 million: near the limit of "auto" scoring alone would rather be compiled.
//
// A vocabulary from 8192 tokens on is sampled on the device unless top-k or top-p are used.
//
// # Figures
//
// On 2 cores, 64 wide, 2 layers, vocabulary 700; processor time of a step on 12 trees of 5 trajectories, 5,700 unique
// tokens of them 3,300 targets: 2.1 s pure Go, 0.22 s XLA CPU (two thirds of the former is scalar matrix products). An imitation
// step on 64 sequences of 7,500 tokens together: 0.25 s on XLA CPU. The package's benchmarks measure these again.
package model
