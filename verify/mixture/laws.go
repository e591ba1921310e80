package mixture

import (
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"

	"searchrl/refiner"
	"searchrl/verify"
)

// laws lists the statements.
func laws() []law {
	one := big.NewRat(1, 1)
	return []law{
		{id: "mixture/decomposition", source: theorem, layer: verify.Exact,
			text: "One round of revision is worth A_prec + V_inter · S_trim: the return under the enumerated law of final trajectories less that of the drafts.",
			check: func(k Kernels, c *Case) string {
				q := k.Law(c)
				if what := differ("the law's total", mean(q, func(int) *big.Rat { return one }), one); what != "" {
					return what
				}
				gain := sub(c.Return(q), c.Return(c.base()))
				t := k.Decompose(c)
				return differ("A_prec + V_inter S_trim", add(t.Accepting, mul(t.Revising, t.Trimming)), gain)
			}},
		{id: "mixture/constant-trimmer", source: theorem, layer: verify.Exact, refiner: ConstantTrimmer, same: true,
			text: "A trimmer that cuts every draft alike has S_trim = 0, wherever it cuts: rejection sampling (always c = 0) gains by acceptance alone.",
			check: func(k Kernels, c *Case) string {
				return differ("S_trim", k.Decompose(c).Trimming, new(big.Rat))
			}},
		{id: "mixture/constant-acceptance", source: theorem, layer: verify.Exact, refiner: ConstantAccept,
			text: "A refiner that accepts every draft with the same probability has A_prec = 0, whatever its trimmer does.",
			check: func(k Kernels, c *Case) string {
				return differ("A_prec", k.Decompose(c).Accepting, new(big.Rat))
			}},
		{id: "mixture/two-rounds", source: ours, layer: verify.Exact,
			text: "A second round, on the drafts that the first one revised, is worth the mass of these times A_prec + V_inter (S_trim + Σ_c E π_h(c) · E G_c) under their law.",
			check: func(k Kernels, c *Case) string {
				mass, law := second(c)
				if mass.Sign() == 0 {
					return ""
				}
				last := c.revised(c.revised(c.base())) // revised twice
				after := add(c.accepted(c.base()), add(c.accepted(c.revised(c.base())), c.Return(last)))
				before := c.Return(Law(c))
				return differ("the second round's gain", mul(mass, TermsUnder(c, law).Gain()), sub(after, before))
			}},
		{id: "mixture/two-rounds-extra", source: ours, layer: verify.Exact, simple: true,
			text: "Without the term Σ_c E π_h(c) · E G_c the decomposition fails from the second round on: its drafts are not the actor's own, so E G_c is not 0.",
			shows: func(k Kernels, c *Case) string {
				mass, law := second(c)
				if mass.Sign() == 0 {
					return ""
				}
				t := TermsUnder(c, law)
				if t.Revising.Sign() == 0 || t.Extra.Sign() == 0 {
					return ""
				}
				return fmt.Sprintf("extra term %s, gain %s", t.Extra.RatString(), t.Gain().RatString())
			}},
		{id: "mixture/sufficient", source: theorem, layer: verify.Exact,
			text: "A_prec > 0 and S_trim > 0 suffice for a gain, if anything is revised at all.",
			check: func(k Kernels, c *Case) string {
				t := k.Decompose(c)
				gain := sub(c.Return(k.Law(c)), c.Return(c.base()))
				if t.Accepting.Sign() > 0 && t.Trimming.Sign() > 0 && gain.Sign() <= 0 {
					return "gain " + gain.RatString()
				}
				return ""
			}},
		{id: "mixture/precision-not-necessary", source: ours, layer: verify.Exact, simple: true,
			text: "A_prec > 0 is not necessary: a refiner that accepts the wrong drafts can gain by its cuts.",
			shows: func(k Kernels, c *Case) string {
				return paysFor(c, func(t Terms) bool { return t.Accepting.Sign() < 0 })
			}},
		{id: "mixture/trimming-not-necessary", source: ours, layer: verify.Exact, simple: true,
			text: "S_trim > 0 is not necessary: a refiner that cuts in the wrong places can gain by its acceptance.",
			shows: func(k Kernels, c *Case) string {
				return paysFor(c, func(t Terms) bool { return t.Trimming.Sign() < 0 })
			}},
		{id: "mixture/gradient-all", source: ours, layer: verify.Exact, gradient: true,
			text:  "With every factor of what was sampled, what was cut off included, the policy gradient's expectation is the derivative of J.",
			check: func(k Kernels, c *Case) string { return k.Estimated(c, All).differs(c.True()) }},
		{id: "mixture/gradient-prefix", source: ours, layer: verify.Exact, gradient: true, refiner: Constant, same: true,
			text: "Leaving out what was cut off is unbiased for a refiner that does not look at the draft.",
			check: func(k Kernels, c *Case) string {
				return actors(k.Estimated(c, Prefix)).differs(actors(c.True()))
			}},
		{id: "mixture/gradient-prefix-bias", source: ours, layer: verify.Exact, simple: true,
			text: "In general it is biased, by exactly −E[1(revised) R(y) ∇ log π_l(cut off | kept prefix)].",
			shows: func(k Kernels, c *Case) string {
				cutOff := k.Estimated(c, Weights{Discarded: 1})
				bias, some := "", false
				estimated, truth := k.Estimated(c, Prefix), c.True()
				for _, name := range slices.Sorted(maps.Keys(cutOff)) {
					x := cutOff[name]
					if x.Sign() == 0 {
						continue
					}
					if !some {
						bias, some = fmt.Sprintf("bias %s in one logit", new(big.Rat).Neg(x).RatString()), true
					}
					estimated.add(name, x)
				}
				if estimated.differs(truth) != "" {
					return ""
				}
				return bias
			}},
		{id: "mixture/gradient-none-bias", source: ours, layer: verify.Exact, gradient: true, refiner: Constant, same: true,
			text: "Leaving out the kept prefix, too, is biased even for a refiner that does not look at the draft.",
			shows: func(k Kernels, c *Case) string {
				none, truth := actors(c.Estimated(func(r Rollout) Weights {
					if r.Accepted {
						return All
					}
					return None
				})), actors(c.True())
				if what := none.differs(truth); what != "" {
					return what
				}
				return ""
			}},
		{id: "mixture/estimate", source: ours, layer: verify.Kernel,
			text:  "The terms that are logged in training are the exact ones where every outcome comes as often as it should (1e-9).",
			check: estimates},
		{id: "mixture/hybrid-reward", source: "Search-R2, Eq. of the hybrid reward, from notes made of the paper", layer: verify.Kernel,
			text:  "R = EM · (1 + mean u): 0 for a wrong answer, in [1, 2] for a right one, u averaged over the searches (1e-12).",
			check: hybrid},
	}
}

// second returns the mass of the drafts that the first round revises, and their law.
func second(c *Case) (mass *big.Rat, law []*big.Rat) {
	law = c.revised(c.base())
	mass = mean(law, func(int) *big.Rat { return big.NewRat(1, 1) })
	if mass.Sign() > 0 {
		for i := range law {
			law[i] = new(big.Rat).Quo(law[i], mass)
		}
	}
	return mass, law
}

// accepted is the return of the drafts of a law that are accepted.
func (c *Case) accepted(law []*big.Rat) *big.Rat {
	return mean(law, func(i int) *big.Rat { return mul(c.Accept[i], c.Drafts[i].R) })
}

// paysFor says how a case gains although a term is as fails says.
func paysFor(c *Case, fails func(Terms) bool) string {
	t := Decompose(c)
	if t.Gain().Sign() <= 0 || !fails(t) {
		return ""
	}
	return fmt.Sprintf("gain %s from A_prec %s, V_inter %s, S_trim %s", t.Gain().RatString(), t.Accepting.RatString(),
		t.Revising.RatString(), t.Trimming.RatString())
}

// actors keeps the logits of the decision points.
func actors(g Gradient) Gradient {
	out := Gradient{}
	for name, x := range g {
		if len(name) > 4 && name[:4] == "node" {
			out[name] = x
		}
	}
	return out
}

// estimates feeds every outcome of a case as often as its probability says, times the common denominator.
func estimates(k Kernels, c *Case) string {
	type outcome struct {
		p *big.Rat
		r refiner.Revision
	}
	var outcomes []outcome
	suffixes := c.suffixes()
	for i := range c.Drafts {
		d, alpha := &c.Drafts[i], float(c.Accept[i])
		draft := float(d.R)
		outcomes = append(outcomes, outcome{mul(d.P, c.Accept[i]), refiner.Revision{Cluster: i, Accept: alpha, Draft: draft, Final: draft}})
		if c.Accept[i].Cmp(big.NewRat(1, 1)) == 0 {
			return "" // what its cuts would bring is never seen, so S_trim cannot be estimated
		}
		for kept, h := range c.Cut[i] {
			for _, s := range suffixes[d.prefix(kept)] {
				outcomes = append(outcomes, outcome{mul(d.P, rest(c.Accept[i]), h, s.p),
					refiner.Revision{Cluster: i, Accept: alpha, Draft: draft, Final: float(c.Drafts[s.draft].R), Revised: true}})
			}
		}
	}
	common := big.NewInt(1)
	for _, o := range outcomes {
		gcd := new(big.Int).GCD(nil, nil, common, o.p.Denom())
		common.Mul(common, new(big.Int).Quo(o.p.Denom(), gcd))
	}
	if !common.IsInt64() || common.Int64() > 200_000 {
		return "" // too many to list
	}
	var revisions []refiner.Revision
	for _, o := range outcomes {
		n := new(big.Rat).Mul(o.p, new(big.Rat).SetInt(common)).Num().Int64()
		for range n {
			revisions = append(revisions, o.r)
		}
	}
	got, want := k.Estimate(revisions), Decompose(c)
	for _, term := range []struct {
		name  string
		got   float64
		exact *big.Rat
	}{{"ΔJ", got.Gain, want.Gain()}, {"A_prec", got.Accepting, want.Accepting}, {"V_inter", got.Revising, want.Revising}, {"S_trim", got.Trimming, want.Trimming}} {
		if !(math.Abs(term.got-float(term.exact)) < 1e-9) {
			return fmt.Sprintf("%s: estimated %v, exactly %v", term.name, term.got, float(term.exact))
		}
	}
	return ""
}

// hybrid takes the parts of rewards from a case's numbers.
func hybrid(k Kernels, c *Case) string {
	for i := range c.Drafts {
		var useful []float64
		sum := new(big.Rat)
		for _, a := range c.Drafts[i].Actions {
			u := int64(min(a, 1))
			useful, sum = append(useful, float64(u)), add(sum, big.NewRat(u, 1))
		}
		n := int64(len(useful))
		for em := range int64(2) {
			want := mul(big.NewRat(em, 1), add(big.NewRat(1, 1), mul(sum, big.NewRat(1, n))))
			if got := k.Hybrid(float64(em), useful); math.Abs(got-float(want)) > 1e-12 {
				return fmt.Sprintf("EM %d, u %v: %v, expected %s", em, useful, got, want.RatString())
			}
			if got := k.Hybrid(float64(em), nil); got != float64(em) {
				return fmt.Sprintf("EM %d without a search: %v", em, got)
			}
		}
	}
	return ""
}
