package sampled

import (
	"context"
	"math/big"

	"searchrl/estimator"
	"searchrl/grpo"
	"searchrl/verify"
	"searchrl/verify/exact"
	"searchrl/verify/kernel"
)

const ours = "our reconstruction of SLATE's theorem on variance (docs/theory.md)"

// Claims are the sampled claims. The sequential tests' false-alarm rates are by Ville's inequality; that a planted violation is
// missed, by Bernstein's.
func Claims() []verify.Claim {
	claim := func(id, text, source string, falseAlarm float64, check func(context.Context, kernel.Kernels, verify.Effort) (verify.Evidence, error)) verify.Claim {
		return verify.Claim{ID: id, Text: text, Source: source, Layer: verify.Sampled, FalseAlarm: falseAlarm,
			Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
				return check(ctx, kernel.Real(), effort)
			}}
	}
	return []verify.Claim{
		claim("sampled/bound", "Where the steps are independent and alike the variance of the truncated estimator is not above that of "+
			"the full one over T (it is equal), and the test that says so finds a ratio 5 % below T.", ours, Alpha+missed, checkBoundary),
		claim("sampled/ratios", "The estimators' variance ratio on samples is the exact one, for T = 2 to 5 and step rewards correlated "+
			"by ρ^|s−t|, from both sides.", ours, Alpha+missed, func(ctx context.Context, k kernel.Kernels, e verify.Effort) (verify.Evidence, error) {
			return checkRatios(ctx, k, none, e)
		}),
		claim("sampled/agent-loop", "The same through the agent loop: whole trajectories by Env.Rollout, candidates by Env.Sample from a "+
			"shared prefix have the exact ratio (T = 3, ρ = 1/2).", ours, Alpha, checkLoop),
		claim("sampled/transformer", "With a transformer as the policy (the embedded base policy in tinyworld, T = 3, an exact judge) "+
			"sharing the prefix does not increase the variance of a step's advantage, which needs no assumption; and no violation of "+
			"Var(truncated) ≤ Var(full)/T is detected. That the total covariance of step rewards is not negative is measured, not "+
			"known, and power is limited: this shows what one policy does, not a theorem.", ours, 2*Alpha, checkTransformer),
		claim("sampled/transformer-steps", "With the same policy and questions of one to four facts (T = 2 to 5) sharing the prefix does not increase the variance of a "+
			"step's advantage, over these T together. The ratio Var(full)/mean Var(truncated) is measured, and can be below T where the total covariance is negative.", ours, Alpha, checkSteps),
	}
}

// MeasureRatio measures the ratio on a process whose exact ratio is known: T = 4 steps with rewards ±1 and ρ = 1/4, from
// 20,000 pairs of groups.
func MeasureRatio(ctx context.Context, effort verify.Effort) (Ratio, error) {
	p := exact.Markov(4, big.NewRat(1, 4))
	s := newTabular(p, members, kernel.Real())
	rng, m := effort.Rand(1), &moments{}
	for n := 0; n < 20000*factor(effort); n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return Ratio{}, ctx.Err()
		}
		g, err := s.draw(rng, 2)
		if err != nil {
			return Ratio{}, err
		}
		m.add(pair(&g[0], &g[1]))
	}
	return m.ratio(4, exactRatio(p, members)), nil
}

// Mutants are faults of the estimators, and of how groups are sampled, that only statistics can see. They are further off than
// the planted violations.
func Mutants() []verify.Mutant {
	estimators := func(id, text, by string, check func(context.Context, kernel.Kernels, verify.Effort) (verify.Evidence, error), plant func(*kernel.Kernels)) verify.Mutant {
		return verify.Mutant{ID: id, Text: text, Missed: missed, Catch: func(ctx context.Context, effort verify.Effort) (string, bool, error) {
			k := kernel.Real()
			plant(&k)
			effort.Long = false
			e, err := check(ctx, k, effort)
			return by, e.Status == verify.Broken, err
		}}
	}
	drawn := func(id, text string, f fault) verify.Mutant {
		return estimators(id, text, "sampled/ratios", func(ctx context.Context, k kernel.Kernels, effort verify.Effort) (verify.Evidence, error) {
			return checkRatios(ctx, k, f, effort)
		}, func(*kernel.Kernels) {})
	}
	leaveOneOut := func(r []float64, norm grpo.Normalisation) []float64 {
		out := estimator.Truncated(r, norm)
		for i := range out {
			out[i] *= float64(len(r)) / float64(len(r)-1)
		}
		return out
	}
	return []verify.Mutant{
		estimators("sampled/leave-one-out", "the truncated estimator has the mean of the others as its baseline", "sampled/bound", checkBoundary,
			func(k *kernel.Kernels) { k.Truncated = leaveOneOut }),
		estimators("sampled/full-mean-over-steps", "the mean of the step rewards for the return", "sampled/bound", checkBoundary,
			func(k *kernel.Kernels) {
				k.Full = func(rewards [][]float64, norm grpo.Normalisation) [][]float64 {
					out := estimator.Full(rewards, norm)
					for i := range out {
						for t := range out[i] {
							out[i][t] /= float64(len(out[i]))
						}
					}
					return out
				}
			}),
		estimators("sampled/reward-to-go-for-full", "the reward to go for the return", "sampled/bound", checkBoundary,
			func(k *kernel.Kernels) { k.Full = estimator.RewardToGo }),
		estimators("sampled/full-standardised", "mean-only is ignored by the full estimator", "sampled/bound", checkBoundary,
			func(k *kernel.Kernels) {
				k.Full = func(rewards [][]float64, _ grpo.Normalisation) [][]float64 {
					return estimator.Full(rewards, grpo.Standardised)
				}
			}),
		estimators("sampled/loop-immediate-for-return", "the first reward for the return, through the agent loop", "sampled/agent-loop", checkLoop,
			func(k *kernel.Kernels) {
				k.Full = func(rewards [][]float64, norm grpo.Normalisation) [][]float64 {
					first := make([][]float64, len(rewards))
					for i := range rewards {
						first[i] = rewards[i][:min(1, len(rewards[i]))]
					}
					return estimator.Full(first, norm)
				}
			}),
		drawn("sampled/unshared-prefix", "each candidate continues a prefix of its own", unshared),
		drawn("sampled/step-off-by-one", "the candidates are those of the step after", late),
		drawn("sampled/copied-candidates", "the candidates are copies of one", copied),
	}
}
