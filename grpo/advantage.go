package grpo

import (
	"fmt"
	"math"
)

// Normalisation says how a group's rewards become advantages.
type Normalisation string

const (
	// Standardised divides the centred rewards by their standard deviation: GRPO.
	Standardised Normalisation = "standardised"
	// MeanOnly leaves the centred rewards as they are: Dr. GRPO (Liu et al., 2025), which is unbiased up to the
	// factor (1 − 1/G) for the policy gradient.
	MeanOnly Normalisation = "mean-only"
)

// Validate reports a normalisation that there is not.
func (n Normalisation) Validate() error {
	if n != Standardised && n != MeanOnly {
		return fmt.Errorf("normalisation %q, expected %s or %s", n, Standardised, MeanOnly)
	}
	return nil
}

// StdEpsilon is ε in (R − mean)/(std + ε), as in Search-R1 and SLATE.
const StdEpsilon = 1e-6

// GroupAdvantages returns the advantage of each member of a group from the members' rewards R_i, i in [0, G):
//
//	Standardised: A_i = (R_i − mean R) / (std R + ε), std with G−1 in the denominator
//	MeanOnly:     A_i =  R_i − mean R
//
// All advantages are 0 where std R < ε (all rewards equal, or a group of one): such a group carries no signal, and
// dividing by ε would only blow up rounding errors. Limiting cases: G = 2 standardised gives ±1/√2 whatever the
// rewards; adding a constant to all rewards changes nothing. A reward that is not finite makes every advantage of its
// group NaN, so that the fault shows instead of being averaged away.
//
// Source: Shao et al. (2024), §4.1.2, outcome supervision; SLATE applies the same to the k candidates of one step.
func GroupAdvantages(rewards []float64, norm Normalisation) []float64 {
	advantages := make([]float64, len(rewards))
	mean, std := meanStd(rewards)
	if std < StdEpsilon {
		return advantages
	}
	if math.IsNaN(std) {
		mean = std // rewards that are not finite: every advantage is NaN, mean-only too
	}
	for i, r := range rewards {
		advantages[i] = r - mean
		if norm != MeanOnly {
			advantages[i] /= std + StdEpsilon
		}
	}
	return advantages
}

// Dead reports whether a group of rewards carries no signal: GroupAdvantages is 0 for all of it.
func Dead(rewards []float64) bool {
	_, std := meanStd(rewards)
	return std < StdEpsilon
}

// meanStd returns the mean and the standard deviation with n−1; 0 for fewer than two values.
func meanStd(xs []float64) (mean, std float64) {
	if len(xs) == 0 {
		return 0, 0
	}
	for _, x := range xs {
		mean += x
	}
	mean /= float64(len(xs))
	if len(xs) == 1 && !math.IsNaN(mean) && !math.IsInf(mean, 0) {
		return mean, 0
	}
	for _, x := range xs {
		std += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(std / float64(len(xs)-1))
}
