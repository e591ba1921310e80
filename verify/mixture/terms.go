package mixture

import "math/big"

// Law returns the law of the final trajectory after one round: q(y), the smoothed mixture.
//
//	q(y) = α(y) π_l(y) + Σ_{ŷ,c} (1 − α(ŷ)) π_l(ŷ) π_h(c|ŷ) 1[y_1:c = ŷ_1:c] π_l(y_>c | y_1:c)
func Law(c *Case) []*big.Rat {
	q := c.revised(c.base())
	for i := range c.Drafts {
		q[i].Add(q[i], mul(c.Accept[i], c.Drafts[i].P))
	}
	return q
}

// base is the actor's law.
func (c *Case) base() []*big.Rat {
	law := make([]*big.Rat, len(c.Drafts))
	for i := range law {
		law[i] = c.Drafts[i].P
	}
	return law
}

// revised returns, for drafts that come with the masses of law, the masses of what those that are revised become.
func (c *Case) revised(law []*big.Rat) []*big.Rat {
	suffixes := c.suffixes()
	out := make([]*big.Rat, len(law))
	for i := range out {
		out[i] = new(big.Rat)
	}
	for i := range c.Drafts {
		for k, h := range c.Cut[i] {
			mass := mul(law[i], rest(c.Accept[i]), h)
			if mass.Sign() == 0 {
				continue
			}
			for _, s := range suffixes[c.Drafts[i].prefix(k)] {
				out[s.draft].Add(out[s.draft], mul(mass, s.p))
			}
		}
	}
	return out
}

// mean is Σ law · f.
func mean(law []*big.Rat, f func(i int) *big.Rat) *big.Rat {
	m := new(big.Rat)
	for i := range law {
		m.Add(m, mul(law[i], f(i)))
	}
	return m
}

// cov is the covariance of f and g under a law of total mass one.
func cov(law []*big.Rat, f, g func(i int) *big.Rat) *big.Rat {
	both := mean(law, func(i int) *big.Rat { return mul(f(i), g(i)) })
	return both.Sub(both, mul(mean(law, f), mean(law, g)))
}

// Return is E R under a law.
func (c *Case) Return(law []*big.Rat) *big.Rat {
	return mean(law, func(i int) *big.Rat { return c.Drafts[i].R })
}

// Terms are the terms of the decomposition under a law of drafts.
type Terms struct {
	Accepting *big.Rat // A_prec = Cov(α, R − J_trim)
	Revising  *big.Rat // V_inter = 1 − E α
	Trimming  *big.Rat // S_trim = Σ_c Cov(π_h(c), G_c)
	// Extra is Σ_c E[π_h(c)] · E[G_c], 0 where the drafts are the actor's own.
	Extra *big.Rat
}

// Gain is A_prec + V_inter · (S_trim + the extra term).
func (t Terms) Gain() *big.Rat {
	return add(t.Accepting, mul(t.Revising, add(t.Trimming, t.Extra)))
}

// TermsUnder computes the terms from their definitions. Cuts past a draft's end have G_c = 0.
func TermsUnder(c *Case, law []*big.Rat) Terms {
	v := c.values()
	longest := 0
	for i := range c.Drafts {
		longest = max(longest, c.Drafts[i].Steps())
	}
	cut := func(k int) func(i int) *big.Rat {
		return func(i int) *big.Rat {
			if k < len(c.Cut[i]) {
				return c.Cut[i][k]
			}
			return new(big.Rat)
		}
	}
	gain := func(k int) func(i int) *big.Rat {
		return func(i int) *big.Rat {
			if k < c.Drafts[i].Steps() {
				return sub(v[c.Drafts[i].prefix(k)], c.Drafts[i].R)
			}
			return new(big.Rat)
		}
	}
	alpha := func(i int) *big.Rat { return c.Accept[i] }
	t := Terms{Revising: rest(mean(law, alpha)), Trimming: new(big.Rat), Extra: new(big.Rat)}
	lost := func(i int) *big.Rat { // R − J_trim
		sum := new(big.Rat)
		for k := range c.Cut[i] {
			sum.Sub(sum, mul(c.Cut[i][k], gain(k)(i)))
		}
		return sum
	}
	t.Accepting = cov(law, alpha, lost)
	for k := range longest {
		t.Trimming.Add(t.Trimming, cov(law, cut(k), gain(k)))
		t.Extra.Add(t.Extra, mul(mean(law, cut(k)), mean(law, gain(k))))
	}
	return t
}

// Decompose is TermsUnder for the actor's own drafts: the theorem's case.
func Decompose(c *Case) Terms { return TermsUnder(c, c.base()) }
