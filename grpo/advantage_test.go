package grpo_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"
	"pgregory.net/rapid"

	"searchrl/grpo"
)

func TestGroupAdvantagesByHand(t *testing.T) {
	root3 := math.Sqrt(3)
	for _, c := range []struct {
		name    string
		rewards []float64
		norm    grpo.Normalisation
		want    []float64
	}{
		{"one right of four, standard deviation with n−1 is 1/2", []float64{1, 0, 0, 0}, grpo.Standardised, []float64{1.5, -.5, -.5, -.5}},
		{"two members give ±1/√2 whatever the rewards", []float64{7, 3}, grpo.Standardised, []float64{1 / math.Sqrt2, -1 / math.Sqrt2}},
		{"two of three right, std 1/√3", []float64{1, 1, 0}, grpo.Standardised, []float64{root3 / 3, root3 / 3, -2 * root3 / 3}},
		{"mean only", []float64{1, 0, 0, 0}, grpo.MeanOnly, []float64{.75, -.25, -.25, -.25}},
		{"all equal: no signal", []float64{1, 1, 1}, grpo.Standardised, []float64{0, 0, 0}},
		{"all equal but for rounding: no signal", []float64{.1 + .2, .3, .3}, grpo.Standardised, []float64{0, 0, 0}},
		{"a group of one has no signal, not its raw reward", []float64{1}, grpo.Standardised, []float64{0}},
		{"a group of one, mean only", []float64{1}, grpo.MeanOnly, []float64{0}},
		{"no member", nil, grpo.Standardised, []float64{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.InDeltaSlice(t, c.want, grpo.GroupAdvantages(c.rewards, c.norm), 1e-5)
		})
	}
}

// TestGroupAdvantagesTwin holds the function against gonum's mean and standard deviation, and checks its invariances:
// order of the group, a common shift, a common positive scale (standardised), and a sum of zero.
func TestGroupAdvantagesTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rewards := rapid.SliceOfN(rapid.Float64Range(-2, 2), 2, 12).Draw(t, "rewards")
		norm := rapid.SampledFrom([]grpo.Normalisation{grpo.Standardised, grpo.MeanOnly}).Draw(t, "norm")
		got := grpo.GroupAdvantages(rewards, norm)
		mean, std := stat.MeanStdDev(rewards, nil)
		if std < 1e-3 {
			t.Skip("nearly dead group: rounding decides")
		}
		sum := 0.0
		for i, r := range rewards {
			want := r - mean
			if norm == grpo.Standardised {
				want /= std + grpo.StdEpsilon
			}
			require.InEpsilon(t, 1+math.Abs(want), 1+math.Abs(got[i]), 1e-12)
			require.InDelta(t, want, got[i], 1e-11)
			sum += got[i]
		}
		require.InDelta(t, 0, sum, 1e-9)

		shift := rapid.Float64Range(-5, 5).Draw(t, "shift")
		perm := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "perm"))).Perm(len(rewards))
		moved := make([]float64, len(rewards))
		for i, p := range perm {
			moved[i] = rewards[p] + shift
		}
		for i, a := range grpo.GroupAdvantages(moved, norm) {
			require.InDelta(t, got[perm[i]], a, 1e-8)
		}
	})
}

func TestNotFiniteRewardShows(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for _, group := range [][]float64{{bad}, {1, bad, 0}} {
			for _, norm := range []grpo.Normalisation{grpo.Standardised, grpo.MeanOnly} {
				for _, a := range grpo.GroupAdvantages(group, norm) {
					require.True(t, math.IsNaN(a), "a reward of %v must not turn into advantage %v", bad, a)
				}
			}
		}
	}
}

func TestNormalisationIsOneOfTwo(t *testing.T) {
	require.NoError(t, grpo.Standardised.Validate())
	require.NoError(t, grpo.MeanOnly.Validate())
	require.ErrorContains(t, grpo.Normalisation("centred").Validate(), `normalisation "centred", expected standardised or mean-only`)
}
