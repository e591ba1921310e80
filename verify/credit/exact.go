package credit

import (
	"context"
	"fmt"
	"math/big"

	"searchrl/baseline/gigpo"
	"searchrl/baseline/igpo"
	"searchrl/grpo"
	"searchrl/verify"
	"searchrl/verify/exact"
)

// exactClaims are the statements about expectations, on every group of two trajectories.
func exactClaims(r Rules) []verify.Claim {
	return []verify.Claim{leaveOneOut(r), anchored(r), aliased(r), revisited(r), unevenTurns(r)}
}

// processes is the number of processes that an exact claim looks at.
func processes(effort verify.Effort) int {
	if effort.Long {
		return 4000
	}
	return 200
}

// tried is a claim about every process of a shape; law returns what contradicts it.
func tried(id, text, source string, shape exact.Shape, law func(p *exact.Process) string) verify.Claim {
	return verify.Claim{ID: id, Text: text, Source: source, Layer: verify.Exact,
		Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
			rng, n := effort.Rand(0), processes(effort)
			for i := range n {
				if err := ctx.Err(); err != nil {
					return verify.Evidence{}, fmt.Errorf("%s: %w", id, err)
				}
				if effort.Progress != nil {
					effort.Progress(float64(i) / float64(n))
				}
				p := exact.Draw(exact.Random(rng), shape)
				if wrong := law(p); wrong != "" {
					return verify.Evidence{Status: verify.Broken, Checks: i + 1, Worst: fmt.Sprintf("%s in\n%v", wrong, p)}, nil
				}
			}
			return verify.Evidence{Status: verify.Holds, Checks: n, Worst: "exact in all groups of 2"}, nil
		}}
}

// small has at most some dozens of trajectories; rewards are multiples of 1/2, so that half of a difference is exact in float64.
var small = exact.Shape{Steps: 3, Actions: 2, Documents: 2, Nodes: 5}

// leaveOneOut: a step of the process is an attempt.
func leaveOneOut(r Rules) verify.Claim {
	shape := small
	shape.SameLength = true
	return tried("credit/mr-search-unbiased",
		"Given a trajectory, MR-Search's advantage of its attempt n is expected to be its discounted return from n on less the mean "+
			"of that return over trajectories: the leave-one-out baseline has no factor 1 − 1/G.",
		"Kool et al. (2019); our reading of MR-Search", shape, func(p *exact.Process) string {
			all := p.Trajectories()
			for _, discount := range []float64{1, .5} {
				for n := range len(all[0].Rewards) {
					mean := new(big.Rat)
					for i := range all {
						mean.Add(mean, times(all[i].P, from(&all[i], n, discount)))
					}
					for i := range all {
						got := expected(all, func(other *exact.Trajectory) float64 {
							return r.Attempts([][]float64{all[i].Floats(), other.Floats()}, discount)[0][n]
						})
						want := new(big.Rat).Sub(from(&all[i], n, discount), mean)
						if got.Cmp(want) != 0 {
							return fmt.Sprintf("trajectory %d, attempt %d, discount %v: expected advantage %v, should be %v", i, n+1, discount, got, want)
						}
					}
				}
			}
			return ""
		})
}

// anchored: the anchor is the whole prefix.
func anchored(r Rules) verify.Claim {
	return tried("credit/gigpo-step-advantage",
		"Where an observation tells the whole prefix, GiGPO's step advantage (F = 1, two trajectories) is expected, given the step's "+
			"own trajectory, to be half its return less the prefix' value V, times the probability that the other trajectory comes by.",
		"GiGPO, Eq. 7; our statement", small, func(p *exact.Process) string {
			all := p.Trajectories()
			for i := range all {
				for t := range all[i].Rewards {
					reach, value := new(big.Rat), new(big.Rat)
					for j := range all {
						if t < len(all[j].Rewards) && prefix(&all[j], t) == prefix(&all[i], t) {
							reach.Add(reach, all[j].P)
							value.Add(value, times(all[j].P, from(&all[j], t, .5)))
						}
					}
					got := expected(all, func(other *exact.Trajectory) float64 {
						return step(r, .5, prefix, &all[i], other)[t]
					})
					want := new(big.Rat).Sub(times(reach, from(&all[i], t, .5)), value)
					want.Quo(want, big.NewRat(2, 1))
					if got.Cmp(want) != 0 {
						return fmt.Sprintf("trajectory %d, step %d: expected advantage %v, should be %v", i, t+1, got, want)
					}
				}
			}
			return ""
		})
}

// aliased: the anchor is the last document alone, and the number of the step, so that no trajectory comes by twice.
func aliased(r Rules) verify.Claim {
	byDocument := func(tr *exact.Trajectory, t int) string {
		if t == 0 {
			return "question"
		}
		return fmt.Sprint(t, tr.Documents[t-1])
	}
	return tried("credit/gigpo-baseline",
		"Where different prefixes share an observation, but no trajectory comes by it twice, GiGPO's baseline is off by a difference that the "+
			"step's own action does not change: of two trajectories with the same prefix the expected step advantages (F = 1) differ by half "+
			"the difference of their returns, times the probability that the other trajectory comes by. The gradient keeps its direction.",
		"GiGPO, Eq. 7; our statement", small, func(p *exact.Process) string {
			all := p.Trajectories()
			for t := range p.Steps() {
				first, base := map[string]int{}, map[string]*big.Rat{}
				for i := range all {
					if t >= len(all[i].Rewards) {
						continue
					}
					reach := new(big.Rat)
					for j := range all {
						if t < len(all[j].Rewards) && byDocument(&all[j], t) == byDocument(&all[i], t) {
							reach.Add(reach, all[j].P)
						}
					}
					got := expected(all, func(other *exact.Trajectory) float64 { return step(r, .5, byDocument, &all[i], other)[t] })
					half := times(reach, from(&all[i], t, .5))
					got.Sub(got, half.Quo(half, big.NewRat(2, 1)))
					at := prefix(&all[i], t)
					if base[at] == nil {
						first[at], base[at] = i, got
					} else if got.Cmp(base[at]) != 0 {
						return fmt.Sprintf("step %d of trajectories %d and %d: the baselines are %v and %v", t+1, first[at], i, base[at], got)
					}
				}
			}
			return ""
		})
}

// revisited pins the limit of GiGPO's baseline on the smallest process that comes back to an observation.
func revisited(r Rules) verify.Claim {
	return verify.Claim{ID: "credit/gigpo-revisit", Layer: verify.Exact, Limit: true, Source: "our counter-example",
		Text: "What fails: where a trajectory comes back to an observation, its own return is in the baseline twice, and two actions of equal " +
			"value get different step advantages: after one search, answering (right) 1/8 and searching again (then right) 1/12, with a " +
			"wrong answer as the third action, probabilities 1/4, 1/2 and 1/4.",
		Check: func(context.Context, verify.Effort) (verify.Evidence, error) {
			rat := big.NewRat
			again := &exact.Node{Actions: []exact.Action{{P: rat(1, 1), Reward: rat(1, 1)}}}
			at := &exact.Node{Actions: []exact.Action{
				{P: rat(1, 4), Reward: rat(1, 1)},
				{P: rat(1, 2), Reward: new(big.Rat), Documents: []exact.Document{{P: rat(1, 1), Next: again}}},
				{P: rat(1, 4), Reward: new(big.Rat)},
			}}
			p := &exact.Process{Root: &exact.Node{Actions: []exact.Action{{P: rat(1, 1), Reward: new(big.Rat), Documents: []exact.Document{{P: rat(1, 1), Next: at}}}}}}
			same := func(_ *exact.Trajectory, t int) string { return []string{"question", "documents", "documents"}[t] }
			all := p.Trajectories()
			var got []float64
			for i := range all[:2] {
				mean := 0.0
				for j := range all {
					q, _ := all[j].P.Float64()
					mean += q * step(r, 1, same, &all[i], &all[j])[1]
				}
				got = append(got, mean)
			}
			evidence := verify.Evidence{Status: verify.Limit, Checks: 1, Worst: fmt.Sprintf("%.6f and %.6f for equal values", got[0], got[1])}
			if len(all[1].Actions) != 3 || abs(got[0]-1./8) > Tolerance || abs(got[1]-1./12) > Tolerance {
				evidence.Status = verify.Broken
			}
			return evidence, nil
		}}
}

// unevenTurns pins what normalisation does to IGPO's telescoping sum.
func unevenTurns(r Rules) verify.Claim {
	return verify.Claim{ID: "credit/igpo-turns", Layer: verify.Exact, Limit: true, Source: "our counter-example",
		Text: "What fails: two trajectories that learn equally much and answer equally well, one of them by a detour of one turn more that " +
			"tells nothing, get different advantages from IGPO, since every turn is charged the group's mean gain; the raw gains do not.",
		Check: func(context.Context, verify.Effort) (verify.Evidence, error) {
			short, long := r.Gains([]float64{.25, .75}), r.Gains([]float64{.25, .25, .75})
			group := []igpo.Episode{{Gains: short, Outcome: 1}, {Gains: long, Outcome: 1}}
			got := r.Turns(group, 1, grpo.MeanOnly)
			evidence := verify.Evidence{Status: verify.Limit, Checks: 1,
				Worst: fmt.Sprintf("sums %v and %v of gains, first advantages %.3f and %.3f", short[0], long[0]+long[1], got[0][0], got[1][0])}
			if short[0] != long[0]+long[1] || !(got[0][0] > got[1][0]) {
				evidence.Status = verify.Broken
			}
			return evidence, nil
		}}
}

// step runs GiGPO's step advantages (F = 1) on two trajectories and returns those of the first.
func step(r Rules, gamma float64, anchor func(tr *exact.Trajectory, t int) string, own, other *exact.Trajectory) []float64 {
	group := make([]gigpo.Episode, 2)
	for i, tr := range []*exact.Trajectory{own, other} {
		group[i].Rewards = tr.Floats()
		for t := range tr.Rewards {
			group[i].Anchors = append(group[i].Anchors, anchor(tr, t))
		}
	}
	c := gigpo.Credit{Gamma: gamma, Normalisation: grpo.MeanOnly, Similarity: 1}
	episode := r.Episodes(c, group)[0] // ω = 0
	c.Omega = 1
	out := r.Episodes(c, group)[0]
	for t := range out {
		out[t] -= episode[t]
	}
	return out
}

// prefix names the prefix before the step with index t.
func prefix(tr *exact.Trajectory, t int) string { return fmt.Sprint(tr.Actions[:t], tr.Documents[:t]) }

// expected is the mean of f over the other trajectory of a group of two; f's values must be exact.
func expected(all []exact.Trajectory, f func(other *exact.Trajectory) float64) *big.Rat {
	mean := new(big.Rat)
	for j := range all {
		mean.Add(mean, times(all[j].P, new(big.Rat).SetFloat64(f(&all[j]))))
	}
	return mean
}

// from is the discounted return from the step with index n on.
func from(tr *exact.Trajectory, n int, discount float64) *big.Rat {
	sum, d := new(big.Rat), new(big.Rat).SetFloat64(discount)
	for s := len(tr.Rewards) - 1; s >= n; s-- {
		sum.Add(sum.Mul(sum, d), tr.Rewards[s])
	}
	return sum
}

func times(a, b *big.Rat) *big.Rat { return new(big.Rat).Mul(a, b) }

func abs(x float64) float64 { return max(x, -x) }
