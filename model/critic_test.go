package model

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/stretchr/testify/require"

	"searchrl/accel"
	"searchrl/grpo"
	"searchrl/plain"
	"searchrl/rollout"
)

var criticStep = grpo.AdamW{LearningRate: 1e-2, Beta1: .9, Beta2: .999, Epsilon: 1e-8, MaxGradNorm: 1}

// valued is a batch of one path whose tokens have random old values and returns.
func valued(tokens []int) grpo.Batch {
	rng := rand.New(rand.NewPCG(5, 6))
	batch := grpo.Batch{Trees: []*rollout.Tree{chain(tokens)}}
	for j := 1; j < len(tokens); j++ {
		batch.Targets = append(batch.Targets, grpo.Target{Index: j, OldValue: rng.NormFloat64(), Return: rng.NormFloat64(), Weight: .1})
	}
	return batch
}

// parameters are the critic's, by name.
func parameters(t *testing.T, m *Model) map[string][]float32 {
	c, err := m.openCritic()
	require.NoError(t, err)
	out := map[string][]float32{}
	for i, name := range c.names {
		out[name], err = tensors.CopyFlatData[float32](c.params[i])
		require.NoError(t, err)
	}
	return out
}

// setParameter puts new values into one of the critic's parameters.
func setParameter(t *testing.T, m *Model, name string, data []float32) {
	c, err := m.openCritic()
	require.NoError(t, err)
	i := slices.Index(c.names, name)
	require.GreaterOrEqual(t, i, 0)
	fresh, err := c.upload(data, c.params[i].Shape().Dimensions...)
	require.NoError(t, err)
	release(c.params[i])
	c.params[i] = fresh
}

// TestValuesArePlainHiddenStates: a value is w·h + b at the token before. With w an embedding and a tied output head that is
// one logit, which the network in plain Go gives, too.
func TestValuesArePlainHiddenStates(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *accel.Backend) {
		m := newModel(t, b, tiny, Options{})
		w, err := m.Weights()
		require.NoError(t, err)
		slow, err := plain.New(tiny, w, nil)
		require.NoError(t, err)
		const word, bias = 7, .25
		embedding := w["model.embed_tokens.weight"].Data
		setParameter(t, m, valueWeight, embedding[word*tiny.HiddenSize:(word+1)*tiny.HiddenSize])
		setParameter(t, m, valueBias, []float32{bias})
		batch := valued([]int{1, 2, 3, 4, 5, 6, 7, 8})
		values, err := m.Values(t.Context(), batch)
		require.NoError(t, err)
		logits, err := slow.Logits(batch.Trees[0].Segments[0].Tokens)
		require.NoError(t, err)
		for j, target := range batch.Targets {
			require.InDelta(t, logits[target.Index-1][word]+bias, values[j], 1e-4, "token %d", target.Index)
		}
	})
}

// TestCriticBeginsAtZeroAndLearns: all values are exactly 0 at first; fitting brings them to the returns, and neither
// network feels the other's steps.
func TestCriticBeginsAtZeroAndLearns(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *accel.Backend) {
		m := newModel(t, b, tiny, Options{})
		ctx := t.Context()
		batch := valued([]int{1, 2, 3, 4, 5, 6, 7, 8})
		for j := range batch.Targets {
			batch.Targets[j].Weight = 1 / float64(len(batch.Targets))
		}
		values, err := m.Values(ctx, batch)
		require.NoError(t, err)
		require.Equal(t, make([]float64, len(values)), values)
		before, err := m.Weights()
		require.NoError(t, err)
		var first, last grpo.ValueUpdate
		for i := range 150 {
			last, err = m.Fit(ctx, batch, grpo.ValueLoss{}, criticStep)
			require.NoError(t, err)
			if i == 0 {
				first = last
			}
		}
		want, _ := grpo.ValueLoss{}.Loss(batch.Targets, values)
		require.InDelta(t, want.Loss, first.Loss, 1e-12, "the loss is that before the step")
		require.Positive(t, first.GradNorm)
		require.Positive(t, first.ComputedTokens)
		require.Less(t, last.Loss, first.Loss/50)
		after, err := m.Weights()
		require.NoError(t, err)
		require.Equal(t, before, after, "the critic's steps leave the policy alone")

		values, err = m.Values(ctx, batch)
		require.NoError(t, err)
		_, err = m.Imitate(ctx, batch, criticStep)
		require.NoError(t, err)
		same, err := m.Values(ctx, batch)
		require.NoError(t, err)
		require.Equal(t, values, same, "the policy's steps leave the critic alone")
	})
}

// TestValueGradient compares the compiled gradient with central differences of grpo.ValueLoss.Loss, along random directions.
// The critic has moved before, so the value head is not 0 and all parameters have gradients.
func TestValueGradient(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *accel.Backend) {
		m := newModel(t, b, tiny, Options{})
		batch := valued([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
		rng := rand.New(rand.NewPCG(7, 8))
		head := make([]float32, tiny.HiddenSize)
		for i := range head {
			head[i] = float32(.5 * rng.NormFloat64())
		}
		setParameter(t, m, valueWeight, head)
		for _, loss := range []grpo.ValueLoss{{}, {Clip: .2}} {
			c, p, err := m.valuing(batch)
			require.NoError(t, err)
			sum, values, err := c.valueGradients(t.Context(), p, loss, batch.Targets)
			require.NoError(t, err)
			u, _ := loss.Loss(batch.Targets, values)
			require.Equal(t, loss.Clip > 0, u.ClipFraction > 0)
			start, slope, step := parameters(t, m), 0.0, 1e-3
			direction := map[string][]float64{}
			for i, name := range c.names {
				g, err := fetch[float32](sum[i])
				require.NoError(t, err)
				require.Positive(t, largest64(g), "%s has a gradient", name)
				for _, x := range g {
					d := rng.NormFloat64()
					direction[name] = append(direction[name], d)
					slope += d * float64(x)
				}
			}
			var at [2]float64
			for side, sign := range []float64{-1, 1} {
				for name, from := range start {
					moved := make([]float32, len(from))
					for i := range from {
						moved[i] = from[i] + float32(sign*step*direction[name][i])
					}
					setParameter(t, m, name, moved)
				}
				values, err := m.Values(t.Context(), batch)
				require.NoError(t, err)
				u, _ := loss.Loss(batch.Targets, values)
				at[side] = u.Loss
			}
			for name, from := range start {
				setParameter(t, m, name, from)
			}
			require.InDelta(t, (at[1]-at[0])/(2*step), slope, .01*math.Abs(slope)+1e-3, "%+v", loss)
		}
	})
}

func largest64(xs []float32) float64 {
	top := 0.0
	for _, x := range xs {
		top = max(top, math.Abs(float64(x)))
	}
	return top
}

// TestCriticOnTrees: values of a packed forest are those of its paths, one by one.
func TestCriticOnTrees(t *testing.T) {
	m := newModel(t, openBackend(t, "go"), tiny, Options{RowTokens: 128, Workers: 2})
	batch := typicalBatch(rand.New(rand.NewPCG(1, 1)), 2, tiny.VocabSize)
	head := make([]float32, tiny.HiddenSize)
	for i := range head {
		head[i] = float32(i%3) - 1
	}
	setParameter(t, m, valueWeight, head)
	got, err := m.Values(t.Context(), batch)
	require.NoError(t, err)
	want, err := m.Values(t.Context(), onePathPerTree(batch))
	require.NoError(t, err)
	requireClose(t, want, got, tolerance, "values")
}

// TestUntiedCritic: the critic has no output head, so none is trained or kept.
func TestUntiedCritic(t *testing.T) {
	cfg := tiny
	cfg.TieEmbeddings = false
	m := newModel(t, openBackend(t, "go"), cfg, Options{})
	_, err := m.Fit(t.Context(), valued([]int{1, 2, 3, 4}), grpo.ValueLoss{Clip: .5}, criticStep)
	require.NoError(t, err)
	require.NotContains(t, parameters(t, m), "lm_head.weight")
	require.Positive(t, m.Programs())
}

func TestCriticRefusesAndCloses(t *testing.T) {
	m := newModel(t, openBackend(t, "go"), tiny, Options{})
	ctx := context.Background()
	good := valued([]int{1, 2, 3})
	spoilt := valued([]int{1, 2, 3})
	spoilt.Targets[0].Return = math.NaN()
	far := valued([]int{1, 2, 3})
	far.Targets[0].Return = 1e300
	for want, call := range map[string]func() error{
		"return is NaN": func() error { _, err := m.Fit(ctx, spoilt, grpo.ValueLoss{}, criticStep); return err },
		"no targets": func() error {
			_, err := m.Fit(ctx, grpo.Batch{Trees: good.Trees}, grpo.ValueLoss{}, criticStep)
			return err
		},
		"clip is -1":           func() error { _, err := m.Fit(ctx, good, grpo.ValueLoss{Clip: -1}, criticStep); return err },
		"learning_rate is -1":  func() error { _, err := m.Fit(ctx, good, grpo.ValueLoss{}, grpo.AdamW{LearningRate: -1}); return err },
		"as they were":         func() error { _, err := m.Fit(ctx, far, grpo.ValueLoss{}, criticStep); return err },
		"target 0: its return": func() error { _, err := m.Values(ctx, spoilt); return err },
	} {
		require.ErrorContains(t, call(), want)
	}
	values, err := m.Values(ctx, good)
	require.NoError(t, err)
	require.Equal(t, make([]float64, len(values)), values, "nothing changed")

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = m.Values(cancelled, good)
	require.ErrorIs(t, err, context.Canceled)

	m.Close()
	_, err = m.Values(ctx, good)
	require.ErrorContains(t, err, "Close")
	_, err = m.Fit(ctx, good, grpo.ValueLoss{}, criticStep)
	require.ErrorContains(t, err, "Close")

	never := newModel(t, openBackend(t, "go"), tiny, Options{})
	never.Close()
	_, err = never.Values(ctx, good)
	require.ErrorContains(t, err, "Close")
}
