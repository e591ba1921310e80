package critic

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"searchrl/verify"
)

// Tolerance is how far a float64 kernel may be from its twin, relative to the larger of the value and the terms of its sum.
const Tolerance = 1e-12

// Check compares kernels with their twin on random cases.
type Check struct {
	// ID is the claim's, Text what is claimed, Source where it is from.
	ID, Text, Source string
	Layer            verify.Layer
	// Status is what a check that found nothing shows: that the claim holds, or the limit that it is about.
	Status verify.Status
	// Cases is the number of random cases in go test.
	Cases int
	// test looks at one random case and notes what contradicts the claim. An error means that the kernels refused a valid case.
	test func(k Kernels, rng *rand.Rand, t *tally) error
}

// Run draws cases until one contradicts the claim or there were enough.
func (c Check) Run(ctx context.Context, k Kernels, rng *rand.Rand, cases int, progress func(float64)) (verify.Evidence, error) {
	var t tally
	n := 0
	for ; n < cases && t.fault == ""; n++ {
		if n%64 == 0 {
			if err := ctx.Err(); err != nil {
				return verify.Evidence{}, fmt.Errorf("%s: %w", c.ID, err)
			}
			if progress != nil {
				progress(float64(n) / float64(cases))
			}
		}
		if err := c.test(k, rng, &t); err != nil {
			return verify.Evidence{}, fmt.Errorf("%s: case %d: %w", c.ID, n, err)
		}
	}
	e := verify.Evidence{Status: c.Status, Checks: n, Worst: "exact"}
	switch {
	case t.fault != "":
		e.Status, e.Worst = verify.Broken, fmt.Sprintf("case %d: %s", n, t.fault)
	case t.note != "":
		e.Worst = t.note
	case t.worst > 0:
		e.Worst = fmt.Sprintf("%.1e relative", t.worst)
	}
	return e, nil
}

// Checks lists all checks of this package.
func Checks() []Check {
	return []Check{recursion, assignment, valueLoss, outcome, searches, keyScore, unbiased, biased}
}

// longFactor is how many times as many cases the deep mode looks at.
const longFactor = 20

// Claims are the checks on the functions that train.
func Claims() []verify.Claim {
	var claims []verify.Claim
	for _, c := range Checks() {
		claims = append(claims, verify.Claim{
			ID: c.ID, Text: c.Text, Source: c.Source, Layer: c.Layer, Limit: c.Status == verify.Limit,
			Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
				cases := c.Cases
				if effort.Long {
					cases *= longFactor
				}
				return c.Run(ctx, Real(), effort.Rand(0), cases, effort.Progress)
			},
		})
	}
	return claims
}

// tally collects comparisons.
type tally struct {
	worst float64 // the largest relative error
	fault string  // the first contradiction
	note  string  // what to report in place of the worst error
}

// near compares a value with the twin's; scale is the size of the terms that it is the sum of.
func (t *tally) near(got, want, scale float64, what string) {
	t.within(got, want, scale, Tolerance, what)
}

func (t *tally) within(got, want, scale, tolerance float64, what string) {
	off := math.Abs(got-want) / math.Max(1, math.Max(math.Abs(want), scale))
	if !(off <= tolerance) { // NaN, too
		t.require(false, "%s is %v, expected %v", what, got, want)
		return
	}
	if tolerance == Tolerance {
		t.worst = math.Max(t.worst, off)
	}
}

func (t *tally) require(ok bool, format string, args ...any) {
	if !ok && t.fault == "" {
		t.fault = fmt.Sprintf(format, args...)
	}
}
