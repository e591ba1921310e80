package mixture

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"searchrl/verify/exact"
)

// simple returns the first case with a simple refiner of which shows says something, nil if there is none. Such a refiner has one
// cut for each draft and accepts the draft always, never, or every other time; the cut of a draft that is always accepted is
// never made, but A_prec and S_trim count it. The earlier drafts are the last to move away from being cut at the question.
func simple(p *exact.Process, shows func(c *Case) string) *Case {
	c := &Case{Drafts: drafts(p)}
	choice := make([]int, len(c.Drafts)) // of each draft: 3c + 2α
	for i := range c.Drafts {
		c.Accept, c.Cut = append(c.Accept, nil), append(c.Cut, nil)
		c.choose(i, 0)
	}
	for {
		if shows(c) != "" {
			return c
		}
		i := len(choice) - 1
		for ; i >= 0 && choice[i] == 3*c.Drafts[i].Steps()-1; i-- {
			choice[i] = 0
			c.choose(i, 0)
		}
		if i < 0 {
			return nil
		}
		choice[i]++
		c.choose(i, choice[i])
	}
}

// choose sets what a simple refiner does with draft i.
func (c *Case) choose(i, choice int) {
	c.Accept[i] = big.NewRat(int64(choice%3), 2)
	c.Cut[i] = make([]*big.Rat, c.Drafts[i].Steps())
	for k := range c.Cut[i] {
		c.Cut[i][k] = new(big.Rat)
	}
	c.Cut[i][choice/3].SetInt64(1)
}

// smallest returns the simplest process of outcomes, and the first simple refiner of it, that shows something; nil if none does.
// tried counts the processes.
func smallest(shows func(c *Case) string) (p *exact.Process, c *Case, tried int) {
	for i, p := range outcomes() {
		if c := simple(p, shows); c != nil {
			return p, c, i + 1
		}
	}
	return nil, nil, len(outcomes())
}

// outcomes lists processes that ask a question with two possible first steps, an answer or a search that leads to one or two
// answers; a right answer is worth 1, all else 0, and each step is as likely as the other. Fewer trajectories come first, then
// fewer searches.
func outcomes() []*exact.Process {
	answer := func(right int, p int64) exact.Action {
		return exact.Action{P: big.NewRat(1, p), Reward: big.NewRat(int64(right), 1)}
	}
	search := func(rights ...int) exact.Action {
		n := &exact.Node{}
		for _, right := range rights {
			n.Actions = append(n.Actions, answer(right, int64(len(rights))))
		}
		return exact.Action{P: big.NewRat(1, 2), Reward: new(big.Rat), Documents: []exact.Document{{P: big.NewRat(1, 1), Next: n}}}
	}
	first := []exact.Action{answer(0, 2), answer(1, 2), search(0), search(1), search(0, 0), search(0, 1), search(1, 1)}
	var out []*exact.Process
	for i, a := range first {
		for _, b := range first[i:] {
			out = append(out, &exact.Process{Root: &exact.Node{Actions: []exact.Action{a, b}}})
		}
	}
	size := func(p *exact.Process) (trajectories, searches int) {
		for _, a := range p.Root.Actions {
			if a.Ends() {
				trajectories++
				continue
			}
			searches++
			trajectories += len(a.Documents[0].Next.Actions)
		}
		return trajectories, searches
	}
	slices.SortStableFunc(out, func(a, b *exact.Process) int {
		at, as := size(a)
		bt, bs := size(b)
		return cmp.Or(cmp.Compare(at, bt), cmp.Compare(as, bs))
	})
	return out
}

// explain tells what a simple refiner does with each draft, and how the terms come about.
func (c *Case) explain() string {
	var out strings.Builder
	values := c.values()
	for i := range c.Drafts {
		d := &c.Drafts[i]
		kept := slices.IndexFunc(c.Cut[i], func(h *big.Rat) bool { return h.Sign() > 0 })
		v := values[d.prefix(kept)]
		fmt.Fprintf(&out, "draft %d: R = %s, α = %s; a cut keeps %d: V = %s, G = %s\n", i+1, d.R.RatString(), c.Accept[i].RatString(),
			kept, v.RatString(), sub(v, d.R).RatString())
	}
	t := Decompose(c)
	fmt.Fprintf(&out, "ΔJ = A_prec + V_inter·S_trim = %s + %s·%s = %s\n", t.Accepting.RatString(), t.Revising.RatString(),
		bracketed(t.Trimming), t.Gain().RatString())
	return out.String()
}

// bracketed writes a factor.
func bracketed(x *big.Rat) string {
	if x.Sign() < 0 {
		return "(" + x.RatString() + ")"
	}
	return x.RatString()
}
