package mixture

import (
	"context"
	"math/big"

	"searchrl/refiner"
	"searchrl/verify"
)

// fault is a wrong version of one function, and the statement that must catch it.
type fault struct {
	id, text, by string
	plant        func(k *Kernels)
}

// terms is a wrong decomposition.
func terms(f func(c *Case, t Terms) Terms) func(*Kernels) {
	return func(k *Kernels) { k.Decompose = func(c *Case) Terms { return f(c, Decompose(c)) } }
}

// weighted is a gradient estimate with wrong weights.
func weighted(change func(r Rollout, w Weights) Weights) func(*Kernels) {
	return func(k *Kernels) {
		k.Estimated = func(c *Case, w Weights) Gradient {
			return c.Estimated(func(r Rollout) Weights { return change(r, w) })
		}
	}
}

// estimated is a wrong estimate of the terms.
func estimated(change func(r refiner.Revision) refiner.Revision) func(*Kernels) {
	return func(k *Kernels) {
		k.Estimate = func(revisions []refiner.Revision) refiner.Terms {
			wrong := make([]refiner.Revision, len(revisions))
			for i, r := range revisions {
				wrong[i] = change(r)
			}
			return refiner.Estimate(wrong)
		}
	}
}

func faults() []fault {
	const decomposition, all = "mixture/decomposition", "mixture/gradient-all"
	return []fault{
		{"mixture/accepts-are-lost", "the law forgets the drafts that were accepted", decomposition, func(k *Kernels) {
			k.Law = func(c *Case) []*big.Rat { return c.revised(c.base()) }
		}},
		{"mixture/revises-the-accepted", "what the refiner accepts is revised, and the rest kept", decomposition, func(k *Kernels) {
			k.Law = func(c *Case) []*big.Rat { return Law(c.with(func(i int) *big.Rat { return rest(c.Accept[i]) }, nil)) }
		}},
		{"mixture/cut-off-by-one", "one step less is kept than the trimmer says", decomposition, func(k *Kernels) {
			k.Law = func(c *Case) []*big.Rat {
				return Law(c.with(nil, func(i int) []*big.Rat {
					cut := append([]*big.Rat{new(big.Rat)}, c.Cut[i][1:]...)
					cut[0].Set(c.Cut[i][0])
					if len(cut) > 1 {
						cut[0].Add(cut[0], cut[1])
						cut = append(cut[:1:1], append(append([]*big.Rat(nil), cut[2:]...), new(big.Rat))...)
					}
					return cut
				}))
			}
		}},
		{"mixture/precision-of-the-draft", "A_prec is the covariance with R alone", decomposition, terms(func(c *Case, t Terms) Terms {
			t.Accepting = cov(c.base(), func(i int) *big.Rat { return c.Accept[i] }, func(i int) *big.Rat { return c.Drafts[i].R })
			return t
		})},
		{"mixture/volume-of-acceptance", "V_inter is E α", decomposition, terms(func(c *Case, t Terms) Terms {
			t.Revising = rest(t.Revising)
			return t
		})},
		{"mixture/sign-of-trimming", "S_trim is taken of R − V", decomposition, terms(func(c *Case, t Terms) Terms {
			t.Trimming = new(big.Rat).Neg(t.Trimming)
			return t
		})},
		{"mixture/gain-against-the-mean", "G_c is V − E R, not V − R(ŷ)", "mixture/constant-trimmer", terms(func(c *Case, t Terms) Terms {
			v := c.values()
			t.Trimming = new(big.Rat)
			mean0 := c.Return(c.base())
			for i := range c.Drafts {
				for k, h := range c.Cut[i] {
					t.Trimming.Add(t.Trimming, mul(c.Drafts[i].P, h, sub(v[c.Drafts[i].prefix(k)], mul(mean0, big.NewRat(2, 1)))))
				}
			}
			return t
		})},
		{"mixture/discarded-not-trained", "what was cut off has no gradient", all, weighted(func(_ Rollout, w Weights) Weights {
			w.Discarded = 0
			return w
		})},
		{"mixture/prefix-twice", "the kept prefix counts for the draft and for the suffix", all, weighted(func(r Rollout, w Weights) Weights {
			if !r.Accepted {
				w.Prefix *= 2
			}
			return w
		})},
		{"mixture/decision-not-trained", "decisions have no gradient", all, weighted(func(_ Rollout, w Weights) Weights {
			w.Decision = 0
			return w
		})},
		{"mixture/only-revisions-decide", "accepting has no gradient", all, weighted(func(r Rollout, w Weights) Weights {
			if r.Accepted {
				w.Decision = 0
			}
			return w
		})},
		{"mixture/suffix-not-trained", "new suffixes have no gradient", all, weighted(func(_ Rollout, w Weights) Weights {
			w.Suffix = 0
			return w
		})},
		{"mixture/discarded-punished", "what was cut off gets the opposite advantage", all, weighted(func(_ Rollout, w Weights) Weights {
			w.Discarded = -w.Discarded
			return w
		})},
		{"mixture/estimate-unweighted", "revisions are not weighted by how seldom they happen", "mixture/estimate", estimated(func(r refiner.Revision) refiner.Revision {
			if r.Revised {
				r.Final = r.Draft + (r.Final-r.Draft)*(1-r.Accept)
			}
			return r
		})},
		{"mixture/estimate-by-acceptance", "revisions are weighted by 1/α", "mixture/estimate", estimated(func(r refiner.Revision) refiner.Revision {
			if r.Revised && r.Accept > 0 {
				r.Final = r.Draft + (r.Final-r.Draft)*(1-r.Accept)/r.Accept
			}
			return r
		})},
		{"mixture/estimate-final-only", "the draft's own reward is not taken off", "mixture/estimate", estimated(func(r refiner.Revision) refiner.Revision {
			r.Draft = 0
			return r
		})},
		{"mixture/hybrid-additive", "the process reward counts for wrong answers, too", "mixture/hybrid-reward", func(k *Kernels) {
			k.Hybrid = func(em float64, useful []float64) float64 { return em + refiner.Hybrid(1, useful) - 1 }
		}},
		{"mixture/hybrid-sum", "useful searches are summed up, not averaged", "mixture/hybrid-reward", func(k *Kernels) {
			k.Hybrid = func(em float64, useful []float64) float64 {
				sum := 0.0
				for _, u := range useful {
					sum += u
				}
				return em * (1 + sum)
			}
		}},
	}
}

// with is the case with another refiner.
func (c *Case) with(accept func(i int) *big.Rat, cut func(i int) []*big.Rat) *Case {
	out := &Case{Drafts: c.Drafts, Accept: append([]*big.Rat(nil), c.Accept...), Cut: append([][]*big.Rat(nil), c.Cut...)}
	for i := range c.Drafts {
		if accept != nil {
			out.Accept[i] = accept(i)
		}
		if cut != nil {
			out.Cut[i] = cut(i)
		}
	}
	return out
}

// Mutants lists the planted faults.
func Mutants() []verify.Mutant {
	byID := map[string]law{}
	for _, l := range laws() {
		l.gradient = false // as many cases as other laws have: the rarest fault shows in two of five
		byID[l.id] = l
	}
	var mutants []verify.Mutant
	for _, f := range faults() {
		mutants = append(mutants, verify.Mutant{ID: f.id, Text: f.text,
			Catch: func(ctx context.Context, effort verify.Effort) (string, bool, error) {
				k := Real()
				f.plant(&k)
				evidence, err := byID[f.by].try(ctx, k, effort)
				return f.by, evidence.Status == verify.Broken, err
			}})
	}
	return mutants
}
