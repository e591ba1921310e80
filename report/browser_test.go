package report

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/qa"
	"searchrl/rollout"
)

func tokens(ids []int) []string { return make([]string, len(ids)) }

// A tree that is too large, and those that would make the page too large, are counted instead.
func TestBrowserIsBounded(t *testing.T) {
	tree := func(size int) *rollout.Tree {
		tree := &rollout.Tree{Question: qa.Question{ID: "q"}}
		tree.Add(rollout.Segment{Parent: rollout.NoParent, Kind: rollout.Prompt, Text: strings.Repeat("x", size)})
		return tree
	}
	b := &Browser{}
	require.NoError(t, b.Add("m", 0, []*rollout.Tree{tree(10), tree(MostTreeBytes), tree(100)}, tokens))
	require.Len(t, b.Trees, 2)
	require.Equal(t, 1, b.LeftOut)
	for range 2 * MostBytes / MostTreeBytes {
		require.NoError(t, b.Add("m", 1, []*rollout.Tree{tree(MostTreeBytes - 1000)}, tokens))
	}
	require.LessOrEqual(t, b.bytes, MostBytes)
	require.Greater(t, b.bytes, MostBytes-MostTreeBytes)
	require.Greater(t, b.LeftOut, 60)
}

func TestNewTree(t *testing.T) {
	tree := &rollout.Tree{Question: qa.Question{ID: "q", Text: "why?", Answers: []string{"so"}}}
	root := tree.Add(rollout.Segment{Parent: rollout.NoParent, Kind: rollout.Prompt, Tokens: []int{1, 2}, Text: "why?"})
	leaf := tree.Add(rollout.Segment{Parent: root, Kind: rollout.Answer, Tokens: []int{3, 4}, Text: "so", Value: "so",
		LogProbs: []float64{-0.12345, math.Inf(-1)}, Advantages: []float64{0.12345, 0.12345}, Rewards: []rollout.Reward{{Name: "em", Value: 1}}})
	tree.Trajectories = []rollout.Trajectory{{Leaf: leaf, End: rollout.Answered, Answer: "so", Reward: 1}}
	b := &Browser{}
	require.NoError(t, b.Add("m", 3, []*rollout.Tree{tree}, tokens))
	require.Equal(t, Tree{Method: "m", Step: 3, Question: "q", Text: "why?", Gold: []string{"so"},
		Segments: []Segment{
			{Parent: -1, Kind: rollout.Prompt, Pieces: []string{"why?"}},
			{Parent: 0, Kind: rollout.Answer, Value: "so", Pieces: []string{"", ""}, LogProbs: []float64{-0.123, 0}, Advantages: []float64{0.123},
				Rewards: []rollout.Reward{{Name: "em", Value: 1}}},
		},
		Trajectories: []Trajectory{{Leaf: 1, End: rollout.Answered, Answer: "so", Reward: 1}}}, b.Trees[0])
}

func TestFormats(t *testing.T) {
	for want, got := range map[string]string{
		"0.500": Decimals(3)(0.5), "−0.50": Decimals(2)(-0.5), "0.00": Decimals(2)(-0.001), "+0.250": Signed(3)(0.25), "−1.0": Signed(1)(-1),
		"1,234,567": Thousands(1234567), "-1,234": Thousands(-1234), "7": Thousands(7),
	} {
		require.Equal(t, want, got)
	}
}
