package sampled

import "searchrl/verify/gain"

// Random is a check whose outcome depends on chance.
type Random struct {
	// Check is a claim's ID or the name of a test; Where is the file it is in.
	Check, Where string
	// Rate bounds the probability that it fails although nothing is wrong, with a seed that is drawn at random.
	Rate float64
	// Why says how the rate is known.
	Why string
}

// Limit is what the rates of one go test ./... may add up to.
const Limit = 1e-6

// repeated is how often the claims are checked in one go test ./...: here, in package suite, by the command.
const repeated = 3

// Budget lists the random checks of the project: every claim that samples, and every test with a random seed. Tests with a
// fixed seed are not random: they pass always or never. Neither are properties that must hold for every draw (rapid, fuzzing,
// package kernel), whose rate is 0; they are listed where they take a seed from the clock themselves.
func Budget() []Random {
	const ville = "Ville's inequality, at each of the tests"
	return []Random{
		{"sampled/bound", "verify/sampled/tabular.go", repeated * (Alpha + missed), ville + "; Bernstein's for the planted violation"},
		{"sampled/ratios", "verify/sampled/tabular.go", repeated * (Alpha + missed), ville + "; Bernstein's for the planted violation"},
		{"sampled/agent-loop", "verify/sampled/agentloop.go", repeated * Alpha, ville},
		{"sampled/transformer", "verify/sampled/transformer.go", repeated * 2 * Alpha, ville},
		{"gain/sampled-draws", "verify/gain/collect.go", repeated * gain.Alpha, "Hoeffding's inequality, five shares and a mean of 1,000 draws"},
		{"sampled/transformer-steps", "verify/sampled/steps.go", repeated * 4 * Alpha, ville},
		{"TestFalseAlarms", "verify/sampled/sampled_test.go", 3 * 6e-12, "Chernoff's bound: 60 of 20,000 runs at a rate of 1e-3, three times"},
		{"TestMutants", "verify/sampled/sampled_test.go", 8 * missed, "Bernstein's inequality: the mutants are further off than the planted violation"},
		{"TestClaims, TestMutants", "verify/kernel/kernel_test.go", 0, "every draw is well-conditioned; a fault shows in thousands of cases"},
		{"TestClaims, TestMutants", "verify/slate/slate_test.go", 0, "every draw is well-conditioned; a fault shows in hundreds of cases"},
		{"TestClaims, TestMutants", "verify/gain/gain_test.go", 0, "the claims again, counted above; a fault shows in the first cases"},
		{"TestClaims and others", "verify/bound/bound_test.go", 1e-12, "exact; a search for a counter-example that is one in 334, in 40,000 draws"},
		{"TestClaims, TestMutants", "verify/critic/critic_test.go", 0, "every draw is well-conditioned; a fault shows in hundreds of cases"},
		{"TestClaims, TestMutants", "verify/credit/credit_test.go", 0, "every draw is well-conditioned; a fault shows in hundreds of cases"},
		{"TestClaims", "verify/mixture/mixture_test.go", repeated * 1e-11, "exact; a search for a limit that one case of twelve shows, in 300 cases"},
		{"TestKilledComparisonGoesOn", "cmd/searchrl/resume_test.go", 0, "must hold whenever the comparison is killed"},
		{"TestEverything", "verify/suite/suite_test.go", 0, "the claims again, counted above"},
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
