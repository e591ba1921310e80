package interval_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/interval"
)

// The ends for 0, 5 and 10 of 10 are in many textbooks; the property below checks all others against the definition.
func TestWilsonAgainstReference(t *testing.T) {
	for _, c := range []struct {
		successes, n int
		low, high    float64
	}{
		{0, 10, 0, 0.2775328},
		{10, 10, 0.7224672, 1},
		{5, 10, 0.2365931, 0.7634069},
		{0, 0, 0, 1},
	} {
		got := interval.Wilson(c.successes, c.n)
		require.InDelta(t, c.low, got.Low, 5e-7, "%d of %d", c.successes, c.n)
		require.InDelta(t, c.high, got.High, 5e-7, "%d of %d", c.successes, c.n)
	}
}

// Wilson's ends are the shares p that the score test just does not reject: (p̂ − p)² = z²·p(1−p)/n.
func TestWilsonInvertsTheScoreTest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5000).Draw(t, "n")
		successes := rapid.IntRange(0, n).Draw(t, "successes")
		ci := interval.Wilson(successes, n)
		share := float64(successes) / float64(n)
		require.True(t, ci.Contains(share) && ci.Low >= 0 && ci.High <= 1)
		const z = 1.959963984540054
		for _, p := range []float64{ci.Low, ci.High} {
			require.InDelta(t, z*z*p*(1-p)/float64(n), (share-p)*(share-p), 1e-12)
		}
	})
}

func TestMeanAgainstReference(t *testing.T) {
	mean, ci := interval.Mean([]float64{1, 2, 3, 4, 5})
	require.InDelta(t, 3, mean, 1e-12)
	// t(4; .975) = 2.7764451, s/√n = .70710678
	require.InDelta(t, 3-2.7764451*0.70710678, ci.Low, 1e-6)
	require.InDelta(t, 3+2.7764451*0.70710678, ci.High, 1e-6)

	mean, ci = interval.Mean([]float64{0.4})
	require.Equal(t, 0.4, mean)
	require.False(t, ci.Known())
	mean, ci = interval.Mean(nil)
	require.True(t, math.IsNaN(mean))
	require.False(t, ci.Known())
}

// Both intervals must cover the truth in about 95 % of samples; a swapped quantile or a missing √n is far outside.
func TestCoverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const repeats = 4000
	wilson, student := 0, 0
	for range repeats {
		successes := 0
		for range 304 {
			if rng.Float64() < 0.3 {
				successes++
			}
		}
		if interval.Wilson(successes, 304).Contains(0.3) {
			wilson++
		}
		values := make([]float64, 5)
		for i := range values {
			values[i] = 0.5 + 0.1*rng.NormFloat64()
		}
		if _, ci := interval.Mean(values); ci.Contains(0.5) {
			student++
		}
	}
	require.InDelta(t, 0.95, float64(wilson)/repeats, 0.015)
	require.InDelta(t, 0.95, float64(student)/repeats, 0.015)
}

func TestPaired(t *testing.T) {
	_, _, err := interval.Paired([]float64{1}, nil)
	require.ErrorContains(t, err, "1 and 0 values")
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SliceOfN(rapid.Float64Range(0, 1), 2, 20).Draw(t, "a")
		shift := rapid.Float64Range(-1, 1).Draw(t, "shift")
		b := make([]float64, len(a))
		for i := range a {
			b[i] = a[i] - shift
		}
		mean, ci, err := interval.Paired(a, b)
		require.NoError(t, err)
		require.InDelta(t, shift, mean, 1e-12)
		require.InDelta(t, shift, ci.Low, 1e-9, "what both share must not widen the interval")
		swapped, other, err := interval.Paired(b, a)
		require.NoError(t, err)
		require.InDelta(t, -mean, swapped, 1e-12)
		require.InDelta(t, -ci.Low, other.High, 1e-9)
	})
}

func TestPairedShares(t *testing.T) {
	mean, ci := interval.PairedShares(0, 0, 300)
	require.Zero(t, mean)
	require.True(t, ci.Contains(0) && ci.High > 0.005 && ci.High < 0.02, "no difference seen is not no difference: %v", ci)
	mean, ci = interval.PairedShares(0, 0, 0)
	require.Zero(t, mean)
	require.Equal(t, interval.Interval{Low: -1, High: 1}, ci)

	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 400).Draw(t, "n")
		a := rapid.IntRange(0, n).Draw(t, "only a")
		b := rapid.IntRange(0, n-a).Draw(t, "only b")
		mean, ci := interval.PairedShares(a, b, n)
		require.True(t, ci.Contains(mean), "%v in %v", mean, ci)
		swapped, other := interval.PairedShares(b, a, n)
		require.InDelta(t, -mean, swapped, 1e-12)
		require.InDelta(t, -ci.Low, other.High, 1e-12)
	})

	rng := rand.New(rand.NewPCG(5, 6))
	covered := 0
	const repeats = 4000
	for range repeats {
		onlyA, onlyB := 0, 0
		for range 300 {
			switch u := rng.Float64(); {
			case u < 0.3:
				onlyA++
			case u < 0.35:
				onlyB++
			}
		}
		if _, ci := interval.PairedShares(onlyA, onlyB, 300); ci.Contains(0.25) {
			covered++
		}
	}
	require.InDelta(t, 0.95, float64(covered)/repeats, 0.015)
}

func TestJSON(t *testing.T) {
	for text, want := range map[string]interval.Interval{"[0.25,0.5]": {Low: 0.25, High: 0.5}, "null": interval.Unknown()} {
		data, err := json.Marshal(want)
		require.NoError(t, err)
		require.Equal(t, text, string(data))
		var back interval.Interval
		require.NoError(t, json.Unmarshal(data, &back))
		require.Equal(t, want.Known(), back.Known())
		require.Equal(t, want.String(), back.String())
	}
	var back interval.Interval
	require.Error(t, json.Unmarshal([]byte(`"x"`), &back))
}

func TestClamp(t *testing.T) {
	require.Equal(t, interval.Interval{Low: 0, High: 1}, interval.Interval{Low: -0.2, High: 1.3}.Clamp(0, 1))
	require.False(t, interval.Unknown().Clamp(0, 1).Known())
}

func ExampleWilson() {
	fmt.Println(interval.Wilson(61, 304))
	// Output: [0.159, 0.249]
}
