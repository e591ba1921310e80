package kernel

import (
	"math"

	"searchrl/grpo"
)

// clip is a wrong clipped surrogate.
type clip func(logProb, old, a, low, high float64) (value, derivative float64, clipped bool)

func (c clip) plant(k *Kernels) { k.Clipped = c }

// choose is the clipped surrogate with another way to choose between the free and the bounded term.
func choose(bounded func(free, bounded float64) bool) clip {
	return func(logProb, old, a, low, high float64) (float64, float64, bool) {
		ratio := math.Exp(logProb - old)
		free, bound := ratio*a, math.Min(math.Max(ratio, 1-low), 1+high)*a
		if bounded(free, bound) {
			return bound, 0, true
		}
		return free, free, false
	}
}

func kl(f func(kl grpo.KL, logProb, ref float64) (float64, float64)) func(*Kernels) {
	return func(k *Kernels) { k.KL = f }
}

// losing is the surrogate's loss with faults: edits of the settings and of each target before, of the token's terms, and of
// the sums after. Nil parts are right.
type losing struct {
	target   func(targets []grpo.Target, j int) grpo.Target
	token    func(t *grpo.Target, policy, slope, kl, klSlope *float64, clipped bool)
	settings func(s *grpo.Surrogate)
	sums     func(u *grpo.Update, derivative []float64, targets []grpo.Target)
}

func (l losing) plant(k *Kernels) {
	k.Loss = func(s grpo.Surrogate, targets []grpo.Target, logProbs, entropies []float64) (grpo.Update, []float64) {
		if l.settings != nil {
			l.settings(&s)
		}
		u := grpo.Update{MinRatio: math.Inf(1), MaxRatio: math.Inf(-1)}
		derivative := make([]float64, len(targets))
		for j, t := range targets {
			if l.target != nil {
				t = l.target(targets, j)
			}
			ratio := math.Exp(logProbs[j] - t.OldLogProb)
			u.MinRatio, u.MaxRatio = math.Min(u.MinRatio, ratio), math.Max(u.MaxRatio, ratio)
			policy, slope, clipped := grpo.Clipped(logProbs[j], t.OldLogProb, t.Advantage, s.ClipLow, s.ClipHigh)
			value, klSlope := 0.0, 0.0
			if s.KLCoef != 0 {
				value, klSlope = s.KL.Estimate(logProbs[j], t.RefLogProb)
			}
			if l.token != nil {
				l.token(&t, &policy, &slope, &value, &klSlope, clipped)
			}
			u.PolicyLoss -= t.Weight * policy
			u.KL += t.Weight * value
			derivative[j] = t.Weight * (s.KLCoef*klSlope - slope)
			if clipped {
				u.ClipFraction += t.Weight
			}
			if entropies != nil {
				u.Entropy += t.Weight * entropies[j]
			}
		}
		u.Loss = u.PolicyLoss + s.KLCoef*u.KL - s.EntropyCoef*u.Entropy
		if l.sums != nil {
			l.sums(&u, derivative, targets)
		}
		return u, derivative
	}
}

func surrogateFaults() []planted {
	return []planted{
		{clippedSurrogate, []fault{
			{"clip/max-for-min", "the larger of the two terms", choose(func(free, bounded float64) bool { return bounded > free }).plant},
			{"clip/always-bounded", "the bounded term whatever the sign of A", choose(func(free, bounded float64) bool { return bounded != free }).plant},
			{"clip/never", "no clip at all", choose(func(float64, float64) bool { return false }).plant},
			{"clip/good-tokens-only", "bad tokens are never held", func(k *Kernels) {
				k.Clipped = func(logProb, old, a, low, high float64) (float64, float64, bool) {
					if a < 0 {
						low, high = 1, math.Inf(1)
					}
					return grpo.Clipped(logProb, old, a, low, high)
				}
			}},
			{"clip/wrong-side", "held where the ratio has fallen for good tokens and risen for bad ones", func(k *Kernels) {
				k.Clipped = func(logProb, old, a, low, high float64) (float64, float64, bool) {
					ratio := math.Exp(logProb - old)
					if a > 0 && ratio < 1-low || a < 0 && ratio > 1+high {
						return math.Min(math.Max(ratio, 1-low), 1+high) * a, 0, true
					}
					return ratio * a, ratio * a, false
				}
			}},
			{"clip/bounds-swapped", "ε_low above and ε_high below", func(k *Kernels) {
				k.Clipped = func(logProb, old, a, low, high float64) (float64, float64, bool) {
					return grpo.Clipped(logProb, old, a, high, low)
				}
			}},
			{"clip/ratio-inverted", "ρ = π_old/π_θ", func(k *Kernels) {
				k.Clipped = func(logProb, old, a, low, high float64) (float64, float64, bool) {
					return grpo.Clipped(old, logProb, a, low, high)
				}
			}},
			{"clip/log-ratio", "the log ratio in place of the ratio", func(k *Kernels) {
				k.Clipped = func(logProb, old, a, low, high float64) (float64, float64, bool) {
					r := 1 + logProb - old
					free, bounded := r*a, math.Min(math.Max(r, 1-low), 1+high)*a
					if bounded < free {
						return bounded, 0, true
					}
					return free, free, false
				}
			}},
			{"clip/gradient-passes", "a held token is pushed on", func(k *Kernels) {
				k.Clipped = func(logProb, old, a, low, high float64) (float64, float64, bool) {
					v, _, clipped := grpo.Clipped(logProb, old, a, low, high)
					return v, math.Exp(logProb-old) * a, clipped
				}
			}},
			{"clip/gradient-without-ratio", "the derivative is A, without ρ", func(k *Kernels) {
				k.Clipped = func(logProb, old, a, low, high float64) (float64, float64, bool) {
					v, d, clipped := grpo.Clipped(logProb, old, a, low, high)
					if d != 0 {
						d = a
					}
					return v, d, clipped
				}
			}},
			{"clip/flag", "tokens outside the bounds count as held whatever the sign of A", func(k *Kernels) {
				k.Clipped = func(logProb, old, a, low, high float64) (float64, float64, bool) {
					v, d, _ := grpo.Clipped(logProb, old, a, low, high)
					ratio := math.Exp(logProb - old)
					return v, d, ratio < 1-low || ratio > 1+high
				}
			}},
		}},
		{klEstimators, []fault{
			{"kl/sign", "log r for −log r in k1", kl(func(n grpo.KL, p, ref float64) (float64, float64) {
				v, d := n.Estimate(p, ref)
				if n == grpo.K1 {
					return -v, -d
				}
				return v, d
			})},
			{"kl/direction", "r = π_θ/π_ref", kl(func(n grpo.KL, p, ref float64) (float64, float64) { return n.Estimate(ref, p) })},
			{"kl/k2-for-k1", "k1 is k2", kl(func(n grpo.KL, p, ref float64) (float64, float64) {
				if n == grpo.K1 {
					n = grpo.K2
				}
				return n.Estimate(p, ref)
			})},
			{"kl/k1-for-k3", "k3 is k1", kl(func(n grpo.KL, p, ref float64) (float64, float64) {
				if n == grpo.K3 {
					n = grpo.K1
				}
				return n.Estimate(p, ref)
			})},
			{"kl/k3-for-k2", "k2 is k3", kl(func(n grpo.KL, p, ref float64) (float64, float64) {
				if n == grpo.K2 {
					n = grpo.K3
				}
				return n.Estimate(p, ref)
			})},
			{"kl/k2-without-half", "k2 = (log r)²", kl(func(n grpo.KL, p, ref float64) (float64, float64) {
				v, d := n.Estimate(p, ref)
				if n == grpo.K2 {
					return 2 * v, 2 * d
				}
				return v, d
			})},
			{"kl/k3-without-one", "k3 = r − log r", kl(func(n grpo.KL, p, ref float64) (float64, float64) {
				v, d := n.Estimate(p, ref)
				if n == grpo.K3 {
					v++
				}
				return v, d
			})},
			{"kl/k3-gradient-of-k2", "k3 has k2's derivative", kl(func(n grpo.KL, p, ref float64) (float64, float64) {
				v, d := n.Estimate(p, ref)
				if n == grpo.K3 {
					_, d = grpo.K2.Estimate(p, ref)
				}
				return v, d
			})},
			{"kl/k3-gradient-sign", "k3's derivative is r − 1", kl(func(n grpo.KL, p, ref float64) (float64, float64) {
				v, d := n.Estimate(p, ref)
				if n == grpo.K3 {
					d = -d
				}
				return v, d
			})},
		}},
		{surrogateLoss, []fault{
			{"loss/policy-sign", "the surrogate is minimised", losing{token: func(_ *grpo.Target, p, d, _, _ *float64, _ bool) { *p, *d = -*p, -*d }}.plant},
			{"loss/kl-sign", "the KL is rewarded", losing{settings: func(s *grpo.Surrogate) { s.KLCoef = -s.KLCoef }}.plant},
			{"loss/kl-gradient-dropped", "the KL has no gradient", losing{token: func(_ *grpo.Target, _, _, _, d *float64, _ bool) { *d = 0 }}.plant},
			{"loss/kl-without-coefficient", "β is 1", losing{settings: func(s *grpo.Surrogate) {
				if s.KLCoef != 0 {
					s.KLCoef = 1
				}
			}}.plant},
			{"loss/kl-where-held-only", "held tokens have no KL term", losing{token: func(_ *grpo.Target, _, _, v, d *float64, clipped bool) {
				if clipped {
					*v, *d = 0, 0
				}
			}}.plant},
			{"loss/entropy-sign", "entropy is punished", losing{settings: func(s *grpo.Surrogate) { s.EntropyCoef = -s.EntropyCoef }}.plant},
			{"loss/entropy-dropped", "no entropy term", losing{settings: func(s *grpo.Surrogate) { s.EntropyCoef = 0 }}.plant},
			{"loss/weights-ignored", "all tokens weigh the same", losing{target: func(ts []grpo.Target, j int) grpo.Target {
				t := ts[j]
				t.Weight = 1 / float64(len(ts))
				return t
			}}.plant},
			{"loss/weights-twice", "the weights are squared", losing{target: func(ts []grpo.Target, j int) grpo.Target {
				t := ts[j]
				t.Weight *= t.Weight
				return t
			}}.plant},
			{"loss/old-log-prob-of-another-token", "old log-probabilities are off by one", losing{target: func(ts []grpo.Target, j int) grpo.Target {
				t := ts[j]
				t.OldLogProb = ts[(j+1)%len(ts)].OldLogProb
				return t
			}}.plant},
			{"loss/advantage-of-another-token", "advantages are off by one", losing{target: func(ts []grpo.Target, j int) grpo.Target {
				t := ts[j]
				t.Advantage = ts[(j+1)%len(ts)].Advantage
				return t
			}}.plant},
			{"loss/reference-for-old", "the ratio is taken against the reference policy", losing{target: func(ts []grpo.Target, j int) grpo.Target {
				t := ts[j]
				t.OldLogProb = t.RefLogProb
				return t
			}}.plant},
			{"loss/old-for-reference", "the KL is taken against the behaviour policy", losing{target: func(ts []grpo.Target, j int) grpo.Target {
				t := ts[j]
				t.RefLogProb = t.OldLogProb
				return t
			}}.plant},
			{"loss/symmetric-clip", "ε_low on both sides", losing{settings: func(s *grpo.Surrogate) { s.ClipHigh = s.ClipLow }}.plant},
			{"loss/sequence-ratio", "one ratio for all tokens, from their mean log ratio", func(k *Kernels) {
				k.Loss = func(s grpo.Surrogate, ts []grpo.Target, logProbs, entropies []float64) (grpo.Update, []float64) {
					shift := 0.0
					for j, t := range ts {
						shift += (logProbs[j] - t.OldLogProb) / float64(len(ts))
					}
					moved := append([]grpo.Target(nil), ts...)
					for j := range moved {
						moved[j].OldLogProb = logProbs[j] - shift
					}
					return grpo.Surrogate.Loss(s, moved, logProbs, entropies)
				}
			}},
			{"loss/clip-fraction-counts", "the clip fraction counts tokens instead of weighing them", losing{sums: func(u *grpo.Update, _ []float64, ts []grpo.Target) {
				u.ClipFraction = math.Round(u.ClipFraction*float64(len(ts))) / float64(len(ts))
			}}.plant},
		}},
		{surrogateSlopes, []fault{
			{"loss/gradient-of-the-unclipped", "the gradient is that of the free term", losing{token: func(t *grpo.Target, p, d, _, _ *float64, clipped bool) {
				if clipped {
					*d = *p
				}
			}}.plant},
			{"loss/gradient-scale", "the gradient is that of the sum, not of the mean", losing{sums: func(_ *grpo.Update, d []float64, _ []grpo.Target) {
				for j := range d {
					d[j] *= float64(len(d))
				}
			}}.plant},
		}},
		{surrogatePadding, []fault{
			{"loss/padding-in-the-mean", "padding counts in the mean", losing{sums: func(u *grpo.Update, d []float64, ts []grpo.Target) {
				trained := 0.0
				for _, t := range ts {
					if t.Weight > 0 {
						trained++
					}
				}
				u.Loss *= trained / float64(len(ts))
			}}.plant},
			{"loss/padding-trained", "padding has a weight of its own", losing{target: func(ts []grpo.Target, j int) grpo.Target {
				t := ts[j]
				if t.Weight == 0 {
					t.Weight = 1 / float64(len(ts))
				}
				return t
			}}.plant},
		}},
	}
}
