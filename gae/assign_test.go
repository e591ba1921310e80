package gae_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/gae"
	"searchrl/grpo"
	"searchrl/rollout"
)

// critic values a token by its id, a hundredth each, and remembers what it was asked about.
type critic struct {
	grpo.Critic
	asked []grpo.Target
	err   error
	short bool
}

func (c *critic) Values(_ context.Context, batch grpo.Batch) ([]float64, error) {
	c.asked = batch.Targets
	values := make([]float64, len(batch.Targets))
	for j, t := range batch.Targets {
		values[j] = float64(batch.Trees[t.Tree].Segments[t.Segment].Tokens[t.Index]) / 100
	}
	if c.short {
		values = values[1:]
	}
	return values, c.err
}

// branch adds a path below the prompt: negative ids are the environment's tokens.
func branch(tree *rollout.Tree, reward float64, segments ...rollout.Segment) {
	leaf := 0
	for _, s := range segments {
		s.Parent = leaf
		if s.Kind != rollout.Documents && s.Kind != rollout.Notice {
			s.LogProbs = make([]float64, len(s.Tokens))
		}
		leaf = tree.Add(s)
	}
	tree.Trajectories = append(tree.Trajectories, rollout.Trajectory{Leaf: leaf, Reward: reward})
}

func twoPaths() *rollout.Tree {
	tree := &rollout.Tree{}
	tree.Add(rollout.Segment{Parent: rollout.NoParent, Kind: rollout.Prompt, Tokens: []int{90, 91}})
	branch(tree, 1,
		rollout.Segment{Kind: rollout.Query, Tokens: []int{10, 20}, Rewards: []rollout.Reward{{Name: "a", Value: .5}, {Name: "b", Value: -.25}}},
		rollout.Segment{Kind: rollout.Documents, Tokens: []int{99, 98, 97}},
		rollout.Segment{Kind: rollout.Answer, Tokens: []int{30}})
	branch(tree, -1,
		rollout.Segment{Kind: rollout.Invalid, Tokens: []int{40}},
		rollout.Segment{Kind: rollout.Notice, Tokens: []int{96}})
	return tree
}

// TestAssign: values are asked for sampled tokens alone; the documents are skipped, in the discount and in the values; the reward
// of the path that ends with a notice lands on the last sampled token.
func TestAssign(t *testing.T) {
	tree, c := twoPaths(), &critic{}
	metrics, err := gae.Estimator{Gamma: .5, Lambda: .5}.Assign(t.Context(), c, []*rollout.Tree{tree})
	require.NoError(t, err)
	require.NoError(t, tree.Validate())
	require.Len(t, c.asked, 4)
	// δ = (0 + .5·.2 − .1, .25 + .5·.3 − .2, 1 − .3) = (0, .2, .7)
	require.InDeltaSlice(t, []float64{.25 * (.2 + .25*.7), .2 + .25*.7}, tree.Segments[1].Advantages, 1e-12)
	require.InDeltaSlice(t, []float64{.7}, tree.Segments[3].Advantages, 1e-12)
	require.InDeltaSlice(t, []float64{-1.4}, tree.Segments[4].Advantages, 1e-12)
	for _, s := range []int{0, 2, 5} {
		require.Nil(t, tree.Segments[s].Advantages)
		require.Nil(t, tree.Segments[s].Values)
		require.Nil(t, tree.Segments[s].Returns)
	}
	require.Equal(t, []float64{.1, .2}, tree.Segments[1].Values)
	require.InDeltaSlice(t, []float64{-1}, tree.Segments[4].Returns, 1e-12)
	require.InDelta(t, .25, metrics[grpo.MetricValue], 1e-12)
	require.InDelta(t, (.19375+.575+1-1)/4, metrics[grpo.MetricReturn], 1e-12)
	require.Equal(t, 10., metrics[grpo.MetricScoredTokens])
	require.Less(t, metrics[grpo.MetricExplained], 1.)
}

// TestWhitenedAssign: advantages have mean 0 and variance 1 over all trees' sampled tokens; returns are those of before.
func TestWhitenedAssign(t *testing.T) {
	plain, white := []*rollout.Tree{twoPaths(), twoPaths()}, []*rollout.Tree{twoPaths(), twoPaths()}
	white[1].Trajectories[0].Reward, plain[1].Trajectories[0].Reward = 3, 3
	_, err := gae.Estimator{Gamma: 1, Lambda: 1}.Assign(t.Context(), &critic{}, plain)
	require.NoError(t, err)
	_, err = gae.Estimator{Gamma: 1, Lambda: 1, Whiten: true}.Assign(t.Context(), &critic{}, white)
	require.NoError(t, err)
	var raw, got []float64
	for i := range plain {
		for s := range plain[i].Segments {
			raw = append(raw, plain[i].Segments[s].Advantages...)
			got = append(got, white[i].Segments[s].Advantages...)
			require.Equal(t, plain[i].Segments[s].Returns, white[i].Segments[s].Returns)
		}
	}
	require.Equal(t, gae.Whiten(raw), got)
}

// TestAssignTwice: what an earlier call set does not matter.
func TestAssignTwice(t *testing.T) {
	once, twice := twoPaths(), twoPaths()
	e := gae.Estimator{Gamma: .9, Lambda: .9, Whiten: true}
	for _, trees := range [][]*rollout.Tree{{once}, {twice}, {twice}} {
		_, err := e.Assign(t.Context(), &critic{}, trees)
		require.NoError(t, err)
	}
	require.Equal(t, once, twice)
}

// TestUnfinishedPaths: a segment on no trajectory, such as a draft that was given up, is not trained.
func TestUnfinishedPaths(t *testing.T) {
	tree := twoPaths()
	tree.Trajectories = tree.Trajectories[:1]
	_, err := gae.Estimator{Gamma: 1, Lambda: 1}.Assign(t.Context(), &critic{}, []*rollout.Tree{tree})
	require.NoError(t, err)
	require.NoError(t, tree.Validate())
	require.Nil(t, tree.Segments[4].Advantages)
	require.Nil(t, tree.Segments[4].Values)
	require.Len(t, grpo.ValueTargets([]*rollout.Tree{tree}), 3)
}

func TestAssignErrors(t *testing.T) {
	e, ctx := gae.Estimator{Gamma: 1, Lambda: 1}, t.Context()
	assign := func(e gae.Estimator, c grpo.Critic, tree *rollout.Tree) error {
		_, err := e.Assign(ctx, c, []*rollout.Tree{tree})
		return err
	}
	require.ErrorContains(t, assign(e, nil, twoPaths()), "no critic")
	require.ErrorContains(t, assign(e, &critic{err: errors.New("gone")}, twoPaths()), "asking the critic: gone")
	require.ErrorContains(t, assign(e, &critic{short: true}, twoPaths()), "valued 3 of 4")
	require.ErrorContains(t, assign(gae.Estimator{Gamma: 1.1}, &critic{}, twoPaths()), "γ is 1.1")
	require.ErrorContains(t, assign(gae.Estimator{Lambda: math.NaN()}, &critic{}, twoPaths()), "λ is NaN")
	shared := twoPaths()
	shared.Trajectories = append(shared.Trajectories, shared.Trajectories[0])
	require.ErrorContains(t, assign(e, &critic{}, shared), "shares segment 1 (query)")
	spoilt := twoPaths()
	spoilt.Trajectories[1].Reward = math.Inf(1)
	require.ErrorContains(t, assign(e, &critic{}, spoilt), "trajectory 1: an advantage is +Inf")
}
