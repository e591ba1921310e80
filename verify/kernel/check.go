package kernel

import (
	"context"
	"fmt"
	"math/rand/v2"

	"searchrl/verify"
)

// Check compares kernels with their oracle on random cases.
type Check struct {
	// ID is the claim's, e.g. "kernel/group-advantages".
	ID string
	// Text is what is claimed, Source where it is from.
	Text, Source string
	// Cases is the number of random cases in go test.
	Cases int
	// test looks at one random case. It must count it (t.checks++) and note what contradicts the claim.
	test func(k Kernels, rng *rand.Rand, t *tally) error
}

// Run draws cases until one contradicts the claim or there were enough. An error means that the kernels refused a valid
// case or that the check could not be made.
func (c Check) Run(ctx context.Context, k Kernels, rng *rand.Rand, cases int) (verify.Evidence, error) {
	return c.run(ctx, k, rng, cases, nil)
}

func (c Check) run(ctx context.Context, k Kernels, rng *rand.Rand, cases int, progress func(float64)) (verify.Evidence, error) {
	var t tally
	for n := 0; n < cases && !t.broken(); n++ {
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
	return t.evidence(), nil
}

// Checks lists all checks of this package.
func Checks() []Check {
	return []Check{
		groupAdvantages, singularGroups, clippedSurrogate, klEstimators, surrogateLoss, surrogateSlopes, surrogatePadding,
		setAdvantage, targetWeights, trainedBatch, outcomeReward, searchR1Groups,
		fullReturn, rewardToGo, truncatedStep, absoluteStep, selectionLaw, selectionDraws,
	}
}

// longFactor is how many times as many cases the deep mode looks at.
const longFactor = 20

// Claims are the checks on the functions that train.
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
	return claims
}
