package gain

import (
	"context"
	"math/rand/v2"

	"searchrl/igsearch"
	"searchrl/likelihood"
	"searchrl/qa"
	"searchrl/rollout"
	"searchrl/verify"
)

// Mutants lists the planted faults, each with the check that must catch it.
func Mutants() []verify.Mutant {
	var out []verify.Mutant
	plant := func(by check, id, text string, change func(k *Kernels)) {
		out = append(out, verify.Mutant{ID: "gain/" + id, Text: text, Catch: func(ctx context.Context, effort verify.Effort) (string, bool, error) {
			k := Real()
			change(&k)
			effort.Long = false
			e, err := by.run(ctx, k, effort)
			return by.id, e.Status == verify.Broken, err
		}})
	}
	real := Real()
	plant(meanCheck, "sum-over-tokens", "log-probabilities of the answer are added, so long answers are unlikely", func(k *Kernels) {
		k.Mean = func(o likelihood.Options, lp []float64) float64 { return o.Mean(lp) * float64(len(lp)) }
	})
	plant(meanCheck, "weights-not-normalised", "the head's weights are not normalised to mean 1", func(k *Kernels) {
		k.Mean = func(o likelihood.Options, lp []float64) float64 {
			sum := 0.0
			for j, x := range lp {
				if j < o.HeadTokens {
					x *= o.HeadWeight
				}
				sum += x
			}
			return sum / float64(len(lp))
		}
	})
	plant(gainCheck, "wrong-sign", "counterfactual minus real", func(k *Kernels) {
		k.Gain = func(r []float64, o [][]float64) float64 { return -igsearch.Gain(r, o) }
	})
	plant(gainCheck, "first-alias", "the first alias in place of the best one", func(k *Kernels) {
		k.Gain = func(r []float64, o [][]float64) float64 {
			var first [][]float64
			for _, x := range o {
				first = append(first, x[:1])
			}
			return igsearch.Gain(r[:1], first)
		}
	})
	plant(gainCheck, "best-alias-on-both-sides", "each context has its own best alias", func(k *Kernels) {
		k.Gain = func(r []float64, o [][]float64) float64 {
			var best [][]float64
			for _, x := range o {
				best = append(best, []float64{x[likelihood.Best(x)]})
			}
			return igsearch.Gain([]float64{r[likelihood.Best(r)]}, best)
		}
	})
	plant(gainCheck, "mean-over-aliases", "the mean over the wrong axis: of the first counterfactual's aliases", func(k *Kernels) {
		k.Gain = func(r []float64, o [][]float64) float64 { return r[likelihood.Best(r)] - mean(o[0]) }
	})
	plant(allDraws, "largest-counterfactual", "the likeliest counterfactual in place of their mean", func(k *Kernels) {
		k.Gain = func(r []float64, o [][]float64) float64 {
			best := o[0]
			for _, x := range o {
				if x[0] > best[0] {
					best = x
				}
			}
			return igsearch.Gain(r, [][]float64{best})
		}
	})
	plant(rankingCheck, "falling-gain", "likelier answers gain less", func(k *Kernels) {
		k.Gain = func(r []float64, o [][]float64) float64 { return -igsearch.Gain(r, o) }
	})
	renormalise := func(id, text string, change func(steps []igsearch.Step, n igsearch.Normalisation) ([]igsearch.Step, igsearch.Normalisation)) {
		plant(normaliseCheck, id, text, func(k *Kernels) {
			k.Normalise = func(steps []igsearch.Step, n igsearch.Normalisation) []float64 {
				return igsearch.Normalise(change(append([]igsearch.Step(nil), steps...), n))
			}
		})
	}
	renormalise("std-over-batch", "the spread of the wrong set", func(s []igsearch.Step, n igsearch.Normalisation) ([]igsearch.Step, igsearch.Normalisation) {
		n.Scale = igsearch.Batch
		return s, n
	})
	renormalise("mean-over-batch", "the mean of the wrong set", func(s []igsearch.Step, n igsearch.Normalisation) ([]igsearch.Step, igsearch.Normalisation) {
		n.Centre = igsearch.Batch
		return s, n
	})
	renormalise("turn-off-by-one", "the first and second searches of a trajectory are one set", func(s []igsearch.Step, n igsearch.Normalisation) ([]igsearch.Step, igsearch.Normalisation) {
		for i := range s {
			s[i].Turn = max(s[i].Turn, 2)
		}
		return s, n
	})
	renormalise("no-floor", "the floor is ignored", func(s []igsearch.Step, n igsearch.Normalisation) ([]igsearch.Step, igsearch.Normalisation) {
		n.Floor = 0
		return s, n
	})
	remodulate := func(id, text string, change func(m *igsearch.Modulation, a, r, z *float64)) {
		plant(modulateCheck, id, text, func(k *Kernels) {
			k.Modulate = func(m igsearch.Modulation, a, r, z float64) float64 {
				change(&m, &a, &r, &z)
				return real.Modulate(m, a, r, z)
			}
		})
	}
	remodulate("no-clip", "z is not clipped", func(m *igsearch.Modulation, _, _, _ *float64) { m.Clip = 1e9 })
	remodulate("gate-reversed", "positive z count in failed trajectories only", func(_ *igsearch.Modulation, _, r, _ *float64) { *r = 1 - *r })
	remodulate("advantage-lost", "the trajectory's own advantage is replaced", func(_ *igsearch.Modulation, a, _, _ *float64) { *a = 0 })

	for _, f := range treeFaults() {
		plant(pathCheck, f.id, f.text, func(k *Kernels) { k.Collect = f.collect })
	}
	plant(drawCheck, "always-the-same", "the same counterfactuals in every batch", func(k *Kernels) {
		k.Collect = func(m igsearch.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
			return real.Collect(m, env, questions, rand.New(&split{a: rng, b: rand.NewPCG(1, 1), left: len(questions)}))
		}
	})
	return out
}
