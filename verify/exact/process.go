package exact

import (
	"errors"
	"fmt"
	"math/big"
)

// Limits of a process: what can be enumerated while one waits.
const (
	MaxSteps   = 5
	MaxActions = 4
)

// Process is a tree-shaped decision process. It must not be changed while it is in use; equal parts may be shared.
type Process struct {
	// Root is the first decision point, τ_<1: the question.
	Root *Node
}

// Node is a decision point: a prefix τ_<t.
type Node struct {
	// Actions are what the policy may do, at least one.
	Actions []Action
}

// Action is one way to take a step.
type Action struct {
	// P is π(a|τ_<t) > 0; a node's add up to one.
	P *big.Rat
	// Reward is r_t.
	Reward *big.Rat
	// Documents are what a search may bring; nil if the action ends the trajectory.
	Documents []Document
}

// Document is one outcome of a search.
type Document struct {
	// P is its probability > 0 given prefix and action; an action's add up to one.
	P *big.Rat
	// Next is the decision point that it leads to.
	Next *Node
}

// Ends reports whether the action ends the trajectory: an answer.
func (a *Action) Ends() bool { return len(a.Documents) == 0 }

// Validate reports the first thing that makes p no process: a node without actions, probabilities that are not positive or
// do not add up to one, or more steps or actions than the limits allow. Judge noise may double the actions.
func (p *Process) Validate() error {
	if p == nil || p.Root == nil {
		return errors.New("process: no root")
	}
	return p.Root.validate(1)
}

func (n *Node) validate(step int) error {
	switch {
	case step > MaxSteps:
		return fmt.Errorf("process: step %d, expected at most %d", step, MaxSteps)
	case n == nil || len(n.Actions) == 0:
		return fmt.Errorf("process: a decision point of step %d has no action", step)
	case len(n.Actions) > 2*MaxActions:
		return fmt.Errorf("process: %d actions at step %d, expected at most %d", len(n.Actions), step, MaxActions)
	}
	total := new(big.Rat)
	for i := range n.Actions {
		a := &n.Actions[i]
		if a.P == nil || a.P.Sign() <= 0 || a.Reward == nil {
			return fmt.Errorf("process: action %d of a decision point of step %d has probability %v and reward %v, expected a positive probability and a reward",
				i, step, a.P, a.Reward)
		}
		total.Add(total, a.P)
		if a.Ends() {
			continue
		}
		found := new(big.Rat)
		for d, doc := range a.Documents {
			if doc.P == nil || doc.P.Sign() <= 0 {
				return fmt.Errorf("process: document %d of action %d at step %d has probability %v, expected a positive one", d, i, step, doc.P)
			}
			found.Add(found, doc.P)
			if err := doc.Next.validate(step + 1); err != nil {
				return err
			}
		}
		if found.Cmp(one) != 0 {
			return fmt.Errorf("process: the documents of action %d at step %d have a total probability of %v", i, step, found)
		}
	}
	if total.Cmp(one) != 0 {
		return fmt.Errorf("process: the actions of a decision point of step %d have a total probability of %v", step, total)
	}
	return nil
}

// Steps returns T, the length of the longest trajectory.
func (p *Process) Steps() int { return p.Root.steps() }

func (n *Node) steps() int {
	longest := 0
	for _, a := range n.Actions {
		for _, d := range a.Documents {
			longest = max(longest, d.Next.steps())
		}
	}
	return longest + 1
}

// SameLength reports whether all trajectories have T steps.
func (p *Process) SameLength() bool { return p.Root.sameLength(p.Steps()) }

func (n *Node) sameLength(left int) bool {
	for _, a := range n.Actions {
		if a.Ends() != (left == 1) {
			return false
		}
		for _, d := range a.Documents {
			if !d.Next.sameLength(left - 1) {
				return false
			}
		}
	}
	return true
}

// Map returns a copy of the process in which every action went through change: a is the copy of action i of n, whose
// probability and reward it may set. step counts from 0.
func (p *Process) Map(change func(step int, n *Node, i int, a *Action)) *Process {
	return &Process{Root: p.Root.mapped(0, change)}
}

func (n *Node) mapped(step int, change func(int, *Node, int, *Action)) *Node {
	out := &Node{Actions: make([]Action, len(n.Actions))}
	for i, a := range n.Actions {
		a.P, a.Reward = new(big.Rat).Set(a.P), new(big.Rat).Set(a.Reward)
		docs := a.Documents
		a.Documents = nil
		for _, d := range docs {
			a.Documents = append(a.Documents, Document{P: new(big.Rat).Set(d.P), Next: d.Next.mapped(step+1, change)})
		}
		out.Actions[i] = a
	}
	for i := range out.Actions {
		change(step, n, i, &out.Actions[i])
	}
	return out
}

// WithJudgeNoise returns the process whose judge adds ±σ to each step reward, each sign with probability 1/2, independent of
// everything else: noise of variance σ² and mean 0. It doubles the actions (the judge's sign is part of the action), and a
// later step does not depend on the sign.
func (p *Process) WithJudgeNoise(sigma *big.Rat) *Process { return &Process{Root: p.Root.noisy(sigma)} }

func (n *Node) noisy(sigma *big.Rat) *Node {
	out := &Node{}
	for _, a := range n.Actions {
		var docs []Document
		for _, d := range a.Documents {
			docs = append(docs, Document{P: d.P, Next: d.Next.noisy(sigma)})
		}
		half := new(big.Rat).Quo(a.P, big.NewRat(2, 1))
		out.Actions = append(out.Actions,
			Action{P: half, Reward: new(big.Rat).Add(a.Reward, sigma), Documents: docs},
			Action{P: half, Reward: new(big.Rat).Sub(a.Reward, sigma), Documents: docs})
	}
	return out
}

var one = big.NewRat(1, 1)
