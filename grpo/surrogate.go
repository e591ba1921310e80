package grpo

import (
	"fmt"
	"math"
)

// Validate reports the first setting that is out of its range.
func (s Surrogate) Validate() error {
	switch {
	case !(s.ClipLow >= 0 && s.ClipLow <= 1):
		return fmt.Errorf("clip_low is %v, expected 0 to 1", s.ClipLow)
	case !(s.ClipHigh >= 0):
		return fmt.Errorf("clip_high is %v, expected 0 or more", s.ClipHigh)
	case s.KL != "" && s.KL != K1 && s.KL != K2 && s.KL != K3:
		return fmt.Errorf("kl estimator %q, expected k1, k2 or k3", s.KL)
	case s.KLCoef != 0 && s.KL == "":
		return fmt.Errorf("kl_coef is %v but no kl estimator is named, expected k1, k2 or k3", s.KLCoef)
	case !(s.KLCoef >= 0) || math.IsInf(s.KLCoef, 0):
		return fmt.Errorf("kl_coef is %v, expected a finite number from 0", s.KLCoef)
	case math.IsNaN(s.EntropyCoef) || math.IsInf(s.EntropyCoef, 0):
		return fmt.Errorf("entropy_coef is %v, expected a finite number", s.EntropyCoef)
	case !(s.Temperature > 0) || math.IsInf(s.Temperature, 0):
		return fmt.Errorf("temperature is %v, expected more than 0 (tokens sampled greedily cannot be trained)", s.Temperature)
	}
	return nil
}

// Clipped returns the clipped surrogate of one token, to be maximised, and its derivative with respect to log π_θ:
//
//	J(ρ) = min(ρ A, clip(ρ, 1−low, 1+high) A),   ρ = exp(logProb − oldLogProb)
//	dJ/d log π_θ = ρ A where the first argument is the smaller one (or they are equal), else 0
//
// clipped tells whether the second argument was strictly smaller. Limiting cases: ρ = 1 gives A with derivative A, the
// plain policy gradient; low = 1 and high = ∞ never clip.
//
// Source: Schulman et al., Proximal Policy Optimization (2017), Eq. 7; asymmetric bounds from DAPO (Yu et al., 2025).
func Clipped(logProb, oldLogProb, advantage, low, high float64) (value, derivative float64, clipped bool) {
	ratio := math.Exp(logProb - oldLogProb)
	free := ratio * advantage
	bounded := math.Min(math.Max(ratio, 1-low), 1+high) * advantage
	if bounded < free {
		return bounded, 0, true
	}
	return free, free, false
}

// Estimate returns the estimator of KL(π_θ‖π_ref) at one sampled token and its derivative with respect to log π_θ,
// with r = π_ref/π_θ = exp(refLogProb − logProb):
//
//	k1 = −log r           derivative 1
//	k2 = (log r)²/2       derivative −log r
//	k3 = r − 1 − log r    derivative 1 − r
//
// All are 0 where the policies agree. Used as a loss (not as a reward), only k2's derivative has the KL's gradient as
// its expectation under π_θ; k3's is the one GRPO uses. Source: Schulman, "Approximating KL divergence" (2020).
func (k KL) Estimate(logProb, refLogProb float64) (value, derivative float64) {
	logR := refLogProb - logProb
	switch k {
	case K1:
		return -logR, 1
	case K2:
		return logR * logR / 2, -logR
	case K3:
		r := math.Exp(logR)
		return r - 1 - logR, 1 - r
	}
	return 0, 0
}

// Loss evaluates the surrogate in float64 from the tokens' log-probabilities log π_θ and entropies H (both in the order
// of targets; entropies may be nil where EntropyCoef is 0). It is the reference that compiled losses are checked against.
// derivative[j] is ∂L/∂ log π_θ(j) without the entropy term.
func (s Surrogate) Loss(targets []Target, logProbs, entropies []float64) (u Update, derivative []float64) {
	derivative = make([]float64, len(targets))
	u.MinRatio, u.MaxRatio = math.Inf(1), math.Inf(-1)
	for j, t := range targets {
		ratio := math.Exp(logProbs[j] - t.OldLogProb)
		u.MinRatio, u.MaxRatio = math.Min(u.MinRatio, ratio), math.Max(u.MaxRatio, ratio)
		value, slope, clipped := Clipped(logProbs[j], t.OldLogProb, t.Advantage, s.ClipLow, s.ClipHigh)
		u.PolicyLoss -= t.Weight * value
		derivative[j] -= t.Weight * slope
		if clipped {
			u.ClipFraction += t.Weight
		}
		if s.KLCoef != 0 {
			kl, klSlope := s.KL.Estimate(logProbs[j], t.RefLogProb)
			u.KL += t.Weight * kl
			derivative[j] += t.Weight * s.KLCoef * klSlope
		}
		if entropies != nil {
			u.Entropy += t.Weight * entropies[j]
		}
	}
	u.Loss = u.PolicyLoss + s.KLCoef*u.KL - s.EntropyCoef*u.Entropy
	return u, derivative
}
