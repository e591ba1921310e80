package sampled

import (
	"context"
	"fmt"
	"strings"

	"searchrl/verify"
	"searchrl/verify/kernel"
)

const (
	mostHops = 4 // facts of the questions
	// Groups at each T. Those of one process test the claim together: whatever T, the observations have the same bounds.
	stepsGroups, stepsLong = 16, 640
)

// checkSteps is the check of the claim sampled/transformer-steps. The ratio is measured; no status depends on it.
func checkSteps(ctx context.Context, k kernel.Kernels, effort verify.Effort) (verify.Evidence, error) {
	policy, err := newTransformer()
	if err != nil {
		return verify.Evidence{}, err
	}
	groups := stepsGroups
	if effort.Long {
		groups = stepsLong
	}
	e := verify.Evidence{Status: verify.Holds}
	promised := verify.Series{Name: "T"}
	measured := verify.Series{Name: "embedded base policy, measured", Points: true}
	var ratios []string
	shared, err := newShared(judged)
	if err != nil {
		return e, err
	}
	swapped, err := newShared(judged) // a planted violation: candidates do not share their prefix, and whole trajectories do
	if err != nil {
		return e, err
	}
	for hops := 1; hops <= mostHops; hops++ {
		s := policy.asked(ctx, hops, transformerMembers, k)
		f, err := measure(ctx, s, transformerMembers, effort.Rand(uint64(hops)), groups, func(share float64) {
			if effort.Progress != nil {
				effort.Progress((float64(hops-1) + share) / mostHops)
			}
		})
		if err != nil {
			return outOfRange(err)
		}
		for i := range f.values {
			x, u := f.values[i][0], f.unshared[i]
			if err := shared.Observe(x - u); err != nil {
				return outOfRange(err)
			}
			if err := swapped.Observe(u - x); err != nil {
				return outOfRange(err)
			}
		}
		r := f.ratio
		e.Checks += r.Samples
		x := float64(r.T)
		promised.X, promised.Y = append(promised.X, x), append(promised.Y, x)
		measured.X, measured.Y = append(measured.X, x), append(measured.Y, r.Measured)
		measured.Low, measured.High = append(measured.Low, r.CI.Low), append(measured.High, r.CI.High)
		ratios = append(ratios, fmt.Sprintf("T = %d: %.2f %s, total covariance %+.2f %s", r.T, r.Measured, short(r.CI), f.covariance.mean(), short(f.covariance.ci())))
	}
	e.Worst = "ratio at " + strings.Join(ratios, "; ")
	if shared.Alarm() {
		e.Status, e.Worst = verify.Broken, fmt.Sprintf("a shared prefix increases the variance (alarm after %d samples); ", shared.AlarmAt())+e.Worst
	}
	e.Power = fmt.Sprintf("with shared and unshared prefixes swapped the same %d samples give no alarm", e.Checks)
	if swapped.Alarm() {
		e.Power = fmt.Sprintf("with shared and unshared prefixes swapped the same samples alarm after %d of %d", swapped.AlarmAt(), e.Checks)
	}
	e.Figures = []verify.Figure{{Title: "With the transformer as the policy: variance of whole trajectories over that of truncated steps", X: "steps T",
		Y: "Var(full) / mean Var(truncated)", Series: []verify.Series{promised, measured}}}
	return e, nil
}
