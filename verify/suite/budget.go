package suite

import "slices"

// Random is a check whose outcome depends on chance.
type Random struct {
	// Check is a claim's or mutant's ID or the name of a test; Where is the file of the test, "" for claims and mutants.
	Check, Where string
	// Rate bounds the probability that it fails although nothing is wrong, with a seed that is drawn at random.
	Rate float64
	// Why says how the rate is known.
	Why string
}

// Limit is what the rates of one go test ./... may add up to.
const Limit = 1e-6

// Budget lists the random checks of one go test ./...: the claims and planted faults, each of which is checked once, by the
// test of its own package, and the tests with a random seed. Tests with a fixed seed are not random: they pass always or
// never. Neither are properties that must hold for every draw (rapid, fuzzing, package kernel), whose rate is 0; they are
// listed where they take a seed from the clock themselves.
func Budget() []Random {
	var checks []Random
	for _, c := range Claims() {
		if c.FalseAlarm > 0 {
			checks = append(checks, Random{Check: c.ID, Rate: c.FalseAlarm, Why: "the claim says so"})
		}
	}
	for _, m := range Mutants() {
		if m.Missed > 0 {
			checks = append(checks, Random{Check: m.ID, Rate: m.Missed, Why: "the planted fault says so"})
		}
	}
	return slices.Concat(checks, tests())
}

// tests are the tests with a random seed. Where one checks claims and planted faults, these have their rates themselves.
func tests() []Random {
	return []Random{
		{"TestFalseAlarms", "verify/sampled/process_test.go", 3 * 8e-15, "Chernoff's bound: 40 of 8,000 runs at a rate of 1e-3, three times"},
		{"TestAssumptionsMatter", "verify/bound/bound_test.go", 0, "what contradicts a statement without its assumption is among dozens of processes"},
		{"TestCounterExample", "verify/bound/bound_test.go", 3 * 1e-12, "the search of bound/negative-covariance, three times"},
		{"TestKilledComparisonGoesOn", "cmd/searchrl/resume_test.go", 0, "must hold whenever the comparison is killed"},
		{"TestSelect", "estimator/estimator_test.go", 8e-14, "Hoeffding's inequality, three shares of 40,000 draws within 0.02"},
		{"TestFrequencies", "verify/exact/env_test.go", 5e-14, "Hoeffding's inequality, at most 100 shares of 20,000 within 0.03"},
		{"TestShrink", "verify/exact/shrink_test.go", 0, "exact: every start must shrink to the same process"},
		{"TestSampler", "verify/exact/shrink_test.go", 1e-19, "Hoeffding's inequality, 40,000 draws, fewer than 100 moments"},
		{"TestSelectionOfThePrefix", "slate/paper_test.go", 4e-11, "Hoeffding's inequality, two shares of 2,000 draws within 0.08"},
		{"TestCrash", "checkpoint/crash_test.go", 0, "must hold whenever the process is killed"},
	}
}

// Total is the sum of the rates: a bound on the probability that any of the checks fails wrongly.
func Total(checks []Random) float64 {
	total := 0.0
	for _, c := range checks {
		total += c.Rate
	}
	return total
}
