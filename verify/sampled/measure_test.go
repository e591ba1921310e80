package sampled

import (
	"context"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/interval"
	"searchrl/verify/exact"
	"searchrl/verify/kernel"
	"searchrl/verify/verifytest"
)

// TestMeasure: what is measured on the transformer, measured through the agent loop on a process where it is known: ratio,
// covariance, what sharing a prefix saves, and the mean that each sequential test bets on. The seed is fixed.
func TestMeasure(t *testing.T) {
	verifytest.Fixed(t)
	const k, steps = 3, 3
	p := exact.Markov(steps, big.NewRat(1, 2))
	s, err := newLoop(context.Background(), p, k, kernel.Real())
	require.NoError(t, err)
	f, err := measure(context.Background(), s, k, rand.New(rand.NewPCG(1, 1)), 2000, nil)
	require.NoError(t, err)
	number := func(x *big.Rat) float64 { y, _ := x.Float64(); return y }
	a := p.Analyse()
	within, between := number(exact.Sum(a.Within)), number(exact.Sum(a.Between))
	twice := func(want, got float64, ci interval.Interval, what string) { // within twice a 95 % interval
		require.InDelta(t, want, got, ci.High-ci.Low, what)
		require.Less(t, ci.High-ci.Low, .25*max(1, want), what)
	}
	twice(exactRatio(p, k), f.ratio.Measured, f.ratio.CI, "ratio")
	twice(number(a.Covariance), f.covariance.mean(), f.covariance.ci(), "covariance")
	twice(between, f.between.mean(), f.between.ci(), "what sharing saves")
	const factor = 1 - 1./k
	require.InDelta(t, -factor*between/steps, f.shared.Mean(), .02, "shared − unshared")
	require.InDelta(t, factor*(within-number(a.Return))/steps, f.bound.Mean(), .1, "truncated − full/T")
	require.False(t, f.shared.Alarm() || f.bound.Alarm())
}

// TestLevels: what is tested from two sides alarms wrongly with α in all.
func TestLevels(t *testing.T) {
	s, err := newSides(newTabular(exact.Markov(2, new(big.Rat)), 2, kernel.Real()), 2, 1e-6)
	require.NoError(t, err)
	require.InDelta(t, 1e-6, s.above.Level()+s.below.Level(), 1e-20)
}
