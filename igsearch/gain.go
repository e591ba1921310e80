package igsearch

import (
	"slices"

	"searchrl/likelihood"
)

// Gain returns IG_t from the log-likelihoods of the gold answers: after the real documents, real[a] for alias a, and after
// each set of counterfactual ones, others[n][a], at least one. The alias that is likeliest after the real documents is
// compared with itself: a maximum on one side alone would be a gain of its own. The order of the others does not matter,
// to the last bit.
//
//	IG = real[a] − 1/N Σ_n others[n][a],   a = argmax real
//
// Source: the released ig_reward.py. Limiting case: others equal to real give 0 exactly.
func Gain(real []float64, others [][]float64) float64 {
	a := likelihood.Best(real)
	differences := make([]float64, len(others))
	for n, other := range others {
		differences[n] = real[a] - other[a]
	}
	slices.Sort(differences)
	sum := 0.0
	for _, d := range differences {
		sum += d
	}
	return sum / float64(len(differences))
}
