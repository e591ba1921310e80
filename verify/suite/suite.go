package suite

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"searchrl/verify"
)

// Suite is a set of claims and planted faults that are checked together.
type Suite struct {
	Claims  []verify.Claim
	Mutants []verify.Mutant
	// TestBudget is reported with the result: the false-alarm budget of the project's tests.
	TestBudget float64
	// Ratio, if set, measures the variance ratio on the real path.
	Ratio func(ctx context.Context, effort verify.Effort) (Ratio, error)
}

// Options say what a run does.
type Options struct {
	// Long asks for the deep mode.
	Long bool
	// Seed determines everything random.
	Seed uint64
	// Only, if not empty, chooses claims and mutants by their IDs: * stands for any text (slashes included), ? for one
	// character.
	Only string
	// Workers is the number of checks at a time; 0 takes one for each processor that Go uses.
	Workers int
}

// Run checks everything that the options choose; see Suite.Run.
func Run(ctx context.Context, options Options, observe func(Event)) (*Result, error) {
	return All().Run(ctx, options, observe)
}

// UnknownError says that Options.Only matches nothing.
type UnknownError struct {
	Only  string
	Known []string // the claims' and mutants' IDs
}

func (e *UnknownError) Error() string {
	known := e.Known
	if len(known) > 20 { // too many for a line
		known = nil
		for _, id := range e.Known {
			folder, _, _ := strings.Cut(id, "/")
			known = append(known, folder+"/*")
		}
		slices.Sort(known)
		known = slices.Compact(known)
	}
	return fmt.Sprintf("no claim and no planted fault matches %q; known are %s", e.Only, strings.Join(known, ", "))
}

// Select returns the part of the suite whose IDs match only, all of it if only is empty, or an *UnknownError. The ratio
// is measured in a full run alone.
func (s Suite) Select(only string) (Suite, error) {
	if only == "" {
		return s, nil
	}
	pattern := regexp.MustCompile("^" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(only)) + "$")
	selected := Suite{TestBudget: s.TestBudget}
	unknown := &UnknownError{Only: only}
	for _, c := range s.Claims {
		unknown.Known = append(unknown.Known, c.ID)
		if pattern.MatchString(c.ID) {
			selected.Claims = append(selected.Claims, c)
		}
	}
	for _, m := range s.Mutants {
		unknown.Known = append(unknown.Known, m.ID)
		if pattern.MatchString(m.ID) {
			selected.Mutants = append(selected.Mutants, m)
		}
	}
	if len(selected.Claims)+len(selected.Mutants) == 0 {
		return s, unknown
	}
	return selected, nil
}

// Validate checks that every claim and mutant is complete, that IDs are unique, and that error rates are probabilities.
func (s Suite) Validate() error {
	seen := map[string]bool{}
	see := func(kind, id, text string, wrong float64, complete bool) error {
		switch {
		case id == "" || text == "" || !complete:
			return fmt.Errorf("%s %q is incomplete: it needs an ID, a text and a check, and a claim its source and layer", kind, id)
		case seen[id]:
			return fmt.Errorf("%s %q: another one has this ID", kind, id)
		case !(wrong >= 0 && wrong <= 1):
			return fmt.Errorf("%s %q: its check errs with a probability of %v, expected 0 to 1", kind, id, wrong)
		}
		seen[id] = true
		return nil
	}
	for _, c := range s.Claims {
		known := c.Layer == verify.Exact || c.Layer == verify.Kernel || c.Layer == verify.Sampled
		if err := see("claim", c.ID, c.Text, c.FalseAlarm, c.Check != nil && c.Source != "" && known); err != nil {
			return err
		}
	}
	for _, m := range s.Mutants {
		if err := see("mutant", m.ID, m.Text, m.Missed, m.Catch != nil); err != nil {
			return err
		}
	}
	return nil
}
