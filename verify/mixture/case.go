package mixture

import (
	"fmt"
	"math/big"

	"searchrl/verify/exact"
)

// Draft is one trajectory of a process with the decision points that it goes through.
type Draft struct {
	exact.Trajectory
	Nodes []*exact.Node // of each step
	R     *big.Rat      // its return
}

// Steps returns n, the number of steps.
func (d *Draft) Steps() int { return len(d.Actions) }

// prefix names the first c steps with their documents, c < n.
func (d *Draft) prefix(c int) string { return fmt.Sprint(d.Actions[:c], d.Documents[:c]) }

// Case is a process and a refiner of its trajectories.
type Case struct {
	Drafts []Draft
	Accept []*big.Rat   // α(ŷ) of each draft
	Cut    [][]*big.Rat // π_h(c|ŷ), c = 0 … n−1
}

// Refiner is a kind of refiner that a case is drawn with.
type Refiner int

const (
	Any             Refiner = iota
	ConstantTrimmer         // π_h does not depend on the draft; all drafts need the same length
	ConstantAccept          // α does not depend on the draft
	Constant                // neither does
)

// DrawCase draws a refiner for a process.
func DrawCase(from exact.Draws, p *exact.Process, kind Refiner) *Case {
	c := &Case{Drafts: drafts(p)}
	for i := range c.Drafts {
		n := c.Drafts[i].Steps()
		alpha, cut := big.NewRat(int64(from.Int("alpha", 0, 4)), 4), weights(from, n)
		if i > 0 && (kind == ConstantAccept || kind == Constant) {
			alpha = c.Accept[0]
		}
		if i > 0 && (kind == ConstantTrimmer || kind == Constant) {
			cut = c.Cut[0]
		}
		c.Accept, c.Cut = append(c.Accept, alpha), append(c.Cut, cut)
	}
	return c
}

// drafts lists the trajectories of a process.
func drafts(p *exact.Process) []Draft {
	var out []Draft
	var walk func(n *exact.Node, so Draft)
	walk = func(n *exact.Node, so Draft) {
		for i := range n.Actions {
			a := &n.Actions[i]
			d := Draft{Nodes: append(clip(so.Nodes), n), R: new(big.Rat).Add(so.R, a.Reward)}
			d.P = new(big.Rat).Mul(so.P, a.P)
			d.Actions, d.Documents = append(clip(so.Actions), i), so.Documents
			if a.Ends() {
				out = append(out, d)
			}
			for k, doc := range a.Documents {
				next := d
				next.P = new(big.Rat).Mul(d.P, doc.P)
				next.Documents = append(clip(d.Documents), k)
				walk(doc.Next, next)
			}
		}
	}
	start := Draft{R: new(big.Rat)}
	start.P = big.NewRat(1, 1)
	walk(p.Root, start)
	return out
}

// weights draws n probabilities that add up to one.
func weights(from exact.Draws, n int) []*big.Rat {
	whole, total := make([]int, n), 0
	for i := range whole {
		whole[i] = from.Int("weight", 0, 3)
		total += whole[i]
	}
	if total == 0 {
		whole[0], total = 1, 1
	}
	out := make([]*big.Rat, n)
	for i, w := range whole {
		out[i] = big.NewRat(int64(w), int64(total))
	}
	return out
}

// clip makes the next append copy.
func clip[T any](s []T) []T { return s[:len(s):len(s)] }

// suffixes lists for each draft and cut the trajectories that share the kept prefix, with the probability of each given it.
func (c *Case) suffixes() map[string][]suffix {
	mass := map[string]*big.Rat{}
	out := map[string][]suffix{}
	for i := range c.Drafts {
		d := &c.Drafts[i]
		for k := range d.Steps() {
			key := d.prefix(k)
			if mass[key] == nil {
				mass[key] = new(big.Rat)
			}
			mass[key].Add(mass[key], d.P)
			out[key] = append(out[key], suffix{i, d.P})
		}
	}
	for key, list := range out {
		for j := range list {
			list[j].p = new(big.Rat).Quo(list[j].p, mass[key])
		}
	}
	return out
}

// suffix is a trajectory that a kept prefix can become.
type suffix struct {
	draft int
	p     *big.Rat
}

// values returns V of each kept prefix.
func (c *Case) values() map[string]*big.Rat {
	out := map[string]*big.Rat{}
	for key, list := range c.suffixes() {
		v := new(big.Rat)
		for _, s := range list {
			v.Add(v, mul(s.p, c.Drafts[s.draft].R))
		}
		out[key] = v
	}
	return out
}

func mul(xs ...*big.Rat) *big.Rat {
	out := big.NewRat(1, 1)
	for _, x := range xs {
		out.Mul(out, x)
	}
	return out
}

func sub(a, b *big.Rat) *big.Rat { return new(big.Rat).Sub(a, b) }
func add(a, b *big.Rat) *big.Rat { return new(big.Rat).Add(a, b) }

func rest(a *big.Rat) *big.Rat { return sub(big.NewRat(1, 1), a) }
