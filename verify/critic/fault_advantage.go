package critic

import (
	"math"

	"searchrl/gae"
	"searchrl/grpo"
)

// advantageFaults are wrong recursions and value losses.
func advantageFaults() []fault {
	type advantages = func(rewards, values []float64, gamma, lambda float64) []float64
	with := func(f advantages) func(*Kernels) { return func(k *Kernels) { k.Advantages = f } }
	loss := func(f func(l grpo.ValueLoss, t grpo.Target, v float64) (loss, slope float64)) func(*Kernels) {
		return func(k *Kernels) { k.ValueLoss = each(f) }
	}
	return []fault{
		{recursion, "bootstraps-at-the-end", "after the last token its own value is expected again, as if the episode went on", with(func(r, v []float64, gamma, lambda float64) []float64 {
			out := gae.Advantages(r, v, gamma, lambda)
			for j, weight := len(r)-1, gamma; j >= 0; j-- {
				out[j] += weight * v[len(v)-1]
				weight *= gamma * lambda
			}
			return out
		})},
		{recursion, "off-by-one-value", "a token's reward is compared with the value after it", with(func(r, v []float64, gamma, lambda float64) []float64 {
			shifted := append(append([]float64(nil), v...), 0)
			return gae.Advantages(r, shifted[min(1, len(v)):][:len(r)], gamma, lambda)
		})},
		{recursion, "off-by-one-reward", "a token gets the reward of the one before it", with(func(r, v []float64, gamma, lambda float64) []float64 {
			return gae.Advantages(append([]float64{0}, r...)[:len(r)], v, gamma, lambda)
		})},
		{recursion, "lambda-alone", "TD errors decay by λ where it should be γλ", with(func(r, v []float64, gamma, lambda float64) []float64 {
			out, next, after := make([]float64, len(r)), 0.0, 0.0
			for j := len(r) - 1; j >= 0; j-- {
				next = r[j] + gamma*after - v[j] + lambda*next
				out[j], after = next, v[j]
			}
			return out
		})},
		{recursion, "no-baseline", "the value is not subtracted", with(func(r, v []float64, gamma, lambda float64) []float64 {
			return gae.Advantages(r, make([]float64, len(v)), gamma, lambda)
		})},
		{unbiased, "future-blind-values", "λ is taken for 0, so the gradient is biased by any wrong critic", with(func(r, v []float64, gamma, _ float64) []float64 {
			return gae.Advantages(r, v, gamma, 0)
		})},
		{unbiased, "forward-recursion", "the sum runs over earlier steps, so a step is credited with the past", with(func(r, v []float64, gamma, lambda float64) []float64 {
			out, sum := make([]float64, len(r)), 0.0
			for j := range r {
				sum = r[j] - v[j] + gamma*lambda*sum
				out[j] = sum
			}
			return out
		})},
		{biased, "always-lambda-one", "λ is taken for 1, so that it trades nothing", with(func(r, v []float64, gamma, _ float64) []float64 {
			return gae.Advantages(r, v, gamma, 1)
		})},
		{valueLoss, "smaller-term", "the smaller of the two terms counts, so a clipped value is never held back", loss(func(l grpo.ValueLoss, t grpo.Target, v float64) (float64, float64) {
			bounded := clip(v, t.OldValue, l.Clip) - t.Return
			off := v - t.Return
			if l.Clip > 0 && bounded*bounded < off*off {
				return bounded * bounded / 2, 0
			}
			return off * off / 2, off
		})},
		{valueLoss, "clipped-about-the-return", "the clip range lies about the return, not about the old value", loss(func(l grpo.ValueLoss, t grpo.Target, v float64) (float64, float64) {
			t.OldValue = t.Return
			u, slopes := l.Loss([]grpo.Target{t}, []float64{v})
			return u.Loss / t.Weight, slopes[0] / t.Weight
		})},
		{valueLoss, "slope-of-the-free-term", "a clipped value is moved on by the gradient of the other term", loss(func(l grpo.ValueLoss, t grpo.Target, v float64) (float64, float64) {
			u, _ := l.Loss([]grpo.Target{t}, []float64{v})
			return u.Loss / t.Weight, v - t.Return
		})},
	}
}

func clip(v, old, by float64) float64 { return math.Min(math.Max(v, old-by), old+by) }

// each makes a value loss of that of one token.
func each(f func(l grpo.ValueLoss, t grpo.Target, v float64) (loss, slope float64)) func(grpo.ValueLoss, []grpo.Target, []float64) (grpo.ValueUpdate, []float64) {
	return func(l grpo.ValueLoss, targets []grpo.Target, values []float64) (grpo.ValueUpdate, []float64) {
		u, _ := l.Loss(targets, values) // for the clipped share
		u.Loss = 0
		slopes := make([]float64, len(targets))
		for j, t := range targets {
			loss, slope := f(l, t, values[j])
			u.Loss += t.Weight * loss
			slopes[j] = t.Weight * slope
		}
		return u, slopes
	}
}
