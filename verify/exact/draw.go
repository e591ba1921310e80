package exact

import (
	"math/big"
	"math/rand/v2"
)

// Draws gives the integers that a process is made from. Int returns one in [min, max]; the smaller, the simpler the process,
// so that a property-testing library that shrinks its draws shrinks the process. Label says what is drawn.
type Draws interface {
	Int(label string, min, max int) int
}

// Random draws from rng.
func Random(rng *rand.Rand) Draws { return random{rng} }

type random struct{ rng *rand.Rand }

func (r random) Int(_ string, min, max int) int { return min + r.rng.IntN(max-min+1) }

// Shape bounds the processes that [Draw] makes.
type Shape struct {
	Steps     int // T at most, in [1, MaxSteps]
	Actions   int // actions a decision point at most, in [1, MaxActions]
	Documents int // documents a search at most; 1 is a deterministic search
	Nodes     int // decision points at most, Steps at least
	// SameLength makes every trajectory T steps long; otherwise actions before the last step may end it.
	SameLength bool
	// Whole makes rewards whole numbers in [−2, 2]; otherwise they are multiples of 1/2 there. Both are exact in float64.
	Whole bool
}

// Draw makes a process of at most the given shape. Probabilities are small whole weights over their sum.
func Draw(from Draws, s Shape) *Process {
	steps := from.Int("steps", 1, s.Steps)
	return &Process{Root: s.node(from, steps, s.Nodes)}
}

// node draws a decision point with left steps to go, its own included, and at most budget decision points below and with it
// (left, if that is more): every child gets an equal share, enough for one path at least.
func (s Shape) node(from Draws, left, budget int) *Node {
	least, children := 0, 0 // children each action must have, and all may have together
	actions := s.Actions
	if left > 1 {
		children = max(1, (budget-1)/(left-1))
	}
	if left > 1 && s.SameLength {
		least, actions = 1, min(actions, children)
	}
	n := &Node{Actions: make([]Action, from.Int("actions", 1, actions))}
	found, used := make([]int, len(n.Actions)), 0
	for i, p := range weights(from, len(n.Actions)) {
		n.Actions[i].P, n.Actions[i].Reward = p, s.reward(from)
		if left > 1 {
			room := children - used - least*(len(n.Actions)-1-i)
			found[i] = from.Int("documents", least, min(s.Documents, room))
			used += found[i]
		}
	}
	for i := range n.Actions {
		if found[i] == 0 {
			continue
		}
		for _, p := range weights(from, found[i]) {
			next := s.node(from, left-1, (budget-1)/used)
			n.Actions[i].Documents = append(n.Actions[i].Documents, Document{P: p, Next: next})
		}
	}
	return n
}

func (s Shape) reward(from Draws) *big.Rat {
	if s.Whole {
		return big.NewRat(int64(from.Int("reward", -2, 2)), 1)
	}
	return big.NewRat(int64(from.Int("reward", -4, 4)), 2)
}

// weights draws n probabilities.
func weights(from Draws, n int) []*big.Rat {
	w, total := make([]int64, n), int64(0)
	for i := range w {
		w[i] = 1
		if n > 1 {
			w[i] = int64(from.Int("weight", 1, 3))
		}
		total += w[i]
	}
	out := make([]*big.Rat, n)
	for i := range w {
		out[i] = big.NewRat(w[i], total)
	}
	return out
}

// Independent returns the process of T independent steps: whatever came before, step t draws its reward from laws[t−1]. With
// one law for all steps they are homogeneous, too.
func Independent(laws []Law) *Process {
	var next *Node
	for t := len(laws) - 1; t >= 0; t-- {
		n := &Node{}
		for i := range laws[t].P {
			a := Action{P: laws[t].P[i], Reward: laws[t].Reward[i]}
			if next != nil {
				a.Documents = []Document{{P: one, Next: next}}
			}
			n.Actions = append(n.Actions, a)
		}
		next = n
	}
	return &Process{Root: next}
}

// Law is a distribution of rewards: Reward[i] has probability P[i].
type Law struct{ P, Reward []*big.Rat }

// DrawLaw draws a law of at most the given number of rewards.
func DrawLaw(from Draws, s Shape) Law {
	p := weights(from, from.Int("actions", 1, s.Actions))
	law := Law{P: p}
	for range p {
		law.Reward = append(law.Reward, s.reward(from))
	}
	return law
}

// Markov returns the process of T steps with rewards ±1, each with probability 1/2, in which each step repeats the reward of
// the one before with probability (1+ρ)/2, ρ in [−1, 1]: Var(r_t) = 1 and Cov(r_s, r_t) = ρ^|s−t|.
func Markov(steps int, rho *big.Rat) *Process {
	repeat := new(big.Rat).Quo(new(big.Rat).Add(one, rho), big.NewRat(2, 1))
	change := new(big.Rat).Sub(one, repeat)
	var after func(left int, up, down *big.Rat) *Node
	after = func(left int, up, down *big.Rat) *Node {
		n := &Node{}
		for i, p := range []*big.Rat{up, down} {
			if p.Sign() == 0 {
				continue
			}
			a := Action{P: p, Reward: big.NewRat(int64(1-2*i), 1)}
			if left > 1 {
				next := after(left-1, repeat, change)
				if i == 1 {
					next = after(left-1, change, repeat)
				}
				a.Documents = []Document{{P: one, Next: next}}
			}
			n.Actions = append(n.Actions, a)
		}
		return n
	}
	half := big.NewRat(1, 2)
	return &Process{Root: after(steps, half, half)}
}
