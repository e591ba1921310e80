package estimator_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/estimator"
	"searchrl/grpo"
)

var norms = []grpo.Normalisation{grpo.Standardised, grpo.MeanOnly}

func drawRewards(t *rapid.T) [][]float64 {
	k := rapid.IntRange(1, 6).Draw(t, "k")
	rewards := make([][]float64, k)
	for i := range rewards {
		// Multiples of 1/8, so that no sum rounds and no order of summation decides whether a group has signal.
		for _, n := range rapid.SliceOfN(rapid.IntRange(-16, 16), 0, 5).Draw(t, "rewards") {
			rewards[i] = append(rewards[i], float64(n)/8)
		}
	}
	return rewards
}

func TestByHand(t *testing.T) {
	// Returns 3, 1, 2; to go from the second step 2, 1, 0 (the third trajectory has ended).
	rewards := [][]float64{{1, 2}, {0, 1}, {2}}
	require.Equal(t, [][]float64{{1, 1}, {-1, -1}, {0}}, estimator.Full(rewards, grpo.MeanOnly))
	require.Equal(t, [][]float64{{1, 1}, {-1, 0}, {0}}, estimator.RewardToGo(rewards, grpo.MeanOnly))
	require.Equal(t, []float64{1, -1, 0}, estimator.Truncated([]float64{3, 1, 2}, grpo.MeanOnly))
	require.InDeltaSlice(t, []float64{1, -1, 0}, estimator.Truncated([]float64{3, 1, 2}, grpo.Standardised), 1e-5)
	require.Equal(t, []float64{-1, -2, -2}, estimator.Absolute([]float64{-1, -2, -2}, grpo.MeanOnly))
	require.InDeltaSlice(t, []float64{-1 / math.Sqrt(3), -2 / math.Sqrt(3), -2 / math.Sqrt(3)}, // mean square (1+4+4)/3
		estimator.Absolute([]float64{-1, -2, -2}, grpo.Standardised), 1e-5)
	require.InDeltaSlice(t, []float64{1, 1}, estimator.Absolute([]float64{2, 2}, grpo.Standardised), 1e-5)
	require.Equal(t, []float64{0, 0}, estimator.Absolute([]float64{0, 0}, grpo.Standardised))
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		for _, norm := range norms {
			require.True(t, math.IsNaN(estimator.Absolute([]float64{1, bad}, norm)[0]))
		}
	}
	require.Empty(t, estimator.Full(nil, grpo.MeanOnly))
	require.Empty(t, estimator.Absolute(nil, grpo.Standardised))
	require.Empty(t, estimator.RewardToGo(nil, grpo.MeanOnly))
	require.Equal(t, [][]float64{{}, {}}, estimator.RewardToGo([][]float64{{}, {}}, grpo.MeanOnly))
	for _, rows := range [][][]float64{{{1, math.NaN()}, {1, 1}}} {
		require.True(t, math.IsNaN(estimator.Full(rows, grpo.MeanOnly)[1][0]))
		require.True(t, math.IsNaN(estimator.RewardToGo(rows, grpo.MeanOnly)[1][1]))
	}
}

// TestOneStep: with one step, the three are one.
func TestOneStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SliceOfN(rapid.Float64Range(-2, 2), 1, 6).Draw(t, "r")
		for _, norm := range norms {
			rows := make([][]float64, len(r))
			for i := range r {
				rows[i] = r[i : i+1]
			}
			full, togo := estimator.Full(rows, norm), estimator.RewardToGo(rows, norm)
			for i, a := range estimator.Truncated(r, norm) {
				require.Equal(t, a, full[i][0])
				require.Equal(t, a, togo[i][0])
			}
		}
	})
}

// TestInvariances: the order of the group, padding with zero rewards, and steps that share the first step's advantage.
func TestInvariances(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rewards := drawRewards(t)
		norm := rapid.SampledFrom(norms).Draw(t, "norm")
		full, togo := estimator.Full(rewards, norm), estimator.RewardToGo(rewards, norm)

		k := len(rewards)
		turned, padded := make([][]float64, k), make([][]float64, k)
		for i := range rewards {
			turned[(i+1)%k] = rewards[i]
			padded[i] = append(append([]float64(nil), rewards[i]...), 0, 0)
		}
		fullTurned, togoTurned := estimator.Full(turned, norm), estimator.RewardToGo(turned, norm)
		fullPadded, togoPadded := estimator.Full(padded, norm), estimator.RewardToGo(padded, norm)
		for i, row := range rewards {
			require.Len(t, full[i], len(row))
			require.Len(t, togo[i], len(row))
			for s := range row {
				require.InDelta(t, full[i][s], fullTurned[(i+1)%k][s], 1e-6)
				require.InDelta(t, togo[i][s], togoTurned[(i+1)%k][s], 1e-6)
				require.Equal(t, full[i][s], fullPadded[i][s])
				require.Equal(t, togo[i][s], togoPadded[i][s])
				require.Equal(t, full[i][0], full[i][s])
			}
			if len(row) > 0 {
				require.Equal(t, full[i][0], togo[i][0])
			}
		}
	})
}

func TestSelection(t *testing.T) {
	for _, c := range []struct {
		name       string
		advantages []float64
		eta        float64
		want       []float64
	}{
		{"by hand, η = 1/ln 2", []float64{1, 0, 0}, 1 / math.Ln2, []float64{.5, .25, .25}},
		{"uniform", []float64{3, -1}, math.Inf(1), []float64{.5, .5}},
		{"the best, the first of two", []float64{0, 1, 1}, 0, []float64{0, 1, 0}},
		{"no signal", []float64{0, 0}, .7, []float64{.5, .5}},
		{"no overflow", []float64{1e300, -1e300}, 1e-300, []float64{1, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := estimator.Selection(c.advantages, c.eta)
			require.NoError(t, err)
			require.InDeltaSlice(t, c.want, p, 1e-15)
		})
	}
	for want, bad := range map[string][]float64{"no candidate": nil, "candidate 1": {0, math.NaN()}, "+Inf": {math.Inf(1)}} {
		_, err := estimator.Select(bad, .7, rand.New(rand.NewPCG(1, 1)))
		require.ErrorContains(t, err, want)
	}
	_, err := estimator.Selection([]float64{0}, math.NaN())
	require.ErrorContains(t, err, "η is NaN")
}

// TestSelectDrawsOnce: runs that differ in η alone see the same random stream.
func TestSelectDrawsOnce(t *testing.T) {
	for _, eta := range []float64{0, .7, math.Inf(1)} {
		rng, same := rand.New(rand.NewPCG(1, 1)), rand.New(rand.NewPCG(1, 1))
		_, err := estimator.Select([]float64{1, 0}, eta, rng)
		require.NoError(t, err)
		same.Float64()
		require.Equal(t, same.Uint64(), rng.Uint64(), "η = %v", eta)
	}
}

// TestSelect: frequencies of 40,000 draws; by Hoeffding's inequality each of the three is off by 0.02 with a probability of
// at most 2·exp(−2·40000·0.02²) < 3e-14.
func TestSelect(t *testing.T) {
	advantages, count := []float64{1, 0, -1}, make([]float64, 3)
	p, err := estimator.Selection(advantages, .7)
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(rand.Uint64(), 1))
	for range 40000 {
		j, err := estimator.Select(advantages, .7, rng)
		require.NoError(t, err)
		count[j] += 1. / 40000
	}
	require.InDeltaSlice(t, p, count, .02)
}
