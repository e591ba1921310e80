package grpo_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/grpo"
)

func TestClippedByHand(t *testing.T) {
	ln := math.Log
	for _, c := range []struct {
		name             string
		ratio, advantage float64
		value, slope     float64
		clipped          bool
	}{
		{"on policy: the plain policy gradient", 1, 2, 2, 2, false},
		{"good token, ratio above the bound: no further push", 1.5, 1, 1.2, 0, true},
		{"good token, ratio below the bound: free to rise", .5, 1, .5, .5, false},
		{"bad token, ratio below the bound: no further push", .5, -1, -.8, 0, true},
		{"bad token, ratio above the bound: free to fall", 1.5, -1, -1.5, -1.5, false},
		{"at the bound the first argument counts", 1.2, 1, 1.2, 1.2, false},
		{"no advantage, no slope", 1.5, 0, 0, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			value, slope, clipped := grpo.Clipped(ln(c.ratio), 0, c.advantage, .2, .2)
			require.InDelta(t, c.value, value, 1e-12)
			if c.ratio != 1.2 { // exp(ln 1.2) rounds to either side of the bound
				require.InDelta(t, c.slope, slope, 1e-12)
				require.Equal(t, c.clipped, clipped)
			}
		})
	}
	value, slope, clipped := grpo.Clipped(ln(1.25), 0, 1, .2, .28)
	require.InDelta(t, 1.25, value, 1e-12, "an asymmetric bound lets good tokens rise further")
	require.InDelta(t, 1.25, slope, 1e-12)
	require.False(t, clipped)
}

func TestKLByHand(t *testing.T) {
	// r = π_ref/π_θ = 1/2.
	logProb, ref := math.Log(.5), math.Log(.25)
	for kl, want := range map[grpo.KL]float64{grpo.K1: math.Ln2, grpo.K2: math.Ln2 * math.Ln2 / 2, grpo.K3: .5 - 1 + math.Ln2} {
		got, _ := kl.Estimate(logProb, ref)
		require.InDelta(t, want, got, 1e-12, kl)
		same, _ := kl.Estimate(ref, ref)
		require.Zero(t, same)
	}
}

// TestKLExpectation: over a whole distribution, k1 and k3 have the KL as their expectation under π_θ.
func TestKLExpectation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, q := distribution(t, "p"), distribution(t, "q")
		exact, k1, k3 := 0.0, 0.0, 0.0
		for i := range p {
			exact += p[i] * math.Log(p[i]/q[i])
			a, _ := grpo.K1.Estimate(math.Log(p[i]), math.Log(q[i]))
			b, _ := grpo.K3.Estimate(math.Log(p[i]), math.Log(q[i]))
			require.GreaterOrEqual(t, b, -1e-15, "k3 is never negative")
			k1, k3 = k1+p[i]*a, k3+p[i]*b
		}
		require.InDelta(t, exact, k1, 1e-12)
		require.InDelta(t, exact, k3, 1e-12)
	})
}

func distribution(t *rapid.T, name string) []float64 {
	p := rapid.SliceOfN(rapid.Float64Range(.01, 1), 4, 4).Draw(t, name)
	sum := 0.0
	for _, x := range p {
		sum += x
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// TestSlopes holds each derivative against a central difference, away from the kinks.
func TestSlopes(t *testing.T) {
	const h = 1e-6
	rapid.Check(t, func(t *rapid.T) {
		logProb := rapid.Float64Range(-3, 0).Draw(t, "log π_θ")
		old := logProb + rapid.Float64Range(-1, 1).Draw(t, "log π_old − log π_θ")
		ref := logProb + rapid.Float64Range(-1, 1).Draw(t, "log π_ref − log π_θ")
		a := rapid.Float64Range(-2, 2).Draw(t, "A")
		for _, kl := range []grpo.KL{grpo.K1, grpo.K2, grpo.K3} {
			s := grpo.Surrogate{ClipLow: .2, ClipHigh: .28, KL: kl, KLCoef: .3, Temperature: 1}
			targets := []grpo.Target{{Advantage: a, OldLogProb: old, RefLogProb: ref, Weight: .7}}
			ratio := math.Exp(logProb - old)
			if math.Abs(ratio-.8) < 1e-4 || math.Abs(ratio-1.28) < 1e-4 {
				t.Skip("at a kink")
			}
			_, slope := s.Loss(targets, []float64{logProb}, nil)
			up, _ := s.Loss(targets, []float64{logProb + h}, nil)
			down, _ := s.Loss(targets, []float64{logProb - h}, nil)
			require.InDelta(t, (up.Loss-down.Loss)/(2*h), slope[0], 1e-6)
		}
	})
}

func TestSurrogateValidate(t *testing.T) {
	good := grpo.Surrogate{ClipLow: .2, ClipHigh: .2, Temperature: 1}
	require.NoError(t, good.Validate())
	for name, spoil := range map[string]func(*grpo.Surrogate){
		"clip_low": func(s *grpo.Surrogate) { s.ClipLow = 1.5 }, "clip_high": func(s *grpo.Surrogate) { s.ClipHigh = math.NaN() },
		"kl_coef": func(s *grpo.Surrogate) { s.KLCoef = .1 }, "kl_coef is +Inf": func(s *grpo.Surrogate) { s.KL, s.KLCoef = grpo.K3, math.Inf(1) }, "k9": func(s *grpo.Surrogate) { s.KL = "k9" },
		"temperature": func(s *grpo.Surrogate) { s.Temperature = 0 }, "entropy_coef": func(s *grpo.Surrogate) { s.EntropyCoef = math.Inf(1) },
	} {
		s := good
		spoil(&s)
		require.ErrorContains(t, s.Validate(), name)
	}
}
