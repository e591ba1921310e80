package verify

import (
	"context"
	"fmt"

	"searchrl/report"
)

// Status is what became of a claim.
type Status string

const (
	// Holds: no check contradicted the claim.
	Holds Status = "holds"
	// Limit ("fails as stated"): the claim is about a limit, and the failure that it names was shown on purpose.
	Limit Status = "fails as stated"
	// Broken: a check contradicted the claim. The code or the claim is wrong.
	Broken Status = "broken"
)

// Layer is the kind of evidence, from the strongest to the weakest.
type Layer string

// The layers of package verify's documentation.
const (
	Exact   Layer = "exact"   // enumerated in rational numbers, zero tolerance
	Kernel  Layer = "kernel"  // float64 code against an oracle or an obvious twin
	Sampled Layer = "sampled" // the real path, by a sequential test with a set false-alarm rate
)

// Effort says how much work a check may do.
type Effort struct {
	// Long asks for the deep mode (≥10^5 exact processes, more samples) in place of what fits into go test.
	Long bool
	// Seed determines everything random; see [Effort.Rand] and [SeedOf].
	Seed uint64
	// Progress, if set, is told the share done, from 0 to 1, now and then.
	Progress func(share float64)
}

// Claim is one statement that can be checked.
type Claim struct {
	// ID is short, stable and unique, e.g. "bound/ratio-at-least-T".
	ID string
	// Text says what is claimed, in one or two sentences, with the assumptions.
	Text string
	// Source is the paper and equation, or "our reconstruction", or "definition".
	Source string
	Layer  Layer
	// Limit says that the claim names a failure: its check looks for it on purpose, and finds it (status Limit) or is Broken.
	Limit bool
	// FalseAlarm bounds the probability that the check says Broken though the claim is true, with a seed drawn at random; 0
	// where chance plays no part. The budget is the sum (package suite).
	FalseAlarm float64
	// Check tries to contradict the claim. An error means that the check could not be made, not that it failed.
	Check func(ctx context.Context, effort Effort) (Evidence, error)
}

// Evidence is what a check found.
type Evidence struct {
	Status Status
	// Checks counts what was compared: processes, cases or samples.
	Checks int
	// Worst is the worst case seen, e.g. "ratio 1.0003·T" or "1.1e-15 relative".
	Worst string
	// Power says what a sampled check would have found, e.g. "a ratio 5 % below T within 200,000 samples".
	Power string
	// Figures are drawn in the report.
	Figures []Figure
}

// Sound reports what is wrong with evidence for the claim as such, whatever was found: a claim must not seem to hold because
// nothing was compared.
func (c Claim) Sound(e Evidence) error {
	good := Holds
	if c.Limit {
		good = Limit
	}
	switch {
	case e.Status != good && e.Status != Broken:
		return fmt.Errorf("the check returned the status %q, expected %q or %q", e.Status, good, Broken)
	case e.Checks <= 0 && e.Status != Broken:
		return fmt.Errorf("the check compared nothing (%d checks)", e.Checks)
	}
	for _, f := range e.Figures {
		for _, s := range f.Series {
			if len(s.X) != len(s.Y) {
				return fmt.Errorf("the figure %q: the series %q has %d x and %d y", f.Title, s.Name, len(s.X), len(s.Y))
			}
		}
	}
	return nil
}

// Figure and Series are drawn in the report.
type (
	Figure = report.Figure
	Series = report.Series
)

// Mutant is a planted fault: a wrong version of one function, and the check that must catch it.
type Mutant struct {
	// ID is short and unique, e.g. "advantage/std-with-n".
	ID string
	// Text says what is wrong with it.
	Text string
	// Missed bounds the probability that the check, with a seed drawn at random, does not catch the fault; 0 where the fault
	// shows in so large a share of the cases that it is below 1e-15.
	Missed float64
	// Catch runs the named check on the mutant. It returns the check's name and whether it caught the fault.
	Catch func(ctx context.Context, effort Effort) (check string, caught bool, err error)
}
