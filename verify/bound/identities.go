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

// groupSize is k where the claim does not depend on it.
const groupSize = 5

// groupFactor runs the estimators themselves on every group of a process.
func groupFactor(e Estimators) verify.Claim {
	const id = "bound/group-factor"
	return verify.Claim{ID: id, Source: ours,
		Text: "Mean-centred over a group of k, each estimator has mean 0 and (1 − 1/k) of the variance of what it centres: Var(G), " +
			"Var(G_t), and E[Var(r_t | τ_<t)] for candidates that share their prefix. Given a member's own trajectory, its " +
			"expected advantage is (1 − 1/k) times its distance from the mean.",
		Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
			groups := 0
			evidence, err := law{tiny, func(p *exact.Process) (bool, string) {
				trajectories := p.Trajectories()
				for _, k := range []int{2, 4} { // for which float64 is exact on these rewards
					if k == 4 && len(trajectories) > 4 {
						continue
					}
					n, wrong := e.centred(p, trajectories, k)
					groups += n
					if wrong != "" {
						return true, wrong
					}
				}
				return true, ""
			}}.try(ctx, id, effort)
			if evidence.Status == verify.Holds {
				evidence.Worst = fmt.Sprintf("exact in %d groups of 2 and 4", groups)
			}
			return evidence, err
		}}
}

// centred checks the three estimators on all groups of k; n counts the groups.
func (e Estimators) centred(p *exact.Process, trajectories []exact.Trajectory, k int) (n int, wrong string) {
	steps := p.Steps()
	probabilities, rewards := padded(trajectories, steps)
	full, togo := newLedger(len(trajectories), steps), newLedger(len(trajectories), steps)
	rows := make([][]float64, k)
	full.whole = exact.Groups(probabilities, k, func(mass *big.Int, group []int) {
		n++
		for j, i := range group {
			rows[j] = rewards[i]
		}
		full.add(group[0], mass, e.Full(rows, grpo.MeanOnly)[0])
		togo.add(group[0], mass, e.RewardToGo(rows, grpo.MeanOnly)[0])
	})
	togo.whole = full.whole
	returns, later := make([]*big.Rat, len(trajectories)), make([]*big.Rat, len(trajectories))
	for i := range trajectories {
		returns[i] = trajectories[i].ToGo(0)
	}
	for t := range steps {
		for i := range trajectories {
			later[i] = trajectories[i].ToGo(t)
		}
		if wrong := full.compare(t, k, probabilities, returns); wrong != "" {
			return n, fmt.Sprintf("full trajectories, k = %d, step %d: %s", k, t+1, wrong)
		}
		if wrong := togo.compare(t, k, probabilities, later); wrong != "" {
			return n, fmt.Sprintf("reward to go, k = %d, step %d: %s", k, t+1, wrong)
		}
	}
	candidates := make([]float64, k)
	for _, point := range p.Points() {
		probabilities, own := law1(point.Node)
		truncated := newLedger(len(own), 1)
		truncated.whole = exact.Groups(probabilities, k, func(mass *big.Int, group []int) {
			n++
			for j, i := range group {
				candidates[j], _ = own[i].Float64()
			}
			truncated.add(group[0], mass, e.Truncated(candidates, grpo.MeanOnly)[:1])
		})
		if wrong := truncated.compare(0, k, probabilities, own); wrong != "" {
			return n, fmt.Sprintf("truncated, k = %d, a prefix of step %d: %s", k, point.Step+1, wrong)
		}
	}
	return n, ""
}

// law1 is the distribution of the next step's reward at a decision point.
func law1(n *exact.Node) (probabilities, rewards []*big.Rat) {
	for _, a := range n.Actions {
		probabilities, rewards = append(probabilities, a.P), append(rewards, a.Reward)
	}
	return probabilities, rewards
}

// padded returns the trajectories' probabilities and their rewards, filled up with zeros to the same length.
func padded(trajectories []exact.Trajectory, steps int) (probabilities []*big.Rat, rewards [][]float64) {
	for i := range trajectories {
		row := make([]float64, steps)
		copy(row, trajectories[i].Floats())
		probabilities, rewards = append(probabilities, trajectories[i].P), append(rewards, row)
	}
	return probabilities, rewards
}

// ledger adds up the advantages of a group's first member over all groups, in masses of which whole is the total: for each
// value i that the member can have and each step t, the sums of mass·n and mass·n² of advantages n/eighth.
type ledger struct {
	first, second [][]big.Int
	whole         *big.Int
}

// eighth: rewards are multiples of 1/2 and groups have 2 or 4 members, so right advantages are multiples of 1/8.
const eighth = 8

func newLedger(members, steps int) *ledger {
	l := &ledger{}
	for range members {
		l.first, l.second = append(l.first, make([]big.Int, steps)), append(l.second, make([]big.Int, steps))
	}
	return l
}

func (l *ledger) add(member int, mass *big.Int, advantages []float64) {
	var n, term big.Int
	for t := range min(len(advantages), len(l.first[member])) {
		a := advantages[t] * eighth
		if a != math.Trunc(a) || math.Abs(a) > 1<<40 {
			a = 1 << 40 // as wrong as anything
		}
		n.SetInt64(int64(a))
		l.first[member][t].Add(&l.first[member][t], term.Mul(mass, &n))
		l.second[member][t].Add(&l.second[member][t], term.Mul(&term, &n))
	}
}

// moments are Σ P·A and Σ P·A² over the groups whose first member has value i.
func (l *ledger) moments(i, t int) (first, second *big.Rat) {
	over := new(big.Int).Mul(l.whole, big.NewInt(eighth))
	first = new(big.Rat).SetFrac(&l.first[i][t], over)
	return first, new(big.Rat).SetFrac(&l.second[i][t], over.Mul(over, big.NewInt(eighth)))
}

// compare holds step t against the value that is centred: x[i] with probability p[i].
func (l *ledger) compare(t, k int, p, x []*big.Rat) string {
	mean, variance := exact.Moments(p, x)
	total := new(big.Rat)
	for i := range x {
		got, second := l.moments(i, t)
		total.Add(total, second)
		got.Quo(got, p[i])
		want := exact.Centred(k, new(big.Rat).Sub(x[i], mean))
		if got.Cmp(want) != 0 {
			return fmt.Sprintf("a member at %s has the expected advantage %s, expected %s", x[i].RatString(), got.RatString(), want.RatString())
		}
	}
	if want := exact.Centred(k, variance); total.Cmp(want) != 0 {
		return fmt.Sprintf("variance %s, expected %s", total.RatString(), want.RatString())
	}
	return ""
}

func totalVariance() verify.Claim {
	const id = "bound/total-variance"
	return verify.Claim{ID: id, Source: "law of total variance; " + ours,
		Text: "Var(r_t) = E[Var(r_t | τ_<t)] + Var(E[r_t | τ_<t]) for every step, hence V_full − Σ_t V_t = (1 − 1/k)(Σ_{s≠s'} Cov(r_s, r_s') + " +
			"Σ_t Var(E[r_t | τ_<t])), for every process.",
		Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
			return exactly(law{anyProcess, func(p *exact.Process) (bool, string) {
				a := p.Analyse()
				slack := new(big.Rat).Set(a.Covariance)
				for t := range a.Steps {
					if both := new(big.Rat).Add(a.Within[t], a.Between[t]); both.Cmp(a.Reward[t]) != 0 {
						return true, fmt.Sprintf("step %d: %s within and %s between prefixes, %s in all", t+1, a.Within[t].RatString(), a.Between[t].RatString(), a.Reward[t].RatString())
					}
					slack.Add(slack, a.Between[t])
				}
				got := new(big.Rat).Sub(a.Full(groupSize), truncated(a, groupSize))
				if want := exact.Centred(groupSize, slack); got.Cmp(want) != 0 {
					return true, fmt.Sprintf("V_full exceeds Σ V_t by %s, expected %s", got.RatString(), want.RatString())
				}
				return true, ""
			}}.try(ctx, id, effort))
		}}
}

// exactly words the evidence of an identity.
func exactly(evidence verify.Evidence, err error) (verify.Evidence, error) {
	if evidence.Status == verify.Holds {
		evidence.Worst = "equal"
	}
	return evidence, err
}

// truncated is Σ_t V_t.
func truncated(a *exact.Analysis, k int) *big.Rat { return exact.Centred(k, exact.Sum(a.Within)) }

func martingale() verify.Claim {
	const id = "bound/martingale"
	return verify.Claim{ID: id, Source: "martingale differences; " + ours,
		Text: "Var(G) = Σ_t E[Var(Q(τ_<t, a_t) | τ_<t)] + Σ_t E[Var(V(τ_<t+1) | τ_<t, a_t)]: what each choice of the policy and each " +
			"search adds to the variance of the return.",
		Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
			return exactly(law{anyProcess, func(p *exact.Process) (bool, string) {
				a := p.Analyse()
				parts := new(big.Rat).Add(exact.Sum(a.Policy), exact.Sum(a.Search))
				if parts.Cmp(a.Return) != 0 {
					return true, fmt.Sprintf("the parts add up to %s, Var(G) is %s", parts.RatString(), a.Return.RatString())
				}
				return true, ""
			}}.try(ctx, id, effort))
		}}
}

func policyGradient(e Estimators) verify.Claim {
	const id = "bound/whole-trajectories-estimate-Q-minus-V"
	return verify.Claim{ID: id, Source: "policy gradient theorem (Sutton et al., 2000); " + ours,
		Text: "Mean-centred whole trajectories are unbiased up to (1 − 1/k): given prefix and action, and centred over the actions, the expected " +
			"advantage is (1 − 1/k)(Q(τ_<t, a) − V(τ_<t)), for the full return and for the reward to go.",
		Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
			return exactly(law{tiny, func(p *exact.Process) (bool, string) { return true, e.unbiased(p) }}.try(ctx, id, effort))
		}}
}

// unbiased lists all pairs of trajectories and compares the first one's advantages with Q − V.
func (e Estimators) unbiased(p *exact.Process) string {
	trajectories, steps := p.Trajectories(), p.Steps()
	probabilities, rewards := padded(trajectories, steps)
	full, togo := newLedger(len(trajectories), steps), newLedger(len(trajectories), steps)
	full.whole = exact.Groups(probabilities, 2, func(mass *big.Int, group []int) {
		rows := [][]float64{rewards[group[0]], rewards[group[1]]}
		full.add(group[0], mass, e.Full(rows, grpo.MeanOnly)[0])
		togo.add(group[0], mass, e.RewardToGo(rows, grpo.MeanOnly)[0])
	})
	togo.whole = full.whole
	points := p.Points()
	var visit func(n *exact.Node, step int, through []int) string
	visit = func(n *exact.Node, step int, through []int) string {
		point := points[0]
		points = points[1:]
		for name, l := range map[string]*ledger{"full trajectories": full, "reward to go": togo} {
			if wrong := l.against(&point, step, through, trajectories); wrong != "" {
				return name + ": " + wrong
			}
		}
		for i := range n.Actions {
			for d := range n.Actions[i].Documents {
				var rest []int
				for _, j := range through {
					if trajectories[j].Actions[step] == i && trajectories[j].Documents[step] == d {
						rest = append(rest, j)
					}
				}
				if wrong := visit(n.Actions[i].Documents[d].Next, step+1, rest); wrong != "" {
					return wrong
				}
			}
		}
		return ""
	}
	all := make([]int, len(trajectories))
	for i := range all {
		all[i] = i
	}
	return visit(p.Root, 0, all)
}

// against compares the expected advantages of a decision point's actions, centred, with (1 − 1/2)(Q − V). through are the
// trajectories that come by.
func (l *ledger) against(point *exact.Point, step int, through []int, trajectories []exact.Trajectory) string {
	actions := point.Node.Actions
	expected, p := make([]*big.Rat, len(actions)), make([]*big.Rat, len(actions))
	for i := range expected {
		expected[i], p[i] = new(big.Rat), actions[i].P
	}
	for _, j := range through {
		i := trajectories[j].Actions[step]
		first, _ := l.moments(j, step)
		expected[i].Add(expected[i], first)
	}
	for i := range expected {
		expected[i].Quo(expected[i], new(big.Rat).Mul(point.Reach, p[i]))
	}
	mean, _ := exact.Moments(p, expected)
	for i := range expected {
		got := expected[i].Sub(expected[i], mean)
		if want := exact.Centred(2, new(big.Rat).Sub(point.Q[i], point.V)); got.Cmp(want) != 0 {
			return fmt.Sprintf("step %d, action %d: %s, expected %s", step+1, i, got.RatString(), want.RatString())
		}
	}
	return ""
}
