package bound

import (
	"context"
	"fmt"
	"math/big"

	"searchrl/verify"
	"searchrl/verify/exact"
)

func ratioAtLeastT() verify.Claim {
	const id = "bound/ratio-at-least-T"
	return verify.Claim{ID: id, Source: "SLATE (arXiv 2602.23440), its theorem on variance, in " + ours,
		Text: "Where the total covariance of the step rewards is not negative, the full-trajectory estimator has at least T times the variance of the " +
			"truncated one, on average over the steps: V_full ≥ T·mean_t V_t. Mean-centred, prefixes drawn from the policy.",
		Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
			var least *big.Rat // of V_full / Σ V_t
			correlation := verify.Series{Name: "a process", Points: true}
			evidence, err := law{anyProcess, func(p *exact.Process) (bool, string) {
				a := p.Analyse()
				full, parts := a.Full(groupSize), truncated(a, groupSize)
				if parts.Sign() > 0 {
					ratio := new(big.Rat).Quo(full, parts)
					if len(correlation.X) < 500 {
						correlation.X = append(correlation.X, float(new(big.Rat).Quo(a.Covariance, exact.Sum(a.Reward))))
						correlation.Y = append(correlation.Y, float(ratio))
					}
					if a.Covariance.Sign() >= 0 && (least == nil || ratio.Cmp(least) < 0) {
						least = ratio
					}
				}
				if a.Covariance.Sign() < 0 {
					return false, ""
				}
				return true, below(full, parts)
			}}.try(ctx, id, effort)
			if evidence.Status == verify.Holds && least != nil {
				evidence.Worst = fmt.Sprintf("least ratio %.6g·T", float(least))
				evidence.Figures = []verify.Figure{{Title: "Drawn processes: the ratio falls below T only where rewards are negatively correlated",
					X: "total covariance / sum of variances", Y: "V_full / (T · mean V_t)", Series: []verify.Series{correlation,
						{Name: "the bound", X: []float64{-1, 0, 4}, Y: []float64{1, 1, 1}}}}}
			}
			return evidence, err
		}}
}

// below says by how much V_full misses Σ_t V_t, "" if it does not.
func below(full, parts *big.Rat) string {
	if full.Cmp(parts) >= 0 {
		return ""
	}
	return fmt.Sprintf("V_full is %s, T·mean V_t is %s: ratio %.4g·T", full.RatString(), parts.RatString(), float(new(big.Rat).Quo(full, parts)))
}

func float(x *big.Rat) float64 {
	f, _ := x.Float64()
	return f
}

func number(x *big.Int) float64 {
	f, _ := x.Float64()
	return f
}

func tight() verify.Claim {
	const id = "bound/tight"
	return verify.Claim{ID: id, Source: ours,
		Text: "Where the total covariance is not negative, V_full = T·mean_t V_t holds if and only if the total covariance is 0 and " +
			"E[r_t | τ_<t] is the same for all prefixes of a step.",
		Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
			tights := 0
			evidence, err := law{func(from exact.Draws) *exact.Process {
				if from.Int("independent", 0, 1) == 0 {
					return anyProcess(from)
				}
				return independent(from, false)
			}, func(p *exact.Process) (bool, string) {
				a := p.Analyse()
				equal := a.Full(groupSize).Cmp(truncated(a, groupSize)) == 0
				conditions := a.Covariance.Sign() == 0 && exact.Sum(a.Between).Sign() == 0
				if a.Covariance.Sign() < 0 {
					return false, ""
				}
				if equal {
					tights++
				}
				if equal != conditions {
					return true, fmt.Sprintf("equal: %v, total covariance %s, between prefixes %s", equal, a.Covariance.RatString(), exact.Sum(a.Between).RatString())
				}
				return true, ""
			}}.try(ctx, id, effort)
			if evidence.Status == verify.Holds {
				evidence.Worst = fmt.Sprintf("equal in %d of the processes, as it should", tights)
			}
			return evidence, err
		}}
}

// independent draws a process of independent steps; homogeneous ones have one law for all steps.
func independent(from exact.Draws, homogeneous bool) *exact.Process {
	shape := exact.Shape{Actions: 3}
	laws := []exact.Law{exact.DrawLaw(from, shape)}
	for range from.Int("more steps", 0, 3) {
		if homogeneous {
			laws = append(laws, laws[0])
		} else {
			laws = append(laws, exact.DrawLaw(from, shape))
		}
	}
	return exact.Independent(laws)
}

func homogeneous(from exact.Draws) *exact.Process { return independent(from, true) }

func independentSteps() verify.Claim {
	const id = "bound/independent-steps"
	return verify.Claim{ID: id, Source: "SLATE (arXiv 2602.23440), “up to a factor T”; " + ours,
		Text: "For independent steps with one law of rewards, the ratio is exactly T at every single step: V_full = T·V_t.",
		Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
			return exactly(law{homogeneous, fullIsTTimes}.try(ctx, id, effort))
		}}
}

func fullIsTTimes(p *exact.Process) (applies bool, contradiction string) {
	a := p.Analyse()
	return true, multiples(a, func(int) (*big.Rat, int64) { return a.Full(groupSize), int64(a.Steps) })
}

func togoIsTimesLeft(p *exact.Process) (applies bool, contradiction string) {
	a := p.Analyse()
	return true, multiples(a, func(t int) (*big.Rat, int64) { return a.RewardToGo(groupSize, t), int64(a.Steps - t) })
}

// multiples checks that for each step the variance is the given multiple of V_t.
func multiples(a *exact.Analysis, of func(t int) (variance *big.Rat, times int64)) string {
	for t := range a.Steps {
		variance, times := of(t)
		want := new(big.Rat).Mul(big.NewRat(times, 1), a.Truncated(groupSize, t))
		if variance.Cmp(want) != 0 {
			return fmt.Sprintf("step %d of %d: %s, expected %d·V_t = %s", t+1, a.Steps, variance.RatString(), times, want.RatString())
		}
	}
	return ""
}

func rewardToGo() verify.Claim {
	const id = "bound/reward-to-go"
	return verify.Claim{ID: id, Source: ours + ": the natural reading of “up to a factor T”",
		Text: "Against the reward to go, independent steps with one law of rewards give the ratio T − t + 1: T at the first step, 1 at the last.",
		Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
			evidence, err := exactly(law{homogeneous, togoIsTimesLeft}.try(ctx, id, effort))
			evidence.Figures = append(evidence.Figures, rewardToGoFigure())
			return evidence, err
		}}
}

func rewardToGoFigure() verify.Figure {
	figure := verify.Figure{Title: "Reward to go against truncated, step by step (T = 5, exact)", X: "step t", Y: "V_togo,t / V_t"}
	for _, rho := range []*big.Rat{big.NewRat(-1, 2), new(big.Rat), big.NewRat(1, 2)} {
		a := exact.Markov(exact.MaxSteps, rho).Analyse()
		s := verify.Series{Name: "correlation " + rho.FloatString(1)}
		for t := range a.Steps {
			s.X = append(s.X, float64(t+1))
			s.Y = append(s.Y, float(new(big.Rat).Quo(a.RewardToGo(groupSize, t), a.Truncated(groupSize, t))))
		}
		figure.Series = append(figure.Series, s)
	}
	return figure
}

func judgeNoise() verify.Claim {
	const id = "bound/judge-noise"
	return verify.Claim{ID: id, Source: ours,
		Text: "Where all trajectories have T steps, a judge's independent noise of mean 0 and variance σ² in each step reward enters both sides: it adds (1 − 1/k)σ² to each V_t, (1 − 1/k)Tσ² to V_full and " +
			"(1 − 1/k)(T − t + 1)σ² to V_togo,t, so that V_full/mean V_t tends to T as the noise grows.",
		Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
			evidence, err := exactly(law{func(from exact.Draws) *exact.Process {
				return exact.Draw(from, exact.Shape{Steps: 3, Actions: 2, Documents: 2, Nodes: 5, SameLength: true})
			}, func(p *exact.Process) (bool, string) {
				return p.SameLength(), noiseAdds(p) // a step that is not taken is not judged
			}}.try(ctx, id, effort))
			evidence.Figures = append(evidence.Figures, noiseFigure())
			return evidence, err
		}}
}

func noiseAdds(p *exact.Process) (contradiction string) {
	sigma := big.NewRat(3, 2)
	square := exact.Centred(groupSize, new(big.Rat).Mul(sigma, sigma))
	a, noisy := p.Analyse(), p.WithJudgeNoise(sigma).Analyse()
	plus := func(x *big.Rat, times int) *big.Rat {
		return new(big.Rat).Add(x, new(big.Rat).Mul(square, big.NewRat(int64(times), 1)))
	}
	if noisy.Full(groupSize).Cmp(plus(a.Full(groupSize), a.Steps)) != 0 {
		return "V_full does not gain Tσ²"
	}
	for t := range a.Steps {
		if noisy.Truncated(groupSize, t).Cmp(plus(a.Truncated(groupSize, t), 1)) != 0 {
			return fmt.Sprintf("V_%d does not gain σ²", t+1)
		}
		if noisy.RewardToGo(groupSize, t).Cmp(plus(a.RewardToGo(groupSize, t), a.Steps-t)) != 0 {
			return fmt.Sprintf("V_togo,%d does not gain (T − t + 1)σ²", t+1)
		}
	}
	return ""
}

func noiseFigure() verify.Figure {
	figure := verify.Figure{Title: "Judge noise pulls the ratio of every process towards T (T = 4, exact)", X: "σ", Y: "V_full / mean V_t"}
	for _, rho := range []*big.Rat{big.NewRat(-1, 2), new(big.Rat), big.NewRat(1, 2)} {
		a := exact.Markov(4, rho).Analyse()
		s := verify.Series{Name: "correlation " + rho.FloatString(1)}
		for i := range 17 {
			sigma := float64(i) / 4
			noise := sigma * sigma
			s.X = append(s.X, sigma)
			s.Y = append(s.Y, 4*(float(a.Return)+4*noise)/(float(exact.Sum(a.Within))+4*noise))
		}
		figure.Series = append(figure.Series, s)
	}
	return figure
}
