package exact

import (
	"math/big"
	"slices"
)

// Shrink makes a process with some property as small as it can: fewer decision points, then fewer actions and documents,
// then simpler probabilities, then rewards nearer to 0, and of two mirror images the one with positive and rising rewards.
// has must hold for p. Shrink takes any change that makes the process simpler and keeps the property, or a change that cuts
// something off followed by another one, until there is none. The result is a local minimum, which for a simple property
// does not depend on where the search began.
func Shrink(p *Process, has func(*Process) bool) *Process {
	for {
		next := simpler(complexity(p), changes(p), has)
		for _, less := range cuts(p) {
			if next != nil {
				break
			}
			if less.Validate() == nil {
				next = simpler(complexity(p), changes(less), has)
			}
		}
		if next == nil {
			return p
		}
		p = next
	}
}

// simpler returns the first candidate of less complexity that has the property.
func simpler(than []int64, candidates []*Process, has func(*Process) bool) *Process {
	for _, c := range candidates {
		if c.Validate() == nil && slices.Compare(complexity(c), than) < 0 && has(c) {
			return c
		}
	}
	return nil
}

// complexity orders processes, the most important part first.
func complexity(p *Process) []int64 {
	c := make([]int64, 6)
	for _, n := range nodes(p.Root) {
		c[0]++
		c[1] += int64(len(n.Actions))
		for i, a := range n.Actions {
			c[2] += int64(len(a.Documents))
			c[3] += a.P.Denom().Int64() - 1
			for _, d := range a.Documents {
				c[3] += d.P.Denom().Int64() - 1
			}
			c[4] += 4*new(big.Int).Abs(a.Reward.Num()).Int64() + 8*(a.Reward.Denom().Int64()-1)
			if a.Reward.Sign() < 0 {
				c[4]++
			}
			if i > 0 && a.Reward.Cmp(n.Actions[i-1].Reward) < 0 {
				c[5]++
			}
		}
	}
	return c
}

// nodes lists decision points, depth first.
func nodes(n *Node) []*Node {
	out := []*Node{n}
	for _, a := range n.Actions {
		for _, d := range a.Documents {
			out = append(out, nodes(d.Next)...)
		}
	}
	return out
}

// edits returns a function that adds to out what change makes of a copy of p at its decision point i.
func edits(p *Process, out *[]*Process) func(i int, change func(n *Node)) {
	return func(i int, change func(n *Node)) {
		c := p.Map(func(int, *Node, int, *Action) {})
		change(nodes(c.Root)[i])
		*out = append(*out, c)
	}
}

// cuts lists what is left of p when something is cut off. Some are no process.
func cuts(p *Process) []*Process {
	var out []*Process
	at := edits(p, &out)
	for step := 1; step < p.Steps(); step++ {
		out = append(out, &Process{Root: p.Root.without(step)})
	}
	for i, n := range nodes(p.Root) {
		if i > 0 {
			out = append(out, &Process{Root: n})
		}
		for a := range n.Actions {
			at(i, func(n *Node) {
				rest := new(big.Rat).Sub(one, n.Actions[a].P)
				n.Actions = slices.Delete(n.Actions, a, a+1)
				for j := range n.Actions {
					n.Actions[j].P.Quo(n.Actions[j].P, rest)
				}
			})
			at(i, func(n *Node) { n.Actions[a].Documents = nil })
			for d := range n.Actions[a].Documents {
				at(i, func(n *Node) {
					docs := n.Actions[a].Documents
					rest := new(big.Rat).Sub(one, docs[d].P)
					docs = slices.Delete(docs, d, d+1)
					for j := range docs {
						docs[j].P.Quo(docs[j].P, rest)
					}
					n.Actions[a].Documents = docs
				})
			}
		}
	}
	return out
}

// changes lists what one change makes of p. Some are not simpler, and some are no process.
func changes(p *Process) []*Process {
	out := cuts(p)
	at := edits(p, &out)
	for i, n := range nodes(p.Root) {
		for a := range n.Actions {
			at(i, func(n *Node) {
				for j := range n.Actions[a].Documents {
					n.Actions[a].Documents[j].P.SetFrac64(1, int64(len(n.Actions[a].Documents)))
				}
			})
			for _, by := range steps {
				at(i, func(n *Node) { n.Actions[a].Reward.Add(n.Actions[a].Reward, by) })
			}
			at(i, func(n *Node) { n.Actions[a].Reward.SetInt64(0) })
			if a > 0 {
				at(i, func(n *Node) { n.Actions[a-1], n.Actions[a] = n.Actions[a], n.Actions[a-1] })
			}
		}
		at(i, func(n *Node) {
			for j := range n.Actions {
				n.Actions[j].P.SetFrac64(1, int64(len(n.Actions)))
			}
		})
		for _, by := range steps {
			at(i, func(n *Node) {
				for j := range n.Actions {
					n.Actions[j].Reward.Add(n.Actions[j].Reward, by)
				}
			})
		}
	}
	// Changes of all rewards, or of those of one step.
	every := func(step int, change func(r *big.Rat)) {
		out = append(out, p.Map(func(at int, _ *Node, _ int, a *Action) {
			if step < 0 || at == step {
				change(a.Reward)
			}
		}))
	}
	for step := -1; step < p.Steps(); step++ {
		for _, by := range steps {
			every(step, func(r *big.Rat) { r.Add(r, by) })
		}
		every(step, func(r *big.Rat) { r.Neg(r) })
		every(step, func(r *big.Rat) { r.Quo(r, big.NewRat(2, 1)) })
		every(step, func(r *big.Rat) { r.Add(r, r) })
	}
	return out
}

// steps by which rewards are moved, the widest first.
var steps = []*big.Rat{big.NewRat(-2, 1), big.NewRat(2, 1), big.NewRat(-1, 1), one, big.NewRat(-1, 2), big.NewRat(1, 2)}

// without leaves out the step that is left steps ahead, at all its decision points: what follows it is what would have
// followed its first action and document that anything follows.
func (n *Node) without(left int) *Node {
	out := &Node{}
	for _, a := range n.Actions {
		docs := a.Documents
		a.P, a.Reward, a.Documents = new(big.Rat).Set(a.P), new(big.Rat).Set(a.Reward), nil
		for _, d := range docs {
			next := d.Next
			if left > 1 {
				next = next.without(left - 1)
			} else if next = next.first(); next == nil {
				a.Documents = nil
				break
			}
			a.Documents = append(a.Documents, Document{P: new(big.Rat).Set(d.P), Next: next})
		}
		out.Actions = append(out.Actions, a)
	}
	return out
}

// first returns the first decision point that follows n, nil if none does.
func (n *Node) first() *Node {
	for _, a := range n.Actions {
		if !a.Ends() {
			return a.Documents[0].Next
		}
	}
	return nil
}
