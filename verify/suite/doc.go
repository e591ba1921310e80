// Package suite puts all claims and planted faults of package verify together and runs them.
//
// Claims and Mutants list them; a package that has new ones adds one line to catalogue.go. Run checks them side by side,
// tells an observer how far it is, contains what panics, and sums up: a row for each claim and each mutant, and the
// false-alarm budget, which is the sum of the claims' false-alarm bounds (a union bound on the probability that a run
// calls anything broken that is not).
//
// Each check gets its own seed, made of the run's seed and the claim's ID. So a claim checked alone (Options.Only) sees
// the very cases that it sees in a full run, and a new claim does not move the others' cases.
package suite
