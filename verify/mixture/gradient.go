package mixture

import (
	"fmt"
	"math/big"

	"searchrl/verify/exact"
)

// Gradient maps a logit, by name, to a derivative.
type Gradient map[string]*big.Rat

func (g Gradient) add(name string, x *big.Rat) {
	if g[name] == nil {
		g[name] = new(big.Rat)
	}
	g[name].Add(g[name], x)
}

// Equal reports whether two gradients agree in every logit.
func (g Gradient) Equal(other Gradient) bool { return g.differs(other) == "" }

// differs names the first logit in which they do not agree, "" if they do.
func (g Gradient) differs(other Gradient) string {
	zero := new(big.Rat)
	at := func(h Gradient, name string) *big.Rat {
		if h[name] == nil {
			return zero
		}
		return h[name]
	}
	first := ""
	for _, names := range []Gradient{g, other} {
		for name := range names {
			if at(g, name).Cmp(at(other, name)) != 0 && (first == "" || name < first) {
				first = name
			}
		}
	}
	if first == "" {
		return ""
	}
	return fmt.Sprintf("%s: %s and %s", first, at(g, first).RatString(), at(other, first).RatString())
}

// Rollout is everything that one augmented rollout sampled: the draft, the decision, and the suffix.
type Rollout struct {
	Draft, Final int
	Accepted     bool
	Kept         int // steps kept
}

// Weights says how often each factor's score counts. All factors once is REINFORCE on what was sampled.
type Weights struct{ Prefix, Discarded, Suffix, Decision int64 }

// What package refiner's options train.
var (
	All    = Weights{1, 1, 1, 1}
	Prefix = Weights{1, 0, 1, 1}
	None   = Weights{0, 0, 1, 1}
)

// Estimated is the expectation of the policy gradient estimate Σ w · ∇log p · R over all augmented rollouts.
func (c *Case) Estimated(weigh func(Rollout) Weights) Gradient {
	g, suffixes := Gradient{}, c.suffixes()
	for i := range c.Drafts {
		d := &c.Drafts[i]
		r := Rollout{Draft: i, Final: i, Accepted: true, Kept: d.Steps()}
		c.score(g, mul(d.P, c.Accept[i], d.R), r, weigh(r))
		for k, h := range c.Cut[i] {
			for _, s := range suffixes[d.prefix(k)] {
				r := Rollout{Draft: i, Final: s.draft, Kept: k}
				p := mul(d.P, rest(c.Accept[i]), h, s.p)
				c.score(g, mul(p, c.Drafts[s.draft].R), r, weigh(r))
			}
		}
	}
	return g
}

// score adds x times the weighted score of a rollout.
func (c *Case) score(g Gradient, x *big.Rat, r Rollout, w Weights) {
	if x.Sign() == 0 {
		return
	}
	times := func(n int64) *big.Rat { return mul(x, big.NewRat(n, 1)) }
	draft, final := &c.Drafts[r.Draft], &c.Drafts[r.Final]
	for t, n := range draft.Nodes {
		weight := w.Prefix
		if t >= r.Kept {
			weight = w.Discarded
		}
		softmaxScore(g, times(weight), c.nodeName(n), probabilities(n), draft.Actions[t])
	}
	if !r.Accepted {
		for t := r.Kept; t < final.Steps(); t++ {
			softmaxScore(g, times(w.Suffix), c.nodeName(final.Nodes[t]), probabilities(final.Nodes[t]), final.Actions[t])
		}
	}
	accept := []*big.Rat{c.Accept[r.Draft], rest(c.Accept[r.Draft])}
	choice := 1
	if r.Accepted {
		choice = 0
	} else {
		softmaxScore(g, times(w.Decision), fmt.Sprintf("cut %d", r.Draft), c.Cut[r.Draft], r.Kept)
	}
	softmaxScore(g, times(w.Decision), fmt.Sprintf("accept %d", r.Draft), accept, choice)
}

// softmaxScore adds x · ∇ log softmax(choice), which is e_choice − p in the logits.
func softmaxScore(g Gradient, x *big.Rat, table string, p []*big.Rat, choice int) {
	for a := range p {
		s := new(big.Rat).Neg(p[a])
		if a == choice {
			s.Add(s, big.NewRat(1, 1))
		}
		g.add(fmt.Sprintf("%s: %d", table, a), s.Mul(s, x))
	}
}

// nodeName names a decision point by the steps before it.
func (c *Case) nodeName(n *exact.Node) string {
	for i := range c.Drafts {
		for t, at := range c.Drafts[i].Nodes {
			if at == n {
				return "node after " + c.Drafts[i].prefix(t)
			}
		}
	}
	return "node"
}

func probabilities(n *exact.Node) []*big.Rat {
	p := make([]*big.Rat, len(n.Actions))
	for a := range p {
		p[a] = n.Actions[a].P
	}
	return p
}

// True is the derivative of J, the expected return of the final trajectory, by the logits, from J itself: in the entries of one
// table J is a polynomial of degree 2 at most (a decision point is passed by the draft and once more by the suffix), so that the
// central difference quotient is exact.
func (c *Case) True() Gradient {
	g := Gradient{}
	table := func(name string, p []*big.Rat, value func(p []*big.Rat) *big.Rat) {
		slopes := make([]*big.Rat, len(p))
		for b := range p {
			up, down := append([]*big.Rat(nil), p...), append([]*big.Rat(nil), p...)
			up[b], down[b] = add(p[b], big.NewRat(1, 1)), sub(p[b], big.NewRat(1, 1))
			slopes[b] = mul(sub(value(up), value(down)), big.NewRat(1, 2))
		}
		for a := range p {
			for b := range p {
				s := new(big.Rat).Neg(p[a])
				if a == b {
					s.Add(s, big.NewRat(1, 1))
				}
				g.add(fmt.Sprintf("%s: %d", name, a), mul(slopes[b], p[b], s))
			}
		}
	}
	seen := map[*exact.Node]bool{}
	for i := range c.Drafts {
		for _, n := range c.Drafts[i].Nodes {
			if !seen[n] {
				seen[n] = true
				table(c.nodeName(n), probabilities(n), func(p []*big.Rat) *big.Rat { return c.value(n, p, -1, nil, nil) })
			}
		}
		accept := []*big.Rat{c.Accept[i], rest(c.Accept[i])}
		table(fmt.Sprintf("accept %d", i), accept, func(p []*big.Rat) *big.Rat { return c.value(nil, nil, i, p, nil) })
		table(fmt.Sprintf("cut %d", i), c.Cut[i], func(p []*big.Rat) *big.Rat { return c.value(nil, nil, i, nil, p) })
	}
	return g
}

// value is J with one table exchanged for entries that need not add up to one: that of node n, or the acceptance or the cuts of
// draft i.
func (c *Case) value(n *exact.Node, p []*big.Rat, i int, accept, cut []*big.Rat) *big.Rat {
	chance := func(d *Draft, from int) *big.Rat {
		out := big.NewRat(1, 1)
		for t := from; t < d.Steps(); t++ {
			a := &d.Nodes[t].Actions[d.Actions[t]]
			prob := a.P
			if d.Nodes[t] == n {
				prob = p[d.Actions[t]]
			}
			out.Mul(out, prob)
			if !a.Ends() {
				out.Mul(out, a.Documents[d.Documents[t]].P)
			}
		}
		return out
	}
	suffixes := c.suffixes()
	j := new(big.Rat)
	for k := range c.Drafts {
		d := &c.Drafts[k]
		yes, no, cuts := c.Accept[k], rest(c.Accept[k]), c.Cut[k]
		if k == i && accept != nil {
			yes, no = accept[0], accept[1]
		}
		if k == i && cut != nil {
			cuts = cut
		}
		worth := mul(yes, d.R)
		for kept, h := range cuts {
			sum := new(big.Rat)
			for _, s := range suffixes[d.prefix(kept)] {
				final := &c.Drafts[s.draft]
				sum.Add(sum, mul(chance(final, kept), final.R))
			}
			worth.Add(worth, mul(no, h, sum))
		}
		j.Add(j, mul(chance(d, 0), worth))
	}
	return j
}
