package kernel

import (
	"fmt"
	"math"

	"searchrl/verify"
)

// Tolerance is how far a float64 kernel may be from its oracle, relative to the larger of the value and the terms that it
// is the sum of.
const Tolerance = 1e-12

// tally collects comparisons. After the first contradiction a check may stop.
type tally struct {
	checks int
	worst  float64 // the largest relative error
	at     string  // what it was an error of
	fault  string  // the first contradiction
}

func (t *tally) broken() bool { return t.fault != "" }

// near compares a value with the oracle's; scale is the size of the terms it is the sum of.
func (t *tally) near(got, want, scale float64, what string) {
	t.within(got, want, scale, Tolerance, what)
}

func (t *tally) within(got, want, scale, tolerance float64, what string) {
	size := math.Max(math.Abs(want), math.Abs(scale))
	off := math.Abs(got - want)
	if off != 0 {
		off /= size
	}
	if !(off <= tolerance) { // NaN, too
		t.fail("%s is %v, expected %v", what, got, want)
		return
	}
	if tolerance == Tolerance && off > t.worst {
		t.worst, t.at = off, what
	}
}

// slice compares element by element.
func (t *tally) slice(got, want []float64, scale float64, what string) {
	if len(got) != len(want) {
		t.fail("%s: %d values, expected %d", what, len(got), len(want))
		return
	}
	for i := range want {
		t.near(got[i], want[i], scale, what)
	}
}

// require notes a contradiction unless ok.
func (t *tally) require(ok bool, format string, args ...any) {
	if !ok {
		t.fail(format, args...)
	}
}

func (t *tally) fail(format string, args ...any) {
	if t.fault == "" {
		t.fault = fmt.Sprintf(format, args...)
	}
}

func (t *tally) evidence() verify.Evidence {
	e := verify.Evidence{Status: verify.Holds, Checks: t.checks, Worst: "exact"}
	if t.worst > 0 {
		e.Worst = fmt.Sprintf("%.1e relative (%s)", t.worst, t.at)
	}
	if t.broken() {
		e.Status, e.Worst = verify.Broken, fmt.Sprintf("case %d: %s", t.checks, t.fault)
	}
	return e
}
