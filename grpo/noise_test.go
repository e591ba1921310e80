package grpo

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/rollout"
)

// GradNorm makes the bandit a GradientMeter.
func (b *bandit) GradNorm(ctx context.Context, batch Batch, s Surrogate) (float64, error) {
	g := b.gradient(ctx, batch, s)
	return math.Sqrt(g[0]*g[0] + g[1]*g[1] + g[2]*g[2]), nil
}

func (b *bandit) gradient(ctx context.Context, batch Batch, s Surrogate) (g [3]float64) {
	logProbs, _ := b.LogProbs(ctx, batch, s.Temperature)
	_, slopes := s.Loss(batch.Targets, logProbs, nil)
	p := b.probs()
	for j, t := range batch.Targets {
		arm := batch.Trees[t.Tree].Segments[t.Segment].Tokens[t.Index]
		for i := range g {
			indicator := 0.0
			if i == arm {
				indicator = 1
			}
			g[i] += slopes[j] * (indicator - p[i])
		}
	}
	return g
}

// The mean of the estimates over many steps is the variance of the gradient over those steps, component by component.
func TestGradientNoiseIsTheVariance(t *testing.T) {
	b, asked := &bandit{}, []string{}
	config := settings()
	config.Questions, config.MiniBatches, config.Aggregation = 6, 1, SequenceMean
	trainer, err := NewTrainer(b, nil, &rollout.Env{}, pull{b, 8, &asked}, questions(6), config, 0)
	require.NoError(t, err)
	const n = 4000
	var sum, squares [3]float64
	estimate, squared := 0.0, 0.0
	for range n {
		rollouts, err := trainer.Collect(context.Background())
		require.NoError(t, err)
		noise, ok, err := trainer.GradientNoise(context.Background(), rollouts)
		require.NoError(t, err)
		require.True(t, ok)
		batch, err := trainer.batch(context.Background(), rollouts.Trees, []int{0, 1, 2, 3, 4, 5})
		require.NoError(t, err)
		g := b.gradient(context.Background(), batch, config.Surrogate)
		for i := range g {
			sum[i] += g[i]
			squares[i] += g[i] * g[i]
		}
		estimate += noise.Variance / n
		squared += noise.Squared / n
		trainer.step++ // the next random streams, at the same weights
	}
	variance, all := 0.0, 0.0
	for i := range sum {
		variance += squares[i]/n - sum[i]/n*sum[i]/n
		all += squares[i] / n
	}
	require.InDelta(t, all, squared, 1e-12)
	// The seeds are fixed: this compares one number with another, with no chance of a false alarm.
	require.InEpsilon(t, variance, estimate, 0.05)
	require.Less(t, variance, all, "the mean gradient is not 0")
}

func TestHalvesNoise(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		var a, b, sum, difference [4]float64
		norm := func(x [4]float64) float64 { return math.Sqrt(x[0]*x[0] + x[1]*x[1] + x[2]*x[2] + x[3]*x[3]) }
		for i := range a {
			a[i], b[i] = rng.NormFloat64(), rng.NormFloat64()
			sum[i], difference[i] = a[i]+b[i], a[i]-b[i]
		}
		noise := halvesNoise(norm(sum), norm(a), norm(b))
		require.InDelta(t, norm(difference)*norm(difference), noise.Variance, 1e-12)
		require.InDelta(t, norm(sum)*norm(sum), noise.Squared, 1e-12)
	}
	require.Zero(t, halvesNoise(2, 1, 1).Variance, "halves that agree")
}

// Measuring changes neither the weights nor what training draws; trees of one question stay in one half; a learner that
// cannot tell norms is no error.
func TestGradientNoiseChangesNothing(t *testing.T) {
	b, asked := &bandit{}, []string{}
	trainer, err := NewTrainer(b, nil, &rollout.Env{}, pull{b, 8, &asked}, questions(6), settings(), 0)
	require.NoError(t, err)
	rollouts, err := trainer.Collect(context.Background())
	require.NoError(t, err)
	_, ok, err := trainer.GradientNoise(context.Background(), rollouts)
	require.NoError(t, err)
	require.True(t, ok)
	require.Zero(t, b.steps)
	_, err = trainer.Update(context.Background(), rollouts)
	require.NoError(t, err)
	plain, _ := play(t, 1, -1, nil, settings())
	require.Equal(t, plain.logits, b.logits)

	double := append(rollouts.Trees, rollouts.Trees...)
	half := trainer.halve(double)
	require.Len(t, half, 2, "of 4 questions")

	trainer.learner = struct{ Learner }{b} // hides GradNorm
	_, ok, err = trainer.GradientNoise(context.Background(), rollouts)
	require.NoError(t, err)
	require.False(t, ok)
}
