package exact

import "math/big"

// Trajectory is one complete path through a process.
type Trajectory struct {
	// P is its probability under the policy and the searcher.
	P *big.Rat
	// Actions are the indices of its actions, Documents those of the documents found, one for each action but the last.
	Actions, Documents []int
	// Rewards[t] is the reward of step t, from 0; as long as Actions.
	Rewards []*big.Rat
}

// Trajectories lists every trajectory, depth first.
func (p *Process) Trajectories() []Trajectory {
	var out []Trajectory
	var walk func(n *Node, so Trajectory)
	walk = func(n *Node, so Trajectory) {
		for i := range n.Actions {
			a := &n.Actions[i]
			next := Trajectory{P: new(big.Rat).Mul(so.P, a.P), Actions: append(clip(so.Actions), i), Documents: so.Documents,
				Rewards: append(clip(so.Rewards), a.Reward)}
			if a.Ends() {
				out = append(out, next)
			}
			for d, doc := range a.Documents {
				found := next
				found.P = new(big.Rat).Mul(next.P, doc.P)
				found.Documents = append(clip(next.Documents), d)
				walk(doc.Next, found)
			}
		}
	}
	walk(p.Root, Trajectory{P: one})
	return out
}

// clip makes the next append copy.
func clip[T any](s []T) []T { return s[:len(s):len(s)] }

// Floats are the step rewards as the estimators take them.
func (t *Trajectory) Floats() []float64 {
	out := make([]float64, len(t.Rewards))
	for i, r := range t.Rewards {
		out[i], _ = r.Float64()
	}
	return out
}

// ToGo is G_t = Σ_{s≥t} r_s for the step with index t, 0 if the trajectory has ended before; ToGo(0) is the return G.
func (t *Trajectory) ToGo(step int) *big.Rat {
	g := new(big.Rat)
	for s := step; s < len(t.Rewards); s++ {
		g.Add(g, t.Rewards[s])
	}
	return g
}

// Point is a decision point with all that the policy's advantage there is made of.
type Point struct {
	// Step is its index, from 0: the number of steps before.
	Step int
	// Reach is the probability that a trajectory comes by.
	Reach *big.Rat
	Node  *Node
	// Mean and Var are E[r_t | τ_<t] and Var(r_t | τ_<t).
	Mean, Var *big.Rat
	// V is V(τ_<t), Q[a] is Q(τ_<t, a).
	V *big.Rat
	Q []*big.Rat
	// Noise is E[Var(V(τ_<t+1) | τ_<t, a_t) | τ_<t]: what the retrieval adds.
	Noise *big.Rat
}

// Bias is what the truncated estimator's expectation lacks to be that of whole trajectories, for action a and before the
// common factor (1 − 1/k): (r − E[r_t | τ_<t]) − (Q − V). It is 0 where no action changes the expected rewards of later steps.
func (p *Point) Bias(a int) *big.Rat {
	now := new(big.Rat).Sub(p.Node.Actions[a].Reward, p.Mean)
	return now.Sub(now, new(big.Rat).Sub(p.Q[a], p.V))
}

// Points lists every decision point, depth first, so that a prefix comes before its continuations.
func (p *Process) Points() []Point {
	var out []Point
	var walk func(n *Node, step int, reach *big.Rat) *big.Rat
	walk = func(n *Node, step int, reach *big.Rat) *big.Rat {
		at := len(out)
		point := Point{Step: step, Reach: reach, Node: n, Q: make([]*big.Rat, len(n.Actions)), Noise: new(big.Rat)}
		out = append(out, point)
		rewards, probabilities := make([]*big.Rat, len(n.Actions)), make([]*big.Rat, len(n.Actions))
		for i := range n.Actions {
			a := &n.Actions[i]
			rewards[i], probabilities[i] = a.Reward, a.P
			point.Q[i] = a.Reward
			if a.Ends() {
				continue
			}
			values, ps := make([]*big.Rat, len(a.Documents)), make([]*big.Rat, len(a.Documents))
			taken := new(big.Rat).Mul(reach, a.P)
			for d, doc := range a.Documents {
				values[d], ps[d] = walk(doc.Next, step+1, new(big.Rat).Mul(taken, doc.P)), doc.P
			}
			mean, variance := Moments(ps, values)
			point.Q[i] = new(big.Rat).Add(a.Reward, mean)
			point.Noise.Add(point.Noise, variance.Mul(variance, a.P))
		}
		point.Mean, point.Var = Moments(probabilities, rewards)
		point.V, _ = Moments(probabilities, point.Q)
		out[at] = point
		return point.V
	}
	walk(p.Root, 0, one)
	return out
}
