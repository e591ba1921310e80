package critic

import (
	"fmt"
	"math/big"
	"math/rand/v2"

	"searchrl/verify"
	"searchrl/verify/exact"
)

// shape bounds the processes whose gradients are enumerated.
var shape = exact.Shape{Steps: 4, Actions: 3, Documents: 2, Nodes: 10}

// gradient is E[Σ_t A_t ∂ log π(a_t|τ_<t)/∂θ] for a softmax of one logit θ for each action of each decision point, by
// enumeration of the trajectories, with the kernel's advantages of the critic v. One token stands for a step.
func gradient(k Kernels, p *exact.Process, v map[*exact.Node]float64, gamma, lambda float64) (map[*exact.Node][]*big.Rat, error) {
	out := map[*exact.Node][]*big.Rat{}
	for _, point := range p.Points() {
		out[point.Node] = zeros(len(point.Node.Actions))
	}
	for _, trajectory := range p.Trajectories() {
		var nodes []*exact.Node
		var values []float64
		for t, node := 0, p.Root; ; t++ {
			nodes, values = append(nodes, node), append(values, v[node])
			if t == len(trajectory.Documents) {
				break
			}
			node = node.Actions[trajectory.Actions[t]].Documents[trajectory.Documents[t]].Next
		}
		advantages := k.Advantages(trajectory.Floats(), values, gamma, lambda)
		if len(advantages) != len(nodes) {
			return nil, fmt.Errorf("%d advantages for %d steps", len(advantages), len(nodes))
		}
		for t, node := range nodes {
			a := new(big.Rat)
			if a.SetFloat64(advantages[t]) == nil {
				return nil, fmt.Errorf("the advantage %v is not finite", advantages[t])
			}
			a.Mul(a, trajectory.P)
			for b := range node.Actions {
				// ∂ log π(a|n)/∂θ_b = 1{a = b} − π(b|n)
				score := new(big.Rat).Neg(node.Actions[b].P)
				if b == trajectory.Actions[t] {
					score.Add(score, big.NewRat(1, 1))
				}
				out[node][b].Add(out[node][b], score.Mul(score, a))
			}
		}
	}
	return out, nil
}

func zeros(n int) []*big.Rat {
	out := make([]*big.Rat, n)
	for i := range out {
		out[i] = new(big.Rat)
	}
	return out
}

// bias is the largest difference of a gradient from that of the expected return, reach(n)·π(b|n)·(Q(n,b) − V(n)), which is
// taken from the process' own values, not from trajectories.
func bias(p *exact.Process, g map[*exact.Node][]*big.Rat) *big.Rat {
	worst := new(big.Rat)
	for _, point := range p.Points() {
		for b := range point.Node.Actions {
			want := new(big.Rat).Sub(point.Q[b], point.V)
			want.Mul(want, point.Reach)
			want.Mul(want, point.Node.Actions[b].P)
			off := want.Sub(g[point.Node][b], want)
			if off.Abs(off).Cmp(worst) > 0 {
				worst = off
			}
		}
	}
	return worst
}

// quarters draws a critic: whatever a multiple of 1/4 says of each decision point.
func quarters(rng *rand.Rand, p *exact.Process) map[*exact.Node]float64 {
	v := map[*exact.Node]float64{}
	for _, point := range p.Points() {
		v[point.Node] = float64(rng.IntN(17)-8) / 4
	}
	return v
}

var unbiased = Check{
	ID: "critic/any-critic-unbiased",
	Text: "With γ = λ = 1 the expected policy gradient is that of the expected return, exactly, whatever the critic says; with the " +
		"true values as critic it is so for every λ (there within rounding).",
	Source: "Schulman et al. (2016), §3; Sutton et al. (2000)",
	Layer:  verify.Exact, Status: verify.Holds, Cases: 400,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		p := exact.Draw(exact.Random(rng), shape)
		g, err := gradient(k, p, quarters(rng, p), 1, 1)
		if err != nil {
			return err
		}
		if off := bias(p, g); off.Sign() != 0 {
			t.require(false, "the gradient is off by %v on %v", off, p)
			return nil
		}
		truth := map[*exact.Node]float64{}
		for _, point := range p.Points() {
			truth[point.Node], _ = point.V.Float64()
		}
		lambda := rng.Float64()
		if g, err = gradient(k, p, truth, 1, lambda); err != nil {
			return err
		}
		off, _ := bias(p, g).Float64()
		t.near(off, 0, 8, fmt.Sprintf("the bias with the true values and λ = %.2f", lambda))
		return nil
	},
}

var biased = Check{
	ID: "critic/lambda-below-one-biased",
	Text: "With λ < 1 a wrong critic biases the policy gradient. Two steps, the first decides between rewards of 1 and 0 at the second; a " +
		"critic that swaps the two makes the gradient point the wrong way for λ = 0, and vanish for λ = 1/2.",
	Source: "Schulman et al. (2016), §3",
	Layer:  verify.Exact, Status: verify.Limit, Cases: 1,
	test: func(k Kernels, _ *rand.Rand, t *tally) error {
		p, v := fork()
		for _, c := range []struct {
			lambda float64
			want   *big.Rat
		}{{1, big.NewRat(1, 4)}, {.5, new(big.Rat)}, {0, big.NewRat(-1, 4)}} {
			g, err := gradient(k, p, v, 1, c.lambda)
			if err != nil {
				return err
			}
			t.require(g[p.Root][0].Cmp(c.want) == 0, "for λ = %v the gradient of the better action's logit is %v, expected %v", c.lambda, g[p.Root][0], c.want)
		}
		t.note = "λ = 1: +1/4 (right), λ = 1/2: 0, λ = 0: −1/4"
		return nil
	},
}

// fork is the process of two steps in which the first action leads to a reward of 1 and the second to 0, with equal
// probability, and a critic that believes the opposite.
func fork() (*exact.Process, map[*exact.Node]float64) {
	end := func(reward int64) *exact.Node {
		return &exact.Node{Actions: []exact.Action{{P: big.NewRat(1, 1), Reward: big.NewRat(reward, 1)}}}
	}
	good, bad := end(1), end(0)
	to := func(next *exact.Node) exact.Action {
		return exact.Action{P: big.NewRat(1, 2), Reward: new(big.Rat), Documents: []exact.Document{{P: big.NewRat(1, 1), Next: next}}}
	}
	root := &exact.Node{Actions: []exact.Action{to(good), to(bad)}}
	return &exact.Process{Root: root}, map[*exact.Node]float64{root: .5, good: 0, bad: 1}
}
