// Package igsearch is IG-Search: Search-R1 with a reward for each search, the information gain of what it found, on the
// tokens of its query. A search is worth what its documents do to the probability of the gold answer, against documents that
// were found for other questions.
//
// # Equations
//
// C_t is a trajectory up to its t-th search: question, earlier steps with their documents, the query. D_t are the documents
// that it found, D'_n those of a search for another question of the batch, n = 1…N. ℓ is the log-likelihood of the gold answer
// (package likelihood, under π_old, no gradient), A_i the trajectory's advantage by GRPO (package searchr1).
//
//	IG_t = ℓ(a* | C_t, D_t) − 1/N Σ_n ℓ(a* | C_t, D'_n)                      Gain
//	z_t  = (IG_t − centre) / scale                                            Normalise
//	A_j  = A_i + α·clip(z_t, −c, c)    j in the query of search t, tags included   Modulate
//	A_j  = A_i                         every other token that the policy sampled
//
// In a group that failed entirely A_i = 0, yet its queries move: that is what the method adds to Search-R1. It is why the
// additive form is the default: of the forms only those that add do it. With [Multiplicative] A_i(1 + α·sign(A_i)·z) a
// query's advantage never changes its sign, and is 0 where A_i is. [Gated] adds a positive z to right trajectories only.
//
// Limiting cases: α = 0 is Search-R1, bit for bit. N copies of the real documents give IG = 0 exactly. A batch without
// searches is plain GRPO.
//
// # Rules
//
//   - Counterfactual documents never come from a search for the same question (the same ID or the same text). A batch of one
//     question is therefore an error, not a smaller signal.
//   - They match the real ones in the number of documents, and are the N blocks closest in tokens, each different; of blocks
//     equally close, a random choice. Log-likelihoods depend on the length of the context, and this takes that out. Fewer than N
//     are fine; where there is none, and where a search found nothing, the step has no gain (z = 0) and does not count.
//   - A block equal to the real one may be drawn: what any query would have brought is no gain.
//   - Several gold answers: the alias that is likeliest after the real documents is compared with itself.
//   - In protocols with a refine block (rollout.Tags.Refine) documents and refine are one pair and are replaced together, as
//     in the paper; the refine block is the policy's own, but its advantage is A_i.
//   - z comes from sets of steps (see [Normalisation]); [Default] keeps the gains' own zero and scales them over the batch,
//     [Paper] standardises over the question's group. Where a set is too small or its gains are
//     equal, z is taken over the batch, and where the batch's are equal too it is 0.
//
// # Cost
//
// The (1+N) branches of every search of every trajectory are one call of the policy's Score and go through the model as one
// token tree; logits are computed at the answers only, and equal branches are scored once.
//
// # Source
//
// "IG-Search: step-level information gain reward for search-augmented reasoning". Known are its abstract, the README and
// ig_reward.py of the released code: the gain, N = 3, the weights of the answer's tokens, the pair of documents and refine. Its
// trainer was not released: z, α, c and the sum are our reconstruction, with their alternatives as options.
//
// Departures from the released code, each with its reason:
//
//   - There the pool of documents is the whole batch but for equal pairs, so those of the same question's other trajectories
//     are drawn too and the gain of a good search is measured against other good ones. Here they never are.
//   - There contexts are text, joined and tokenised again. Here they are the ids that were sampled.
//   - There the context keeps its last 4096 tokens, which can lose the question. Here it is whole.
//   - There the number of documents is not matched. Here it is.
package igsearch
