package sampled

import (
	"context"
	"fmt"
	"strings"

	"searchrl/verify"
	"searchrl/verify/kernel"
)

// checkSteps is the check of the claim sampled/transformer-steps. The ratio is measured; no status depends on it.
func checkSteps(ctx context.Context, k kernel.Kernels, effort verify.Effort) (verify.Evidence, error) {
	policy, err := newTransformer()
	if err != nil {
		return verify.Evidence{}, err
	}
	const most = 4 // facts
	e := verify.Evidence{Status: verify.Holds, FalseAlarm: most * Alpha}
	promised := verify.Series{Name: "T"}
	measured := verify.Series{Name: "embedded base policy, measured", Points: true}
	var ratios, found []string
	for hops := 1; hops <= most; hops++ {
		s := policy.asked(ctx, hops, transformerMembers, k)
		f, err := measure(ctx, s, transformerMembers, stream(effort, uint64(hops)), stepsGroups*factor(effort), func(share float64) {
			if effort.Progress != nil {
				effort.Progress((float64(hops-1) + share) / most)
			}
		})
		if err != nil {
			return outOfRange(err)
		}
		r := f.ratio
		e.Checks += r.Samples
		x := float64(r.T)
		promised.X, promised.Y = append(promised.X, x), append(promised.Y, x)
		measured.X, measured.Y = append(measured.X, x), append(measured.Y, r.Measured)
		measured.Low, measured.High = append(measured.Low, r.CI.Low), append(measured.High, r.CI.High)
		ratios = append(ratios, fmt.Sprintf("T = %d: %.2f %s, total covariance %+.2f %s", r.T, r.Measured, short(r.CI), f.covariance.mean(), short(f.covariance.ci())))
		if at, err := f.swapped(s.width()); err != nil {
			return outOfRange(err)
		} else if at > 0 {
			found = append(found, fmt.Sprintf("T = %d after %d", r.T, at))
		}
		if f.shared.Alarm() {
			e.Status, e.Worst = verify.Broken, fmt.Sprintf("T = %d: a shared prefix increases the variance (alarm after %d samples)", r.T, f.shared.AlarmAt())
			return e, nil
		}
	}
	e.Worst = "ratio at " + strings.Join(ratios, "; ")
	e.Power = fmt.Sprintf("the same samples, with shared and unshared prefixes swapped, give no alarm in %d", stepsGroups*factor(effort))
	if len(found) > 0 {
		e.Power = "with shared and unshared prefixes swapped the same samples alarm: " + strings.Join(found, ", ")
	}
	e.Figures = []verify.Figure{{Title: "With the transformer as the policy: variance of whole trajectories over that of truncated steps", X: "steps T",
		Y: "Var(full) / mean Var(truncated)", Series: []verify.Series{promised, measured}}}
	return e, nil
}

// swapped tests the planted violation that the candidates' prefixes are not shared and the whole trajectories' are; it
// returns the number of samples at its alarm, 0 if there is none.
func (f *finding) swapped(width float64) (at int, err error) {
	p, err := NewProcess(-bound(width)/2, bound(width)/2, Alpha)
	if err != nil {
		return 0, err
	}
	for i := range f.values {
		if err := p.Observe(f.unshared[i] - f.values[i][0]); err != nil {
			return 0, err
		}
	}
	return p.AlarmAt(), nil
}
