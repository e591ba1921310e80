package rollout_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/rollout"
)

func TestShare(t *testing.T) {
	trees, ends := rollout.Share([][]int{{1, 2, 3}, {1, 2, 4, 5}, {7}, {1, 2}, {1, 2, 3}})
	require.Len(t, trees, 2)
	require.Equal(t, []rollout.Place{{Tree: 0, Segment: 1}, {Tree: 0, Segment: 2}, {Tree: 1, Segment: 0}, {Tree: 0, Segment: 0}, {Tree: 0, Segment: 1}}, ends)
	require.Equal(t, []int{1, 2}, trees[0].Segments[0].Tokens)
	require.Equal(t, []int{4, 5}, trees[0].Segments[2].Tokens)
}

// TestShareIsATrie: every sequence is spelled by the path to its end, and no two children of a segment begin alike, so
// that what is common stands once.
func TestShareIsATrie(t *testing.T) {
	sequence := rapid.SliceOfN(rapid.IntRange(0, 2), 1, 8)
	rapid.Check(t, func(t *rapid.T) {
		sequences := rapid.SliceOfN(sequence, 0, 12).Draw(t, "sequences")
		trees, ends := rollout.Share(sequences)
		nodes := map[string]bool{}
		for i, s := range sequences {
			require.Equal(t, s, trees[ends[i].Tree].PathTokens(ends[i].Segment))
			for n := range s {
				nodes[string(rune(n))+spell(s[:n+1])] = true
			}
		}
		total := 0
		for _, tree := range trees {
			require.NoError(t, tree.Validate())
			for _, s := range tree.Segments {
				require.NotEmpty(t, s.Tokens)
				total += len(s.Tokens)
			}
		}
		require.Equal(t, len(nodes), total)
		var reqs []rollout.ScoreRequest
		for _, s := range sequences {
			reqs = append(reqs, rollout.ScoreRequest{Prefix: s, Targets: [][]int{{5}, {6}}})
		}
		require.Equal(t, total, rollout.ScoredTokens(reqs), "the targets' only tokens are not computed")
	})
}

func spell(tokens []int) string {
	out := ""
	for _, id := range tokens {
		out += string(rune('a' + id))
	}
	return out
}

func TestScoredTokens(t *testing.T) {
	reqs := []rollout.ScoreRequest{
		{Prefix: []int{1, 2, 3}, Targets: [][]int{{4, 5}, {4, 6}}},
		{Prefix: []int{1, 2, 9}, Targets: [][]int{{4, 5}}},
		{Prefix: []int{1, 2, 9}, Targets: [][]int{{4, 5}}},
	}
	require.Equal(t, 6, rollout.ScoredTokens(reqs), "1 2, 3 4, 9 4")
	require.Zero(t, rollout.ScoredTokens(nil))
}
