package gae_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"
	"pgregory.net/rapid"

	"searchrl/gae"
)

// TestPaper checks the equations of Schulman et al. (2016) on three tokens, by hand.
func TestPaper(t *testing.T) {
	rewards, values := []float64{0, .5, 1}, []float64{.2, .4, .6}
	for _, c := range []struct {
		name          string
		gamma, lambda float64
		want          []float64
	}{
		// δ_t = r_t + γ V(s_{t+1}) − V(s_t), V of the end 0.
		{"λ = 0 gives the TD errors (Eq. 17)", 1, 0, []float64{.2, .7, .4}},
		{"λ = 0, γ = 1/2", .5, 0, []float64{0, .4, .4}},
		// Eq. 18: λ = 1 gives Σ_l γ^l r_{t+l} − V(s_t).
		{"γ = λ = 1 gives the return minus the value", 1, 1, []float64{1.3, 1.1, .4}},
		{"λ = 1, γ = 1/2", .5, 1, []float64{.3, .6, .4}},
		// Eq. 16: A_t = Σ_l (γλ)^l δ_{t+l}.
		{"γ = 1, λ = 1/2", 1, .5, []float64{.2 + .35 + .1, .7 + .2, .4}},
		{"γ = 0: only the token's own reward", 0, 1, []float64{-.2, .1, .4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.InDeltaSlice(t, c.want, gae.Advantages(rewards, values, c.gamma, c.lambda), 1e-12)
		})
	}
	require.Empty(t, gae.Advantages(nil, nil, 1, 1))
}

// TestReinforce: with V = 0, γ = λ = 1 and one reward at the end every token has exactly that reward.
func TestReinforce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "tokens")
		r := rapid.Float64Range(-3, 3).Draw(t, "reward")
		rewards := make([]float64, n)
		rewards[n-1] = r
		for _, a := range gae.Advantages(rewards, make([]float64, n), 1, 1) {
			require.Equal(t, r, a)
		}
	})
}

// TestProperties: advantages are linear in rewards and values; a token does not feel what came before it; the λ-return
// with the true values as critic is those values.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "tokens")
		draw := func(name string) []float64 { return rapid.SliceOfN(rapid.Float64Range(-2, 2), n, n).Draw(t, name) }
		gamma, lambda := rapid.Float64Range(0, 1).Draw(t, "gamma"), rapid.Float64Range(0, 1).Draw(t, "lambda")
		rewards, values, other, more := draw("rewards"), draw("values"), draw("other rewards"), draw("other values")
		a, b := gae.Advantages(rewards, values, gamma, lambda), gae.Advantages(other, more, gamma, lambda)
		both := gae.Advantages(plus(rewards, other), plus(values, more), gamma, lambda)
		require.InDeltaSlice(t, plus(a, b), both, 1e-12)

		cut := rapid.IntRange(0, n-1).Draw(t, "cut")
		require.Equal(t, a[cut:], gae.Advantages(rewards[cut:], values[cut:], gamma, lambda))

		exact := make([]float64, n) // V_j = r_j + γ V_{j+1}
		for j, next := n-1, 0.; j >= 0; j-- {
			next = rewards[j] + gamma*next
			exact[j] = next
		}
		require.InDeltaSlice(t, make([]float64, n), gae.Advantages(rewards, exact, gamma, lambda), 1e-12)
	})
}

func plus(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] + b[i]
	}
	return out
}

func TestWhiten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(rapid.Float64Range(-2, 2), 2, 30).Draw(t, "advantages")
		mean, std := stat.MeanStdDev(xs, nil)
		if std < 1e-2 {
			t.Skip("rounding decides")
		}
		for j, a := range gae.Whiten(xs) {
			require.InDelta(t, (xs[j]-mean)/math.Sqrt(std*std+1e-8), a, 1e-10)
		}
	})
	require.Equal(t, []float64{0, 0, 0}, gae.Whiten([]float64{.1, .1, .1}))
	require.Equal(t, []float64{0}, gae.Whiten([]float64{3}))
	require.Empty(t, gae.Whiten(nil))
	for _, a := range gae.Whiten([]float64{1, math.NaN(), 0}) {
		require.True(t, math.IsNaN(a), "what is not finite shows")
	}
}

func TestExplainedVariance(t *testing.T) {
	returns := []float64{0, 1, 1, 0}
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{returns, 1},
		{[]float64{.5, .5, .5, .5}, 0},
		{[]float64{7, 7, 7, 7}, 0}, // a constant error explains nothing and hides nothing
		{[]float64{1, 0, 0, 1}, -3},
		{[]float64{.25, .75, .75, .25}, .75},
	} {
		require.InDelta(t, c.want, gae.ExplainedVariance(returns, c.values), 1e-12)
	}
	require.Zero(t, gae.ExplainedVariance([]float64{1, 1}, []float64{0, 5}))
}
