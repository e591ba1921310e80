package bound

import (
	"context"
	"fmt"
	"math"
	"math/big"

	"searchrl/grpo"
	"searchrl/verify"
	"searchrl/verify/exact"
)

// shallow processes have trajectories of one length, and are large enough for every failure that is looked for.
func shallow(from exact.Draws) *exact.Process {
	return exact.Draw(from, exact.Shape{Steps: 4, Actions: 3, Documents: 2, Nodes: 10, SameLength: true})
}

func negativeCovariance() verify.Claim {
	const id = "bound/negative-covariance"
	return verify.Claim{ID: id, Source: ours, Limit: true, FalseAlarm: lost,
		Text: "Without the assumption on covariance the bound fails: where step rewards cancel, whole trajectories can have less variance than " +
			"truncated steps, down to none at all.",
		Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
			p, tried, err := smallest(ctx, effort, shallow, cancels)
			return limit(p, tried, "The smallest process with trajectories of one length that breaks the bound: a reward that comes now or later, but always comes", func(p *exact.Process) string {
				a := p.Analyse()
				return fmt.Sprintf("ratio %.3g·T with total covariance %s", float(new(big.Rat).Quo(a.Return, exact.Sum(a.Within))), a.Covariance.RatString())
			}), err
		}}
}

// cancels reports whether whole trajectories vary less than truncated steps together.
func cancels(p *exact.Process) bool {
	a := p.Analyse()
	return p.SameLength() && below(a.Return, exact.Sum(a.Within)) != ""
}

func singleStep() verify.Claim {
	const id = "bound/single-step"
	return verify.Claim{ID: id, Source: ours, Limit: true, FalseAlarm: lost,
		Text: "The factor T is a mean over steps, not a promise for each one: a single step can have V_full < T·V_t even where rewards are uncorrelated, " +
			"down to V_full = V_t where one step holds all the variance.",
		Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
			ratioAt := func(a *exact.Analysis) *big.Rat {
				var least *big.Rat
				for t := range a.Steps {
					if a.Within[t].Sign() > 0 {
						if r := new(big.Rat).Quo(a.Return, a.Within[t]); least == nil || r.Cmp(least) < 0 {
							least = r
						}
					}
				}
				return least
			}
			p, tried, err := smallest(ctx, effort, func(from exact.Draws) *exact.Process { return independent(from, false) },
				func(p *exact.Process) bool {
					a := p.Analyse()
					r := ratioAt(a)
					return p.SameLength() && a.Covariance.Sign() == 0 && r != nil && r.Cmp(big.NewRat(int64(a.Steps), 1)) < 0
				})
			return limit(p, tried, "One step holds all the variance", func(p *exact.Process) string {
				a := p.Analyse()
				return fmt.Sprintf("V_full/V_t = %s at one step, T = %d", ratioAt(a).RatString(), a.Steps)
			}), err
		}}
}

func immediateTarget() verify.Claim {
	const id = "bound/immediate-target"
	return verify.Claim{ID: id, Source: ours, Limit: true, FalseAlarm: lost,
		Text: "The truncated estimator is unbiased, up to (1 − 1/k), for r_t − E[r_t | τ_<t], which is not Q − V: its expected advantage can favour the action that the " +
			"policy gradient would make rarer. It is not the same estimate with less variance.",
		Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
			p, tried, err := smallest(ctx, effort, shallow, func(p *exact.Process) bool { return p.SameLength() && misled(p) != "" })
			return limit(p, tried, "The immediate reward points the wrong way", misled), err
		}}
}

// misled names an action whose immediate advantage and Q − V have opposite signs, "" if there is none.
func misled(p *exact.Process) string {
	for _, point := range p.Points() {
		for i, a := range point.Node.Actions {
			now, all := new(big.Rat).Sub(a.Reward, point.Mean), new(big.Rat).Sub(point.Q[i], point.V)
			if now.Sign() > 0 && all.Sign() < 0 {
				return fmt.Sprintf("an action with r − E[r|τ] = %s has Q − V = %s: bias %s", now.RatString(), all.RatString(), point.Bias(i).RatString())
			}
		}
	}
	return ""
}

func standardised(e Estimators) verify.Claim {
	const id = "bound/standardised"
	return verify.Claim{ID: id, Source: ours, Limit: true,
		Text: "Standardised advantages do not have the bound: whatever the variances, E[A²] = (1 − 1/k)·P(the group's rewards are not all equal) for " +
			"every estimator, so the ratio is one of shares of live groups. Nor does the scale of the rewards at a prefix count. What truncation gains then is signal to noise.",
		Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
			evidence, err := law{tiny, func(p *exact.Process) (bool, string) { return true, e.unitScale(p) }}.try(ctx, id, effort)
			if err != nil || evidence.Status != verify.Holds {
				return evidence, err
			}
			figure := verify.Figure{Title: "Independent steps: mean-centred and standardised (k = 5, exact)", X: "T", Y: "E[A²] of whole trajectories / of steps",
				Series: []verify.Series{{Name: "mean-centred"}, {Name: "standardised, reward 1 with 1/2"}, {Name: "standardised, reward 1 with 1/8"}}}
			for steps := 1; steps <= exact.MaxSteps; steps++ {
				for i, rare := range []int64{2, 2, 8} {
					p := coins(steps, rare)
					y := float(live(p))
					if i == 0 {
						a := p.Analyse()
						y = float(new(big.Rat).Quo(a.Return, a.Within[0]))
					}
					figure.Series[i].X, figure.Series[i].Y = append(figure.Series[i].X, float64(steps)), append(figure.Series[i].Y, y)
				}
			}
			evidence.Figures = []verify.Figure{figure}
			mean, std := figure.Series[0].Y[3], figure.Series[1].Y[3]
			evidence.Status, evidence.Worst = verify.Limit, fmt.Sprintf("T = 4 coins: ratio %.4g mean-centred, %.4g standardised", mean, std)
			if mean != 4 || std >= 4 {
				evidence.Status = verify.Broken
			}
			return evidence, nil
		}}
}

// coins is the process of independent steps with reward 1 with probability 1/rare, else 0.
func coins(steps int, rare int64) *exact.Process {
	laws := make([]exact.Law, steps)
	for i := range laws {
		laws[i] = exact.Law{P: []*big.Rat{big.NewRat(rare-1, rare), big.NewRat(1, rare)}, Reward: []*big.Rat{new(big.Rat), big.NewRat(1, 1)}}
	}
	return exact.Independent(laws)
}

// live is the ratio of the shares of live groups, whole trajectories over candidates of the first step.
func live(p *exact.Process) *big.Rat {
	var probabilities, returns []*big.Rat
	for _, t := range p.Trajectories() {
		probabilities, returns = append(probabilities, t.P), append(returns, t.ToGo(0))
	}
	share := func(p, x []*big.Rat) *big.Rat {
		return new(big.Rat).Sub(big.NewRat(1, 1), exact.Equal(p, x, groupSize))
	}
	q, rewards := law1(p.Root)
	return new(big.Rat).Quo(share(probabilities, returns), share(q, rewards))
}

// scaleTolerance is above what ε = 1e-6 takes from a squared advantage of rewards that are multiples of 1/2.
const scaleTolerance = 2e-5

// unitScale compares the second moment of standardised advantages with the share of live groups, k = 3.
func (e Estimators) unitScale(p *exact.Process) string {
	const k = 3
	trajectories, steps := p.Trajectories(), p.Steps()
	probabilities, rewards := padded(trajectories, steps)
	returns := make([]*big.Rat, len(trajectories))
	for i := range trajectories {
		returns[i] = trajectories[i].ToGo(0)
	}
	square, rows := 0., make([][]float64, k)
	whole := exact.Groups(probabilities, k, func(mass *big.Int, group []int) {
		for j, i := range group {
			rows[j] = rewards[i]
		}
		a := e.Full(rows, grpo.Standardised)[0][0]
		square += number(mass) * a * a
	})
	if wrong := notLive("full trajectories", square/number(whole), probabilities, returns, k); wrong != "" {
		return wrong
	}
	for _, point := range p.Points() {
		p, own := law1(point.Node)
		square, candidates, scaled := 0., make([]float64, k), make([]float64, k)
		wrong := ""
		whole := exact.Groups(p, k, func(mass *big.Int, group []int) {
			for j, i := range group {
				candidates[j] = float(own[i])
				scaled[j] = 8 * candidates[j]
			}
			a, b := e.Truncated(candidates, grpo.Standardised)[0], e.Truncated(scaled, grpo.Standardised)[0]
			square += number(mass) * a * a
			if !(math.Abs(a-b) <= scaleTolerance) {
				wrong = fmt.Sprintf("rewards %v: advantage %v, of eight times the rewards %v", candidates, a, b)
			}
		})
		if wrong == "" {
			wrong = notLive("truncated", square/number(whole), p, own, k)
		}
		if wrong != "" {
			return wrong
		}
	}
	return ""
}

func notLive(name string, square float64, p, x []*big.Rat, k int) string {
	want := float(exact.Centred(k, new(big.Rat).Sub(big.NewRat(1, 1), exact.Equal(p, x, k))))
	if math.Abs(square-want) <= scaleTolerance {
		return ""
	}
	return fmt.Sprintf("%s: E[A²] = %v, expected %v", name, square, want)
}
