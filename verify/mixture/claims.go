package mixture

import (
	"context"
	"fmt"
	"math/big"

	"searchrl/refiner"
	"searchrl/verify"
	"searchrl/verify/exact"
)

// Cases that a claim about all cases is tried on. Gradients take a hundred times as long.
const (
	Short         = 300
	Long          = 20_000
	ShortGradient = 30
	LongGradient  = 1_000
)

// lost bounds the probability that none of Short cases shows a limit: the rarest one shows in about one case of twelve.
const lost = 5e-12

// Kernels are the functions that the claims are about.
type Kernels struct {
	Law       func(c *Case) []*big.Rat
	Decompose func(c *Case) Terms
	Estimated func(c *Case, w Weights) Gradient
	Estimate  func(revisions []refiner.Revision) refiner.Terms
	Hybrid    func(em float64, useful []float64) float64
}

// Real returns the functions as they are: those of this package, and the two that train.
func Real() Kernels {
	return Kernels{Law: Law, Decompose: Decompose,
		Estimated: func(c *Case, w Weights) Gradient { return c.Estimated(func(Rollout) Weights { return w }) },
		Estimate:  refiner.Estimate, Hybrid: refiner.Hybrid}
}

// law is a statement about every case of a kind.
type law struct {
	id, text, source string
	layer            verify.Layer
	refiner          Refiner
	same             bool // all drafts have the same length
	gradient         bool
	// check says what contradicts the statement; "" if nothing does.
	check func(k Kernels, c *Case) string
	// shows makes it a claim about a limit: it says what the case shows, "" if nothing, and one such case must be found.
	shows func(k Kernels, c *Case) string
	// simple looks for that case among the simple refiners of outcomes, the simplest first, instead of at random.
	simple bool
}

const (
	theorem    = "Search-R2, Thm. 4.1 and 4.2, from notes made of the paper"
	ours       = "our reconstruction (docs/methods/search-r2.md)"
	definition = "definition"
)

// Claims returns all claims of this package.
func Claims() []verify.Claim {
	var claims []verify.Claim
	for _, l := range laws() {
		claim := verify.Claim{ID: l.id, Text: l.text, Source: l.source, Layer: l.layer,
			Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
				return l.try(ctx, Real(), effort)
			}}
		claim.Limit = l.shows != nil
		if claim.Limit && !l.simple {
			claim.FalseAlarm = lost
		}
		claims = append(claims, claim)
	}
	return claims
}

// try checks the statement on as many cases as the effort asks for.
func (l law) try(ctx context.Context, k Kernels, effort verify.Effort) (verify.Evidence, error) {
	if l.simple {
		return l.simplest(k), nil
	}
	want := Short
	switch {
	case l.shows != nil: // it ends at the first that does
	case l.gradient && effort.Long:
		want = LongGradient
	case l.gradient:
		want = ShortGradient
	case effort.Long:
		want = Long
	}
	from := exact.Random(effort.Rand(0))
	evidence := verify.Evidence{Status: verify.Holds, Worst: "no contradiction"}
	shape := exact.Shape{Steps: 3, Actions: 3, Documents: 2, Nodes: 5, SameLength: l.same, Whole: true}
	for i := range want {
		if err := ctx.Err(); err != nil {
			return evidence, fmt.Errorf("%s: %w", l.id, err)
		}
		p := exact.Draw(from, shape)
		c := DrawCase(from, p, l.refiner)
		evidence.Checks++
		if l.shows != nil {
			if what := l.shows(k, c); what != "" {
				evidence.Status, evidence.Worst = verify.Limit, what
				evidence.Figures = []verify.Figure{{Title: l.id, Text: p.String() + c.String()}}
				return evidence, nil
			}
		} else if what := l.check(k, c); what != "" {
			evidence.Status, evidence.Worst = verify.Broken, what
			evidence.Figures = []verify.Figure{{Title: l.id, Text: p.String() + c.String()}}
			return evidence, nil
		}
		if effort.Progress != nil {
			effort.Progress(float64(i+1) / float64(want))
		}
	}
	if l.shows != nil {
		evidence.Status, evidence.Worst = verify.Broken, "no case shows it"
	}
	return evidence, nil
}

// simplest looks for the simplest case that shows the limit.
func (l law) simplest(k Kernels) verify.Evidence {
	shows := func(c *Case) string { return l.shows(k, c) }
	p, c, tried := smallest(shows)
	if p == nil {
		return verify.Evidence{Status: verify.Broken, Checks: tried, Worst: "no case shows it"}
	}
	return verify.Evidence{Status: verify.Limit, Checks: tried, Worst: shows(c), Figures: []verify.Figure{{
		Title: l.id, Text: p.String() + c.explain()}}}
}

// String lists what the refiner does with each draft.
func (c *Case) String() string {
	out := ""
	for i := range c.Drafts {
		d := &c.Drafts[i]
		out += fmt.Sprintf("draft %v documents %v: P %s, R %s, accepted with %s, cut with %v\n", d.Actions, d.Documents,
			d.P.RatString(), d.R.RatString(), c.Accept[i].RatString(), ratStrings(c.Cut[i]))
	}
	return out
}

func ratStrings(xs []*big.Rat) []string {
	out := make([]string, len(xs))
	for i, x := range xs {
		out[i] = x.RatString()
	}
	return out
}

// differ says how two numbers differ, "" if they do not.
func differ(what string, a, b *big.Rat) string {
	if a.Cmp(b) == 0 {
		return ""
	}
	return fmt.Sprintf("%s: %s, expected %s", what, a.RatString(), b.RatString())
}

func float(x *big.Rat) float64 {
	f, _ := x.Float64()
	return f
}
