package grpo

import (
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/rollout"
)

// twoPaths is a prompt with two trajectories of 2 and 4 sampled tokens; the longer one has a document in its middle.
func twoPaths() *rollout.Tree {
	tree := &rollout.Tree{}
	root := tree.Add(rollout.Segment{Parent: rollout.NoParent, Kind: rollout.Prompt, Tokens: []int{1, 2, 3}})
	short := tree.Add(rollout.Segment{Parent: root, Kind: rollout.Answer, Tokens: []int{4, 5}, LogProbs: []float64{-1, -2}})
	query := tree.Add(rollout.Segment{Parent: root, Kind: rollout.Query, Tokens: []int{6, 7}, LogProbs: []float64{-3, -4}})
	docs := tree.Add(rollout.Segment{Parent: query, Kind: rollout.Documents, Tokens: []int{8, 9, 10}})
	long := tree.Add(rollout.Segment{Parent: docs, Kind: rollout.Answer, Tokens: []int{11, 12}, LogProbs: []float64{-5, -6}})
	tree.Trajectories = []rollout.Trajectory{{Leaf: short}, {Leaf: long}}
	return tree
}

func TestTargetsNeverHoldWhatTheEnvironmentInserted(t *testing.T) {
	tree := twoPaths()
	SetAdvantage(tree, tree.Trajectories[0].Leaf, 1)
	SetAdvantage(tree, tree.Trajectories[1].Leaf, -1)
	for how, weights := range map[Aggregation][2]float64{TokenMean: {1. / 6, 1. / 6}, SequenceMean: {1. / 4, 1. / 8}} {
		targets, err := Targets([]*rollout.Tree{tree}, how)
		require.NoError(t, err)
		require.Len(t, targets, 6)
		sum := 0.0
		for _, target := range targets {
			segment := tree.Segments[target.Segment]
			require.True(t, segment.Sampled(), "segment of kind %s", segment.Kind)
			require.Equal(t, segment.LogProbs[target.Index], target.OldLogProb)
			i := 0
			if target.Advantage < 0 {
				i = 1
			}
			require.InDelta(t, weights[i], target.Weight, 1e-15, "%s, trajectory %d", how, i)
			sum += target.Weight
		}
		require.InDelta(t, 1, sum, 1e-12)
	}
}

func TestSetStepAdvantage(t *testing.T) {
	tree := twoPaths()
	thought := tree.Add(rollout.Segment{Parent: 3, Kind: rollout.Think, Tokens: []int{13}, LogProbs: []float64{-7}})
	last := tree.Add(rollout.Segment{Parent: thought, Kind: rollout.Answer, Tokens: []int{14, 15}, LogProbs: []float64{-8, -9}})
	steps := tree.Steps(last)
	require.Len(t, steps, 2)
	SetStepAdvantage(tree, steps[0], 1)
	SetStepAdvantage(tree, steps[1], 2)
	require.NoError(t, tree.Validate())
	var got [][]float64
	for _, s := range tree.Path(last) {
		got = append(got, tree.Segments[s].Advantages)
	}
	require.Equal(t, [][]float64{nil, {1, 1}, nil, {2}, {2, 2}}, got, "the step's own tokens, thought included, and no documents")
}

func TestMovingLeavesTheLossAsItIs(t *testing.T) {
	tree, dead := twoPaths(), twoPaths()
	SetAdvantage(tree, tree.Trajectories[0].Leaf, 1)
	SetAdvantage(tree, tree.Trajectories[1].Leaf, 0)
	SetAdvantage(dead, dead.Trajectories[0].Leaf, 0)
	all, err := Targets([]*rollout.Tree{dead, tree}, TokenMean)
	require.NoError(t, err)
	s := Surrogate{ClipLow: .2, ClipHigh: .2, Temperature: 1}
	few := compact(Batch{Trees: []*rollout.Tree{dead, tree}, Targets: moving(all, s)})
	require.Len(t, few.Targets, 2)
	require.Equal(t, []*rollout.Tree{tree}, few.Trees, "a dead tree does not go through the transformer")
	require.Zero(t, few.Targets[0].Tree)
	want, _ := s.Loss(all, make([]float64, len(all)), nil)
	got, _ := s.Loss(few.Targets, make([]float64, len(few.Targets)), nil)
	require.InDelta(t, want.Loss, got.Loss, 1e-15)

	s.KL, s.KLCoef = K3, .1
	require.Len(t, moving(all, s), len(all), "with a KL term every token moves")
	s.KLCoef, s.EntropyCoef = 0, .1
	require.Len(t, moving(all, s), len(all), "with an entropy term, too")
}

func TestTargetsRejectABrokenTree(t *testing.T) {
	tree := twoPaths()
	tree.Segments[3].Advantages = []float64{1, 1, 1} // documents
	_, err := Targets([]*rollout.Tree{tree}, TokenMean)
	require.ErrorContains(t, err, "segment 3 (documents)")
	_, err = Targets([]*rollout.Tree{twoPaths()}, "median")
	require.ErrorContains(t, err, `aggregation "median"`)
}

func TestSplitCoversEverythingOnce(t *testing.T) {
	for n := range 9 {
		for parts := 1; parts < 5; parts++ {
			perm := make([]int, n)
			for i := range perm {
				perm[i] = i
			}
			var joined []int
			for _, part := range split(perm, parts) {
				require.InDelta(t, float64(n)/float64(parts), len(part), 1)
				joined = append(joined, part...)
			}
			require.ElementsMatch(t, perm, joined)
		}
	}
}

// TestStepMean: each step weighs the same, also one that no trajectory goes through.
func TestStepMean(t *testing.T) {
	tree := twoPaths()
	think := tree.Add(rollout.Segment{Kind: rollout.Think, Tokens: []int{1, 2, 3}, LogProbs: []float64{-1, -1, -1}, Advantages: []float64{1, 1, 1}})
	tree.Add(rollout.Segment{Parent: think, Kind: rollout.Query, Tokens: []int{4}, LogProbs: []float64{-1}, Advantages: []float64{1}})
	SetAdvantage(tree, tree.Trajectories[0].Leaf, 1)
	SetAdvantage(tree, tree.Trajectories[1].Leaf, -1)
	targets, err := Targets([]*rollout.Tree{tree}, StepMean)
	require.NoError(t, err)
	require.Len(t, targets, 10)
	weights := make([]float64, len(tree.Segments))
	for _, target := range targets {
		weights[target.Segment] += target.Weight
	}
	require.InDeltaSlice(t, []float64{0, 1. / 4, 1. / 4, 0, 1. / 4, 3. / 16, 1. / 16}, weights, 1e-15)
}

// TestStepsOfStepMean: what was refined and thought before an action is of its step, and an invalid action ends one as well.
func TestStepsOfStepMean(t *testing.T) {
	tree := &rollout.Tree{}
	leaf := tree.Add(rollout.Segment{Parent: rollout.NoParent, Kind: rollout.Prompt, Tokens: []int{1}})
	for _, kind := range []rollout.Kind{rollout.Think, rollout.Query, rollout.Documents, rollout.Refine, rollout.Think, rollout.Answer, rollout.Notice, rollout.Invalid} {
		s := rollout.Segment{Parent: leaf, Kind: kind, Tokens: []int{2, 3}}
		if kind != rollout.Documents && kind != rollout.Notice {
			s.LogProbs = []float64{-1, -1}
		}
		leaf = tree.Add(s)
	}
	SetAdvantage(tree, leaf, 1)
	targets, err := Targets([]*rollout.Tree{tree}, StepMean)
	require.NoError(t, err)
	weights := make([]float64, len(tree.Segments))
	for _, target := range targets {
		weights[target.Segment] += target.Weight
	}
	require.InDeltaSlice(t, []float64{0, 1. / 6, 1. / 6, 0, 1. / 9, 1. / 9, 1. / 9, 0, 1. / 3}, weights, 1e-15)
}
