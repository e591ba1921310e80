package credit

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"searchrl/verify"
)

// Tolerance is how far a rule may be from its twin, relative to the larger of the value and the terms that it is the sum of.
const Tolerance = 1e-12

// Check compares rules with their twins on random cases.
type Check struct {
	// ID is the claim's, e.g. "credit/gigpo".
	ID string
	// Text is what is claimed, Source where it is from.
	Text, Source string
	// Cases is the number of random cases in go test.
	Cases int
	// test looks at one random case and notes what contradicts the claim.
	test func(r Rules, rng *rand.Rand, t *tally) error
}

// Checks lists all checks of this package.
func Checks() []Check {
	return []Check{gigpoEpisodes, gigpoTrees, mrsearchAttempts, mrsearchTrees, igpoTurns, igpoGains}
}

// longFactor is how many times as many cases the deep mode looks at.
const longFactor = 20

// Claims are the checks on the functions that train, and what they are estimates of.
func Claims() []verify.Claim {
	var claims []verify.Claim
	for _, c := range Checks() {
		claims = append(claims, verify.Claim{
			ID: c.ID, Text: c.Text, Source: c.Source, Layer: verify.Kernel,
			Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
				cases := c.Cases
				if effort.Long {
					cases *= longFactor
				}
				return c.run(ctx, Real(), effort.Rand(0), cases, effort.Progress)
			},
		})
	}
	return append(claims, exactClaims(Real())...)
}

// Run draws cases until one contradicts the claim or there were enough. An error means that the rules refused a valid case or
// that the check could not be made.
func (c Check) Run(ctx context.Context, r Rules, rng *rand.Rand) (verify.Evidence, error) {
	return c.run(ctx, r, rng, c.Cases, nil)
}

func (c Check) run(ctx context.Context, r Rules, rng *rand.Rand, cases int, progress func(float64)) (verify.Evidence, error) {
	var t tally
	for n := 0; n < cases && t.fault == ""; n++ {
		if n%64 == 0 {
			if err := ctx.Err(); err != nil {
				return verify.Evidence{}, fmt.Errorf("%s: %w", c.ID, err)
			}
			if progress != nil {
				progress(float64(n) / float64(cases))
			}
		}
		t.checks++
		if err := c.test(r, rng, &t); err != nil {
			return verify.Evidence{}, fmt.Errorf("%s: case %d: %w", c.ID, n, err)
		}
	}
	return t.evidence(), nil
}

// tally collects comparisons.
type tally struct {
	checks int
	worst  float64 // the largest relative error
	fault  string  // the first contradiction
}

// rows compares advantages with the twin's; scale is the size of the terms they are sums of.
func (t *tally) rows(got, want [][]float64, scale float64, what string) {
	t.require(len(got) == len(want), "%s: %d rows, expected %d", what, len(got), len(want))
	for i := range want {
		if t.fault == "" {
			t.slice(got[i], want[i], scale, fmt.Sprintf("%s %d", what, i))
		}
	}
}

func (t *tally) slice(got, want []float64, scale float64, what string) {
	t.require(len(got) == len(want), "%s: %d values, expected %d", what, len(got), len(want))
	for j := range want {
		if t.fault != "" {
			return
		}
		off := math.Abs(got[j]-want[j]) / math.Max(math.Abs(want[j]), scale)
		t.require(off <= Tolerance, "%s, value %d is %v, expected %v", what, j, got[j], want[j]) // NaN, too
		t.worst = math.Max(t.worst, off)
	}
}

func (t *tally) require(ok bool, format string, args ...any) {
	if !ok && t.fault == "" {
		t.fault = fmt.Sprintf(format, args...)
	}
}

func (t *tally) evidence() verify.Evidence {
	e := verify.Evidence{Status: verify.Holds, Checks: t.checks, Worst: "exact"}
	if t.worst > 0 {
		e.Worst = fmt.Sprintf("%.1e relative", t.worst)
	}
	if t.fault != "" {
		e.Status, e.Worst = verify.Broken, fmt.Sprintf("case %d: %s", t.checks, t.fault)
	}
	return e
}
