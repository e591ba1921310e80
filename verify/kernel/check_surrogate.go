package kernel

import (
	"math"
	"math/big"
	"math/rand/v2"

	"searchrl/grpo"
)

var kls = []grpo.KL{grpo.K1, grpo.K2, grpo.K3}

// drawSurrogate draws settings whose bounds differ, without an entropy term.
func drawSurrogate(rng *rand.Rand) grpo.Surrogate {
	s := grpo.Surrogate{ClipLow: uniform(rng, .05, .4), ClipHigh: uniform(rng, .05, .6), Temperature: 1}
	if rng.IntN(2) == 0 {
		s.KL, s.KLCoef = oneOf(rng, kls), uniform(rng, .01, 1)
	}
	return s
}

// drawToken draws one token; its ratio is within the bounds, beyond either of them, or exactly 1.
func drawToken(rng *rand.Rand) (target grpo.Target, logProb float64) {
	logProb = uniform(rng, -12, 0)
	target.OldLogProb = logProb
	if rng.IntN(8) > 0 {
		target.OldLogProb += uniform(rng, -1, 1)
	}
	target.RefLogProb = logProb + uniform(rng, -2, 2)
	target.Advantage = uniform(rng, -2, 2)
	if rng.IntN(8) == 0 {
		target.Advantage = 0
	}
	return target, logProb
}

var clippedSurrogate = Check{
	ID: "kernel/clipped-surrogate",
	Text: "J = min(ρA, clip(ρ, 1−ε_low, 1+ε_high)A) with ρ = π_θ/π_old, its derivative in log π_θ is ρA where the token is not " +
		"held, else 0, and it is held where A > 0 and ρ > 1+ε_high or A < 0 and ρ < 1−ε_low.",
	Source: "Schulman et al. (2017), Eq. 7; DAPO (Yu et al., 2025) for the bounds",
	Cases:  8000,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		target, logProb := drawToken(rng)
		s := drawSurrogate(rng)
		want := evaluate(s, logProb, target)
		if want.kink {
			return nil
		}
		t.checks++
		got, slope, clipped := k.Clipped(logProb, target.OldLogProb, target.Advantage, s.ClipLow, s.ClipHigh)
		t.near(got, value(want.policy), 0, "the surrogate")
		t.near(slope, value(want.policySlope), 0, "its derivative")
		t.require(clipped == want.clipped, "ρ = %v, A = %v is held: %v, expected %v", value(want.ratio), target.Advantage, clipped, want.clipped)
		return nil
	},
}

var klEstimators = Check{
	ID: "kernel/kl-estimators",
	Text: "k1 = −log r, k2 = (log r)²/2 and k3 = r − 1 − log r with r = π_ref/π_θ, and their derivatives in log π_θ; over a whole " +
		"distribution k1 and k3 have the KL divergence as their expectation.",
	Source: "Schulman, Approximating KL divergence (2020)",
	Cases:  6000,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		t.checks++
		s := grpo.Surrogate{KL: oneOf(rng, kls), ClipHigh: 1}
		target, logProb := drawToken(rng)
		want := evaluate(s, logProb, target)
		got, slope := k.KL(s.KL, logProb, target.RefLogProb)
		t.near(got, value(want.kl), want.size, string(s.KL))
		t.near(slope, value(want.klSlope), want.size, string(s.KL)+"'s derivative")

		p, q := drawLaw(rng), drawLaw(rng)
		exact, k1, k3 := 0.0, 0.0, 0.0
		for i := range p {
			exact += p[i] * math.Log(p[i]/q[i])
			a, _ := k.KL(grpo.K1, math.Log(p[i]), math.Log(q[i]))
			b, _ := k.KL(grpo.K3, math.Log(p[i]), math.Log(q[i]))
			k1, k3 = k1+p[i]*a, k3+p[i]*b
		}
		t.near(k1, exact, 10, "the expectation of k1")
		t.near(k3, exact, 10, "the expectation of k3")
		return nil
	},
}

// drawLaw draws a distribution over four tokens.
func drawLaw(rng *rand.Rand) []float64 {
	p, sum := make([]float64, 4), 0.0
	for i := range p {
		p[i] = uniform(rng, .01, 1)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// drawBatch draws up to twelve tokens with weights that add up to 1, some of them 0.
func drawBatch(rng *rand.Rand) (targets []grpo.Target, logProbs, entropies []float64) {
	total := 0.0
	for range 1 + rng.IntN(12) {
		target, logProb := drawToken(rng)
		target.Weight = uniform(rng, .1, 1)
		if rng.IntN(6) == 0 {
			target.Weight = 0
		}
		total += target.Weight
		targets, logProbs, entropies = append(targets, target), append(logProbs, logProb), append(entropies, uniform(rng, 0, 3))
	}
	for j := range targets {
		if total > 0 {
			targets[j].Weight /= total
		}
	}
	return targets, logProbs, entropies
}

var surrogateLoss = Check{
	ID: "kernel/surrogate-loss",
	Text: "L = Σ w(−J + β·kl − c·H), its parts, its derivative in each log π_θ, the share of held tokens and the extreme ratios are " +
		"the sums of their definitions.",
	Source: "Search-R1, Eq. 3 (GRPO); Shao et al. (2024), Eq. 3",
	Cases:  2500,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		s := drawSurrogate(rng)
		targets, logProbs, entropies := drawBatch(rng)
		if rng.IntN(2) == 0 {
			entropies = nil
		} else {
			s.EntropyCoef = uniform(rng, 0, .1)
		}
		sum := newFloat
		policy, kl, entropy, held := sum(), sum(), sum(), sum()
		low, high, size := math.Inf(1), math.Inf(-1), 1.0
		slopes := make([]float64, len(targets))
		for j, target := range targets {
			one := evaluate(s, logProbs[j], target)
			if one.kink {
				return nil
			}
			w := float(target.Weight)
			add := func(to, x *big.Float) { to.Add(to, sum().Mul(w, x)) }
			add(policy, one.policy)
			slope := sum().Neg(one.policySlope)
			if s.KLCoef != 0 {
				add(kl, one.kl)
				slope.Add(slope, sum().Mul(float(s.KLCoef), one.klSlope))
			}
			if entropies != nil {
				add(entropy, float(entropies[j]))
			}
			if one.clipped {
				add(held, float(1))
			}
			slopes[j] = value(slope.Mul(slope, w))
			low, high, size = math.Min(low, value(one.ratio)), math.Max(high, value(one.ratio)), math.Max(size, one.size)
		}
		t.checks++
		loss := sum().Neg(policy)
		loss.Add(loss, sum().Mul(float(s.KLCoef), kl))
		loss.Sub(loss, sum().Mul(float(s.EntropyCoef), entropy))
		got, slope := k.Loss(s, targets, logProbs, entropies)
		t.near(got.Loss, value(loss), size, "the loss")
		t.near(got.PolicyLoss, -value(policy), size, "the policy's part")
		t.near(got.KL, value(kl), size, "the KL")
		t.near(got.Entropy, value(entropy), size, "the entropy")
		t.near(got.ClipFraction, value(held), 1, "the clip fraction")
		t.near(got.MinRatio, low, 0, "the smallest ratio")
		t.near(got.MaxRatio, high, 0, "the largest ratio")
		t.slice(slope, slopes, size, "a derivative")
		return nil
	},
}

var surrogateSlopes = Check{
	ID:     "kernel/surrogate-slopes",
	Text:   "The loss's derivatives are its central differences (to 1e-9 of its terms), away from the bounds.",
	Source: "definition",
	Cases:  2500,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		const h = 1e-5
		s := drawSurrogate(rng)
		targets, logProbs, _ := drawBatch(rng)
		j := rng.IntN(len(targets))
		r := math.Exp(logProbs[j] - targets[j].OldLogProb)
		if math.Abs(r-(1-s.ClipLow)) < 1e-3 || math.Abs(r-(1+s.ClipHigh)) < 1e-3 {
			return nil
		}
		t.checks++
		_, slope := k.Loss(s, targets, logProbs, nil)
		x := logProbs[j]
		logProbs[j] = x + h
		up, _ := k.Loss(s, targets, logProbs, nil)
		logProbs[j] = x - h
		down, _ := k.Loss(s, targets, logProbs, nil)
		t.within(slope[j], (up.Loss-down.Loss)/(2*h), 10, 1e-9, "a derivative")
		return nil
	},
}

var surrogatePadding = Check{
	ID: "kernel/surrogate-padding",
	Text: "Targets of weight 0 change neither the loss nor another token's derivative, and have none themselves; the order of the " +
		"targets does not matter.",
	Source: "definition",
	Cases:  2500,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		t.checks++
		s := drawSurrogate(rng)
		targets, logProbs, _ := drawBatch(rng)
		want, slopes := k.Loss(s, targets, logProbs, nil)
		n := len(targets)
		padded, paddedLogProbs, from := []grpo.Target(nil), []float64(nil), []int(nil)
		for _, p := range rng.Perm(n + 3) {
			target, logProb := drawToken(rng) // weight 0
			if p < n {
				target, logProb = targets[p], logProbs[p]
			}
			padded, paddedLogProbs, from = append(padded, target), append(paddedLogProbs, logProb), append(from, p)
		}
		got, gotSlopes := k.Loss(s, padded, paddedLogProbs, nil)
		t.near(got.Loss, want.Loss, 20, "the padded loss")
		t.near(got.KL, want.KL, 20, "the padded KL")
		t.near(got.ClipFraction, want.ClipFraction, 20, "the padded clip fraction")
		for i, p := range from {
			slope := 0.0
			if p < n {
				slope = slopes[p]
			}
			t.near(gotSlopes[i], slope, 0, "a derivative in the padded batch")
		}
		return nil
	},
}
