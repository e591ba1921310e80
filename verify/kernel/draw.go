package kernel

import (
	"math/rand/v2"

	"searchrl/grpo"
	"searchrl/rollout"
)

// grids are spacings of rewards. Rewards lie on a grid so that a group either has no signal at all or one that is large
// against rounding: no draw can make the comparison ill-conditioned, so no seed makes a check fail.
var grids = []float64{1, .5, .1, 1. / 64}

var norms = []grpo.Normalisation{grpo.Standardised, grpo.MeanOnly}

func oneOf[T any](rng *rand.Rand, xs []T) T { return xs[rng.IntN(len(xs))] }

func uniform(rng *rand.Rand, low, high float64) float64 { return low + (high-low)*rng.Float64() }

// drawRewards draws n rewards in [−2, 2].
func drawRewards(rng *rand.Rand, grid float64, n int) []float64 {
	out := make([]float64, n)
	levels := int(2 / grid)
	for i := range out {
		out[i] = grid * float64(rng.IntN(2*levels+1)-levels)
	}
	return out
}

// drawTree draws a prompt with two to eight segments below it: shared prefixes, environment segments between sampled ones.
// Every leaf is a trajectory, and so is an inner segment now and then. No two log-probabilities are equal.
func drawTree(rng *rand.Rand) *rollout.Tree {
	tree := &rollout.Tree{}
	tree.Add(rollout.Segment{Parent: rollout.NoParent, Kind: rollout.Prompt, Tokens: tokens(rng, 1+rng.IntN(3))})
	kinds := []rollout.Kind{rollout.Think, rollout.Query, rollout.Answer, rollout.Documents, rollout.Notice, rollout.Opening}
	for range 2 + rng.IntN(7) {
		s := rollout.Segment{Parent: rng.IntN(len(tree.Segments)), Kind: oneOf(rng, kinds), Tokens: tokens(rng, 1+rng.IntN(4))}
		switch s.Kind {
		case rollout.Think, rollout.Query, rollout.Answer:
			for range s.Tokens {
				s.LogProbs = append(s.LogProbs, uniform(rng, -4, -.01))
			}
		}
		tree.Add(s)
	}
	inner := make([]bool, len(tree.Segments))
	for _, s := range tree.Segments[1:] {
		inner[s.Parent] = true
	}
	for i := 1; i < len(inner); i++ {
		if !inner[i] || rng.IntN(6) == 0 {
			tree.Trajectories = append(tree.Trajectories, rollout.Trajectory{Leaf: i})
		}
	}
	return tree
}

func tokens(rng *rand.Rand, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = rng.IntN(50)
	}
	return out
}

// drawAdvantages gives most sampled segments of the trees an advantage for each token, a third of them 0.
func drawAdvantages(rng *rand.Rand, tree *rollout.Tree) {
	for i := range tree.Segments {
		s := &tree.Segments[i]
		if !s.Sampled() || rng.IntN(5) == 0 {
			continue
		}
		s.Advantages = make([]float64, len(s.Tokens))
		zero := rng.IntN(3) == 0
		for j := range s.Advantages {
			if !zero {
				s.Advantages[j] = uniform(rng, -2, 2)
			}
		}
	}
}
