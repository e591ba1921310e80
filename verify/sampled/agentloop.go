package sampled

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"searchrl/qa"
	"searchrl/rollout"
	"searchrl/verify"
	"searchrl/verify/exact"
	"searchrl/verify/kernel"
)

const loopSamples = 768 // pairs of groups through the agent loop

// newLoop puts a process behind the agent loop, with its own rewards as the judge's.
func newLoop(ctx context.Context, p *exact.Process, k int, kernels kernel.Kernels) (*loop, error) {
	env, err := exact.NewEnv(p)
	if err != nil {
		return nil, err
	}
	return &loop{
		ctx: ctx, env: env.Env, questions: []qa.Question{env.Question}, k: k, t: p.Steps(), kernels: kernels,
		reward: newTabular(p, k, kernels).reward,
		judge: func(prefix []int, step []rollout.Segment) (float64, error) {
			path := slices.Clone(prefix)
			for _, s := range step {
				path = append(path, s.Tokens...)
			}
			so, _, err := env.Follow(path)
			if err != nil {
				return 0, err
			}
			r, _ := so.Rewards[len(so.Rewards)-1].Float64()
			return r, nil
		},
	}, nil
}

// checkLoop is the check of the claim sampled/agent-loop.
func checkLoop(ctx context.Context, k kernel.Kernels, effort verify.Effort) (verify.Evidence, error) {
	p := exact.Markov(3, big.NewRat(1, 2))
	s, err := newLoop(ctx, p, 3, k)
	if err != nil {
		return verify.Evidence{}, err
	}
	want := exactRatio(p, 3)
	alarm, m, seen, err := agrees(ctx, s, effort.Rand(1), want, Alpha, loopSamples*factor(effort))
	if err != nil {
		return outOfRange(err)
	}
	r := m.ratio(3, want)
	e := verify.Evidence{
		Status: verify.Holds, Checks: r.Samples,
		Worst: fmt.Sprintf("measured %.3f %v, exact %.3f", r.Measured, r.CI, want),
		Power: fmt.Sprintf("no ratio up to 3 times off would have been found in %d samples", len(seen)),
	}
	if alarm {
		e.Status = verify.Broken
		return e, nil
	}
	for _, off := range []float64{1.25, 1.5, 2, 3} {
		at, err := found(s, seen, want*off)
		if err != nil {
			return outOfRange(err)
		}
		if at > 0 {
			e.Power = fmt.Sprintf("that the ratio is not %v times what it is was found after %d of the same samples", off, at)
			break
		}
	}
	return e, nil
}

// found is the number of observations after which a test of a ratio alarms, 0 if it does not.
func found(s sampler, seen [][2]float64, ratio float64) (at int, err error) {
	test, err := newSides(s, ratio, Alpha)
	if err != nil {
		return 0, err
	}
	for i, v := range seen {
		if alarm, err := test.observe(v[0], v[1]); alarm || err != nil {
			return i + 1, err
		}
	}
	return 0, nil
}
