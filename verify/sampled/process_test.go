package sampled_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/verify/sampled"
	"searchrl/verify/verifytest"
)

// TestFairGame: for a two-point Z of mean 0 the expected wealth is exactly 1 after any number of rounds, whatever the bets:
// all 2^7 paths are enumerated. So no observation can influence its own bet.
func TestFairGame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo := -rapid.Float64Range(.1, 5).Draw(t, "−lo")
		hi := rapid.Float64Range(.1, 5).Draw(t, "hi")
		up := -lo / (hi - lo) // P(Z = hi) of the mean 0
		const rounds = 7
		expected := 0.0
		for path := range 1 << rounds {
			p, err := sampled.NewProcess(lo, hi, .05)
			require.NoError(t, err)
			probability := 1.0
			for i := range rounds {
				bet := p.Bet()
				if !(bet >= 0 && bet <= .75/-lo) {
					t.Fatalf("bet %v, expected one in [0, %v]", bet, .75/-lo)
				}
				z, q := lo, 1-up
				if path>>i&1 == 1 {
					z, q = hi, up
				}
				before := p.LogWealth()
				if err := p.Observe(z); err != nil || math.Abs(before+math.Log1p(bet*z)-p.LogWealth()) > 1e-12 {
					t.Fatalf("observing %v after a bet of %v: wealth from %v to %v, error %v", z, bet, before, p.LogWealth(), err)
				}
				probability *= q
			}
			expected += probability * p.Wealth()
		}
		require.InDelta(t, 1, expected, 1e-9)
	})
}

// TestFalseAlarms: at α = 1e-3, on the boundary of H0, at most 40 of 8,000 runs of 300 looks alarm. With a rate of α that
// happens with all but 9e-15 (Chernoff: exp(−8000·KL(0.005‖0.001))).
func TestFalseAlarms(t *testing.T) {
	const runs, looks, alpha = 8000, 300, 1e-3
	seed := verifytest.Seed(t)
	for name, draw := range map[string]func(rng *rand.Rand) float64{
		"coin":   func(rng *rand.Rand) float64 { return float64(2*rng.IntN(2) - 1) },
		"skewed": func(rng *rand.Rand) float64 { return map[bool]float64{true: 1, false: -.25}[rng.IntN(5) == 0] }, // 1/5 − 4/5·1/4 = 0
		"rare":   func(rng *rand.Rand) float64 { return map[bool]float64{true: -1, false: 1. / 19}[rng.IntN(20) == 0] },
	} {
		alarms := 0
		rng := rand.New(rand.NewPCG(seed, 5))
		for range runs {
			p, err := sampled.NewProcess(-1, 1, alpha)
			if err != nil {
				t.Fatal(err)
			}
			for p.N() < looks && !p.Alarm() {
				if err := p.Observe(draw(rng)); err != nil {
					t.Fatal(err)
				}
			}
			if p.Alarm() {
				alarms++
			}
		}
		t.Logf("%s: %d of %d runs", name, alarms, runs)
		require.LessOrEqual(t, alarms, 40, name)
	}
}

func TestAlarmIsKept(t *testing.T) {
	p, err := sampled.NewProcess(-1, 1, 1e-9)
	require.NoError(t, err)
	for !p.Alarm() {
		require.NoError(t, p.Observe(1))
	}
	require.Equal(t, p.N(), p.AlarmAt())
	require.GreaterOrEqual(t, p.Wealth(), 1e9)
	n := p.AlarmAt()
	for range 100 {
		require.NoError(t, p.Observe(-1))
	}
	require.Less(t, p.Wealth(), 1e9)
	require.True(t, p.Alarm(), "one may stop at the alarm, so it counts")
	require.Equal(t, n, p.AlarmAt())
}

func TestBadObservations(t *testing.T) {
	for _, bad := range [][3]float64{{0, 1, .1}, {-1, 0, .1}, {math.NaN(), 1, .1}, {-1, math.Inf(1), .1}, {-1, 1, 0}, {-1, 1, 1}, {-1, 1, math.NaN()}} {
		_, err := sampled.NewProcess(bad[0], bad[1], bad[2])
		require.ErrorContains(t, err, "sequential test", "%v", bad)
	}
	p, err := sampled.NewProcess(-1, 2, .01)
	require.NoError(t, err)
	for _, z := range []float64{-1.1, 2.1, math.NaN(), math.Inf(1)} {
		var out *sampled.RangeError
		require.True(t, errors.As(p.Observe(z), &out), "%v", z)
	}
	require.Zero(t, p.N())
}

// A coin that comes up heads in 60 % of throws: the test becomes sure that it is not fair, and may stop as soon as it is.
func ExampleProcess() {
	p, err := sampled.NewProcess(-1, 1, 1e-6)
	if err != nil {
		fmt.Println(err)
		return
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for !p.Alarm() {
		z := -1.
		if rng.Float64() < .6 {
			z = 1
		}
		if err := p.Observe(z); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println("not fair:", p.Alarm(), "wealth over a million:", p.Wealth() > 1e6)
	// Output:
	// not fair: true wealth over a million: true
}
