// Package gain checks information gain as a step reward: packages likelihood and igsearch, against oracles written apart from
// them, on the real path, and against exact values; and it shows where the gain does not say what one would like it to.
//
// # What is claimed
//
// The gain of a search is ℓ after its documents minus the mean ℓ after N sets of other questions' documents, drawn without
// replacement from the M that fit. So with μ and σ² the mean and the variance (over M) of ℓ over these M,
//
//	E[gain] = ℓ(real) − μ          Var(gain) = σ²/N · (M−N)/(M−1)
//
// which is checked over all draws (gain/all-draws) and on the real path (gain/sampled-draws). Gains of searches with the same
// counterfactuals are in the order of their ℓ, so where ℓ is calibrated, that is where exp ℓ is the probability that the
// policy will end up with the right answer, the gain ranks searches as what they change of that probability does
// (gain/calibrated-ranking). Where it is not, the order can be the opposite (gain/likely-anyway), and a search whose use shows
// later has no gain (gain/before-the-last-hop).
//
// [ClaimsOf] checks other functions than those that train: broken ones, which [Mutants] plants.
package gain
