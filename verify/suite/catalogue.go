package suite

import (
	"slices"

	"searchrl/verify"
	"searchrl/verify/bound"
	"searchrl/verify/kernel"
)

// Claims returns all claims, in the order they are reported.
func Claims() []verify.Claim {
	return slices.Concat(
		bound.Claims(),
		kernel.Claims(),
	)
}

// Mutants returns all planted faults, in the order they are reported.
func Mutants() []verify.Mutant {
	return slices.Concat(
		kernel.Mutants(),
	)
}

// All returns the suite of everything.
func All() Suite {
	return Suite{Claims: Claims(), Mutants: Mutants()}
}
