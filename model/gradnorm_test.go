package model

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/grpo"
	"searchrl/rollout"
)

// GradNorm is the norm that Step reports, and moves nothing.
func TestGradNorm(t *testing.T) {
	tree := chain([]int{1, 2, 3})
	tree.Add(rollout.Segment{Parent: 0, Tokens: []int{4, 5}, LogProbs: []float64{-1, -1}})
	tree.Add(rollout.Segment{Parent: 0, Tokens: []int{6, 7, 8}, LogProbs: []float64{-1, -1, -1}})
	batch := grpo.Batch{Trees: []*rollout.Tree{tree}, Targets: []grpo.Target{
		{Segment: 1, Index: 1, Advantage: 1, OldLogProb: -4, Weight: .5}, {Segment: 2, Index: 2, Advantage: -1, OldLogProb: -4, Weight: .5}}}
	for _, s := range surrogates {
		m := newModel(t, openBackend(t, "go"), tiny, Options{})
		before, err := m.Weights()
		require.NoError(t, err)
		norm, err := m.GradNorm(context.Background(), batch, s)
		require.NoError(t, err)
		after, err := m.Weights()
		require.NoError(t, err)
		require.Equal(t, before, after)
		update, err := m.Step(context.Background(), batch, s, imitationAdam)
		require.NoError(t, err)
		require.InEpsilon(t, update.GradNorm, norm, 1e-6)
		_, err = m.GradNorm(context.Background(), grpo.Batch{Trees: batch.Trees}, s)
		require.ErrorContains(t, err, "no targets")
	}
}
