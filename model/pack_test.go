package model

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/grpo"
	"searchrl/rollout"
)

// randomForest draws trees of random segments, some empty, some with several roots, and targets in them.
func randomForest(t *rapid.T, vocab int) grpo.Batch {
	var batch grpo.Batch
	token := rapid.IntRange(0, vocab-1)
	for i := range rapid.IntRange(1, 4).Draw(t, "trees") {
		tree := &rollout.Tree{}
		for s := range rapid.IntRange(1, 9).Draw(t, "segments") {
			parent, least := rollout.NoParent, 1
			if s > 0 && rapid.IntRange(0, 9).Draw(t, "root") > 0 {
				parent, least = rapid.IntRange(0, s-1).Draw(t, "parent"), 0
			}
			n := rapid.IntRange(least, 40).Draw(t, "length")
			tree.Add(rollout.Segment{Parent: parent, Kind: rollout.Think, Tokens: rapid.SliceOfN(token, n, n).Draw(t, "tokens"), LogProbs: make([]float64, n)})
			for j := range n {
				if (parent != rollout.NoParent || j > 0) && rapid.Bool().Draw(t, "target") {
					batch.Targets = append(batch.Targets, grpo.Target{Tree: i, Segment: s, Index: j})
				}
			}
		}
		batch.Trees = append(batch.Trees, tree)
	}
	return batch
}

var anyCost = cost{row: 100, token: 10, score: .1, target: 5, workers: 1}

// TestPackKeepsEveryPath checks the packing against the trees: what each target's predecessor sees, in the order of
// positions, is exactly its path.
func TestPackKeepsEveryPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batch := randomForest(t, 50)
		limit := rapid.SampledFrom([]int{64, 128, 4096}).Draw(t, "limit")
		c := anyCost
		c.coarse = rapid.Bool().Draw(t, "coarse")
		p, err := pack(batch.Trees, batch.Targets, c, limit)
		require.NoError(t, err)
		answered := make([]int, len(batch.Targets))
		for _, r := range p.rows {
			require.Len(t, r.tokens, p.bucket.tokens)
			require.Len(t, r.prev, p.bucket.targets)
			mask := r.visible(p.bucket)
			width := p.bucket.keys * blockSize
			for slot, j := range r.batch {
				answered[j]++
				target := batch.Targets[j]
				path := batch.Trees[target.Tree].PathTokens(target.Segment)
				path = path[:len(path)-len(batch.Trees[target.Tree].Segments[target.Segment].Tokens)+target.Index+1]
				require.EqualValues(t, path[len(path)-1], r.ids[slot])

				i := r.prev[slot]
				seen := map[int32]int32{} // position → token
				for j := int32(0); j <= i; j++ {
					if i < r.end[j] {
						_, twice := seen[r.positions[j]]
						require.False(t, twice, "two visible tokens at position %d", r.positions[j])
						seen[r.positions[j]] = r.tokens[j]
					}
				}
				require.Len(t, seen, len(path)-1)
				for position, token := range path[:len(path)-1] {
					require.EqualValues(t, token, seen[int32(position)])
				}
				visible := 0
				for k, yes := range mask[int(i)*width:][:width] {
					if !yes {
						continue
					}
					visible++
					j := r.keys[int(i)/blockSize*p.bucket.keys+k/blockSize]*blockSize + int32(k%blockSize)
					require.True(t, j <= i && i < r.end[j])
				}
				require.Equal(t, len(path)-1, visible, "the block mask shows the path")
			}
			for i := range r.tokens { // softmax over nothing would be NaN
				require.Contains(t, mask[i*width:][:width], true)
			}
		}
		for j, n := range answered {
			require.Equal(t, 1, n, "target %d", j)
		}
	})
}

func TestPackComputesUniqueTokensOnly(t *testing.T) {
	tree := &rollout.Tree{}
	root := tree.Add(rollout.Segment{Parent: rollout.NoParent, Tokens: make([]int, 60)})
	batch := grpo.Batch{Trees: []*rollout.Tree{tree}}
	for range 5 {
		leaf := tree.Add(rollout.Segment{Parent: root, Tokens: make([]int, 40), LogProbs: make([]float64, 40)})
		for j := range 40 {
			batch.Targets = append(batch.Targets, grpo.Target{Segment: leaf, Index: j})
		}
	}
	tree.Add(rollout.Segment{Parent: root, Tokens: make([]int, 500)}) // not on a path to a target
	p, err := pack(batch.Trees, batch.Targets, anyCost, 4096)
	require.NoError(t, err)
	require.Equal(t, 60+5*39, p.computed, "the last token of each leaf is only a target")

	p, err = pack(batch.Trees, batch.Targets, anyCost, 128)
	require.NoError(t, err)
	require.Len(t, p.rows, 5)
	require.Equal(t, 5*(60+39), p.computed, "rows that cannot hold two paths repeat the prefix")
}

func TestPackRejects(t *testing.T) {
	tree := &rollout.Tree{}
	tree.Add(rollout.Segment{Parent: rollout.NoParent})
	tree.Add(rollout.Segment{Parent: 0, Tokens: []int{1, 2}})
	for name, target := range map[string]grpo.Target{
		"no predecessor":     {Segment: 1},
		"1 segments|2 seg":   {Segment: 2},
		"segment has 2":      {Segment: 1, Index: 2},
		"tree 1 of 1":        {Tree: 1},
		"segment has 2 toke": {Segment: 1, Index: -1},
	} {
		_, err := pack([]*rollout.Tree{tree}, []grpo.Target{target}, anyCost, 4096)
		require.Regexp(t, name, err)
	}
	_, err := pack([]*rollout.Tree{nil}, nil, anyCost, 4096)
	require.ErrorContains(t, err, "nil")
}

func TestRoundUp(t *testing.T) {
	want := map[int]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 7: 8, 9: 12, 13: 16, 17: 24, 25: 32, 640: 768, 769: 1024}
	for n, up := range want {
		require.Equal(t, up, roundUp(n, 1), n)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		n := 1 + rng.IntN(1<<20)
		up := roundUp(n, 64)
		require.GreaterOrEqual(t, up, n)
		require.Zero(t, up%blockSize)
		require.LessOrEqual(t, up, max(64, 3*n/2))
	}
}
