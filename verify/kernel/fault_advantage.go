package kernel

import (
	"math"
	"slices"

	"searchrl/grpo"
)

// group is a wrong group advantage: baseline, scale and what becomes of a group without signal.
type group struct {
	baseline func(rewards []float64, i int) float64
	scale    func(rewards []float64) float64 // the divisor when standardised
	dead     func(rewards []float64) bool
}

func (g group) advantages(rewards []float64, norm grpo.Normalisation) []float64 {
	if g.baseline == nil {
		g.baseline = func(rewards []float64, _ int) float64 { return mean(rewards) }
	}
	if g.scale == nil {
		g.scale = func(rewards []float64) float64 { return deviation(rewards, 1) + grpo.StdEpsilon }
	}
	if g.dead == nil {
		g.dead = grpo.Dead
	}
	out := make([]float64, len(rewards))
	if g.dead(rewards) {
		return out
	}
	for i, r := range rewards {
		out[i] = r - g.baseline(rewards, i)
		if norm == grpo.Standardised {
			out[i] /= g.scale(rewards)
		}
	}
	return out
}

func (g group) plant(k *Kernels) { k.GroupAdvantages = g.advantages }

func mean(xs []float64) float64 { return sum(xs) / float64(len(xs)) }

func sum(xs []float64) float64 {
	s := 0.0
	for _, x := range xs {
		s += x
	}
	return s
}

// deviation is the standard deviation with n−less in the denominator.
func deviation(xs []float64, less int) float64 {
	m, squares := mean(xs), 0.0
	for _, x := range xs {
		squares += (x - m) * (x - m)
	}
	return math.Sqrt(squares / float64(len(xs)-less))
}

func leaveOneOut(xs []float64, i int) float64 { return (sum(xs) - xs[i]) / float64(len(xs)-1) }

func never([]float64) bool { return false }

func advantageFaults() []planted {
	return []planted{
		{groupAdvantages, []fault{
			{"advantage/std-with-n", "the standard deviation has n in the denominator", group{scale: func(r []float64) float64 { return deviation(r, 0) + grpo.StdEpsilon }}.plant},
			{"advantage/variance-for-std", "divided by the variance", group{scale: func(r []float64) float64 { return math.Pow(deviation(r, 1), 2) + grpo.StdEpsilon }}.plant},
			{"advantage/no-epsilon", "divided by the standard deviation alone", group{scale: func(r []float64) float64 { return deviation(r, 1) }}.plant},
			{"advantage/epsilon-under-the-root", "divided by √(var + ε)", group{scale: func(r []float64) float64 { return math.Sqrt(math.Pow(deviation(r, 1), 2) + grpo.StdEpsilon) }}.plant},
			{"advantage/another-epsilon", "ε is 1e-4", group{scale: func(r []float64) float64 { return deviation(r, 1) + 1e-4 }}.plant},
			{"advantage/range-for-std", "divided by the range of the rewards", group{scale: func(r []float64) float64 { return slices.Max(r) - slices.Min(r) + grpo.StdEpsilon }}.plant},
			{"advantage/no-baseline", "the raw reward, scaled", group{baseline: func([]float64, int) float64 { return 0 }}.plant},
			{"advantage/leave-one-out", "the mean of the others as the baseline", group{baseline: leaveOneOut}.plant},
			{"advantage/best-as-baseline", "the best reward as the baseline", group{baseline: func(r []float64, _ int) float64 { return slices.Max(r) }}.plant},
			{"advantage/first-as-baseline", "the first member's reward as the baseline", group{baseline: func(r []float64, _ int) float64 { return r[0] }}.plant},
			{"advantage/median-as-baseline", "the median as the baseline", group{baseline: func(r []float64, _ int) float64 {
				sorted := slices.Sorted(slices.Values(r))
				return sorted[len(sorted)/2]
			}}.plant},
			{"advantage/sum-as-baseline", "the sum of the rewards as the baseline", group{baseline: func(r []float64, _ int) float64 { return sum(r) }}.plant},
			{"advantage/running-mean", "the mean of the members so far as the baseline", group{baseline: func(r []float64, i int) float64 { return mean(r[:i+1]) }}.plant},
			{"advantage/sign", "the baseline minus the reward", func(k *Kernels) {
				k.GroupAdvantages = func(r []float64, norm grpo.Normalisation) []float64 {
					out := grpo.GroupAdvantages(r, norm)
					for i := range out {
						out[i] = -out[i]
					}
					return out
				}
			}},
			{"advantage/always-standardised", "mean-only is ignored", func(k *Kernels) {
				k.GroupAdvantages = func(r []float64, _ grpo.Normalisation) []float64 {
					return grpo.GroupAdvantages(r, grpo.Standardised)
				}
			}},
			{"advantage/never-standardised", "standardised is ignored", func(k *Kernels) {
				k.GroupAdvantages = func(r []float64, _ grpo.Normalisation) []float64 {
					return grpo.GroupAdvantages(r, grpo.MeanOnly)
				}
			}},
			{"advantage/positive-only", "negative advantages are cut to 0", func(k *Kernels) {
				k.GroupAdvantages = func(r []float64, norm grpo.Normalisation) []float64 {
					out := grpo.GroupAdvantages(r, norm)
					for i := range out {
						out[i] = math.Max(out[i], 0)
					}
					return out
				}
			}},
			{"advantage/another-members", "each member has its neighbour's advantage", func(k *Kernels) {
				k.GroupAdvantages = func(r []float64, norm grpo.Normalisation) []float64 {
					out := grpo.GroupAdvantages(r, norm)
					if len(out) > 1 {
						out = append(out[1:], out[0])
					}
					return out
				}
			}},
			{"advantage/dead-groups-miscounted", "a group is dead when two members are equal", func(k *Kernels) {
				k.Dead = func(r []float64) bool { return len(r) < 2 || r[0] == r[1] }
			}},
		}},
		{singularGroups, []fault{
			{"advantage/dead-group-divided", "groups without signal are divided by ε", group{dead: func(r []float64) bool { return len(r) < 2 }}.plant},
			{"advantage/dead-group-by-zero", "groups without signal are divided by 0", group{dead: func(r []float64) bool { return len(r) < 2 },
				scale: func(r []float64) float64 { return deviation(r, 1) }}.plant},
			{"advantage/singleton-raw-reward", "a group of one has its raw reward as the advantage (mean 0, standard deviation 1)", func(k *Kernels) {
				k.GroupAdvantages = func(r []float64, norm grpo.Normalisation) []float64 {
					if len(r) == 1 {
						return []float64{r[0]}
					}
					return grpo.GroupAdvantages(r, norm)
				}
			}},
			{"advantage/singleton-nan", "a group of one is divided by n−1 = 0", group{dead: never}.plant},
			{"advantage/dead-too-early", "a spread below 1e-4 counts as none", group{dead: func(r []float64) bool { return len(r) < 2 || deviation(r, 1) < 1e-4 }}.plant},
			{"advantage/nan-as-zero", "rewards that are not finite count as 0", func(k *Kernels) {
				k.GroupAdvantages = func(r []float64, norm grpo.Normalisation) []float64 {
					r = slices.Clone(r)
					for i := range r {
						if math.IsNaN(r[i]) || math.IsInf(r[i], 0) {
							r[i] = 0
						}
					}
					return grpo.GroupAdvantages(r, norm)
				}
			}},
		}},
	}
}
