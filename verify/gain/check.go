package gain

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"searchrl/verify"
)

// tolerance is how far float64 code may be from its oracle, relative to the size of the terms.
const tolerance = 1e-10

// check compares functions with their oracle on random cases.
type check struct {
	id, text, source string
	layer            verify.Layer
	cases            int // in go test
	// falseAlarm bounds the probability of a contradiction where there is none.
	falseAlarm float64
	// power says what a check by chance finds.
	power string
	// test looks at one random case and returns what contradicts the claim, "" if nothing does.
	test func(k Kernels, rng *rand.Rand) (contradiction string, err error)
}

// longFactor is how many times as many cases the deep mode looks at.
const longFactor = 10

func (c check) run(ctx context.Context, k Kernels, effort verify.Effort) (verify.Evidence, error) {
	rng := effort.Rand(0)
	cases := c.cases
	if effort.Long && c.falseAlarm == 0 {
		cases *= longFactor
	}
	e := verify.Evidence{Status: verify.Holds, Worst: "no contradiction", Power: c.power}
	for e.Checks < cases {
		if err := ctx.Err(); err != nil {
			return e, err
		}
		if effort.Progress != nil {
			effort.Progress(float64(e.Checks) / float64(cases))
		}
		e.Checks++
		contradiction, err := c.test(k, rng)
		if err != nil {
			return e, fmt.Errorf("%s: case %d: %w", c.id, e.Checks, err)
		}
		if contradiction != "" {
			e.Status, e.Worst = verify.Broken, fmt.Sprintf("case %d: %s", e.Checks, contradiction)
			break
		}
	}
	return e, nil
}

// differ says how two numbers differ, "" if they do not.
func differ(what string, got, want float64) string { return beyond(tolerance, what, got, want) }

// beyond is differ with another tolerance.
func beyond(tolerance float64, what string, got, want float64) string {
	if math.Abs(got-want) <= tolerance*math.Max(1, math.Abs(want)) {
		return ""
	}
	return fmt.Sprintf("%s is %v, expected %v", what, got, want)
}

func oneOf[T any](rng *rand.Rand, xs ...T) T { return xs[rng.IntN(len(xs))] }

const ours = "our reconstruction"
