package estimator

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// Selection returns the probability with which each candidate becomes the next prefix:
//
//	p_j = exp(A_j/η) / Σ_i exp(A_i/η)
//
// Limiting cases: η = +Inf is uniform, under which the prefixes' distribution stays the policy's own; η ≤ 0 is the best
// candidate, the first of several (the limit η → 0 would share the probability among them). Equal advantages are uniform
// for every η > 0. Adding a constant to all advantages changes nothing, so with mean-centred advantages p depends on the
// rewards alone: p_j ∝ exp(r^(j)/η).
//
// It is an error if there is no candidate, η is NaN, or an advantage is not finite.
//
// Source: SLATE's released code (index ~ softmax(A_t/η), η = 0.7; η ≤ 0 means argmax).
func Selection(advantages []float64, eta float64) ([]float64, error) {
	if len(advantages) == 0 {
		return nil, errors.New("selecting the next prefix: no candidate")
	}
	if math.IsNaN(eta) {
		return nil, errors.New("selecting the next prefix: η is NaN, expected a number")
	}
	best := 0
	for j, a := range advantages {
		if math.IsNaN(a) || math.IsInf(a, 0) {
			return nil, fmt.Errorf("selecting the next prefix: candidate %d has the advantage %v, expected a finite one", j, a)
		}
		if a > advantages[best] {
			best = j
		}
	}
	p := make([]float64, len(advantages))
	if eta <= 0 {
		p[best] = 1
		return p, nil
	}
	total := 0.0
	for j, a := range advantages {
		p[j] = math.Exp((a - advantages[best]) / eta)
		total += p[j]
	}
	for j := range p {
		p[j] /= total
	}
	return p, nil
}

// Select draws the index of the next prefix with the probabilities of [Selection]. It takes one number from rng, whatever
// η is, so that runs that differ in η alone see the same random stream.
func Select(advantages []float64, eta float64, rng *rand.Rand) (int, error) {
	p, err := Selection(advantages, eta)
	if err != nil {
		return 0, err
	}
	u, last := rng.Float64(), 0
	for j, pj := range p {
		if pj == 0 {
			continue
		}
		if u -= pj; u < 0 {
			return j, nil
		}
		last = j // should rounding leave some of u
	}
	return last, nil
}
