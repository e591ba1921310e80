package gae

import "math"

// Advantages returns A_j = δ_j + γλ A_{j+1} with δ_j = r_j + γ V_{j+1} − V_j and V_n = A_n = 0, for j in [0, n). rewards and
// values have the same length n.
//
// Source: Schulman et al., High-Dimensional Continuous Control Using Generalized Advantage Estimation (2016), Eq. 16,
// for an episode that ends after token n−1.
func Advantages(rewards, values []float64, gamma, lambda float64) []float64 {
	advantages := make([]float64, len(rewards))
	nextValue, next := 0.0, 0.0
	for j := len(rewards) - 1; j >= 0; j-- {
		delta := rewards[j] + gamma*nextValue - values[j]
		next = delta + gamma*lambda*next
		advantages[j], nextValue = next, values[j]
	}
	return advantages
}

// whitenEpsilon is added to the variance, as in Search-R1's trainer.
const whitenEpsilon = 1e-8

// Whiten returns (A − mean A)/√(var A + 1e-8) over all of advantages, with n−1 in the variance. Of fewer than two, or where
// all are equal, it returns zeros: there is nothing to compare. Values that are not finite make all of them NaN.
//
// Source: Search-R1's trainer, over the tokens of a batch.
func Whiten(advantages []float64) []float64 {
	out := make([]float64, len(advantages))
	mean, variance := moments(advantages)
	if len(advantages) < 2 || variance == 0 {
		return out
	}
	for j, a := range advantages {
		out[j] = (a - mean) / math.Sqrt(variance+whitenEpsilon)
	}
	return out
}

// ExplainedVariance is 1 − Var(G − V)/Var(G): 1 for a perfect critic, 0 for one as good as a constant, below 0 for a worse one.
// It is 0 where all returns are equal.
func ExplainedVariance(returns, values []float64) float64 {
	off := make([]float64, len(returns))
	for j := range returns {
		off[j] = returns[j] - values[j]
	}
	_, left := moments(off)
	_, all := moments(returns)
	if all == 0 {
		return 0
	}
	return 1 - left/all
}

// moments returns the mean and the variance with n−1; where all values are equal the variance is exactly 0.
func moments(xs []float64) (mean, variance float64) {
	if len(xs) == 0 {
		return 0, 0
	}
	for _, x := range xs {
		mean += x
	}
	mean /= float64(len(xs))
	equal := true
	for _, x := range xs {
		variance += (x - mean) * (x - mean)
		equal = equal && x == xs[0]
	}
	if len(xs) < 2 || equal {
		return mean, 0
	}
	return mean, variance / float64(len(xs)-1)
}
