package suite

import (
	"context"
	"slices"

	"searchrl/verify"
	"searchrl/verify/bound"
	"searchrl/verify/credit"
	"searchrl/verify/critic"
	"searchrl/verify/gain"
	"searchrl/verify/kernel"
	"searchrl/verify/mixture"
	"searchrl/verify/sampled"
	"searchrl/verify/slate"
)

// Claims returns all claims, in the order they are reported.
func Claims() []verify.Claim {
	return slices.Concat(
		bound.Claims(),
		kernel.Claims(),
		slate.Claims(),
		credit.Claims(),
		sampled.Claims(),
		mixture.Claims(),
		critic.Claims(),
		gain.Claims(),
	)
}

// Mutants returns all planted faults, in the order they are reported.
func Mutants() []verify.Mutant {
	return slices.Concat(
		bound.Mutants(),
		kernel.Mutants(),
		slate.Mutants(),
		credit.Mutants(),
		sampled.Mutants(),
		mixture.Mutants(),
		critic.Mutants(),
		gain.Mutants(),
	)
}

// All returns the suite of everything.
func All() Suite {
	return Suite{Claims: Claims(), Mutants: Mutants(), Ratio: measureRatio, TestBudget: Total(Budget())}
}

// measureRatio measures the variance ratio on a process whose exact ratio is known.
func measureRatio(ctx context.Context, effort verify.Effort) (Ratio, error) {
	r, err := sampled.MeasureRatio(ctx, effort)
	return Ratio{T: r.T, Measured: r.Measured, Exact: r.Exact, CI: r.CI}, err
}
