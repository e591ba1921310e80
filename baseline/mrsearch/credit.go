package mrsearch

import "searchrl/grpo"

// Advantages returns A_{i,n} from rewards[i][n], the reward of attempt n (from 0) of trajectory i of one question; all have the same
// number of attempts. discount is γ ∈ [0, 1]. A question with one trajectory has advantages 0.
func Advantages(rewards [][]float64, discount float64) [][]float64 {
	out := make([][]float64, len(rewards))
	for i := range rewards {
		out[i] = make([]float64, len(rewards[i]))
	}
	if len(rewards) == 0 {
		return out
	}
	column := make([]float64, len(rewards))
	for n := len(rewards[0]) - 1; n >= 0; n-- {
		for i := range rewards {
			column[i] = rewards[i][n]
		}
		for i, a := range LeaveOneOut(column) {
			out[i][n] = a
			if n+1 < len(out[i]) {
				out[i][n] += discount * out[i][n+1]
			}
		}
	}
	return out
}

// LeaveOneOut returns r_i less the mean of the others, which is (r_i − mean r)·G/(G − 1); 0 where there are no others.
//
// Source: Kool et al., "Buy 4 REINFORCE samples, get a baseline for free!" (2019).
func LeaveOneOut(rewards []float64) []float64 {
	out := grpo.GroupAdvantages(rewards, grpo.MeanOnly)
	for i := range out {
		out[i] *= float64(len(rewards)) / max(float64(len(rewards)-1), 1)
	}
	return out
}

// Shape returns the rewards of one trajectory's attempts with the improvement over the attempt before: r_n + κ(r_n − r_{n−1}) for
// every attempt but the first. κ = 0 changes nothing.
func Shape(rewards []float64, kappa float64) []float64 {
	out := make([]float64, len(rewards))
	for n, r := range rewards {
		out[n] = r
		if n > 0 {
			out[n] += kappa * (r - rewards[n-1])
		}
	}
	return out
}
