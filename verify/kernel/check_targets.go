package kernel

import (
	"context"
	"hash/fnv"
	"math"
	"math/big"
	"math/rand/v2"

	"searchrl/grpo"
	"searchrl/rollout"
)

var setAdvantage = Check{
	ID: "kernel/set-advantage",
	Text: "Setting a trajectory's advantage gives it to every sampled token on the path from the root, to no token that the " +
		"environment inserted, and leaves the rest of the tree as it is.",
	Source: "Search-R1, §3.1: retrieved tokens are masked",
	Cases:  1500,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		t.checks++
		tree := drawTree(rng)
		drawAdvantages(rng, tree)
		before := make([]rollout.Segment, len(tree.Segments))
		copy(before, tree.Segments)
		leaf, a := oneOf(rng, tree.Trajectories).Leaf, uniform(rng, -2, 2)
		on := make([]bool, len(before))
		for s := leaf; s >= 0; s = before[s].Parent {
			on[s] = true
		}
		k.SetAdvantage(tree, leaf, a)
		for s, segment := range tree.Segments {
			want := before[s].Advantages
			if on[s] && before[s].LogProbs != nil {
				want = constant(a, len(segment.Tokens))
			}
			t.slice(segment.Advantages, want, 0, "an advantage of segment "+string(segment.Kind))
			t.slice(segment.LogProbs, before[s].LogProbs, 0, "a log-probability of segment "+string(segment.Kind))
		}
		return nil
	},
}

// place names a token.
type place struct {
	tree           *rollout.Tree
	segment, index int
}

// shares computes each trained token's share of the loss, token by token and trajectory by trajectory.
func shares(trees []*rollout.Tree, how grpo.Aggregation) map[place]*big.Rat {
	out, total := map[place]*big.Rat{}, new(big.Rat)
	for _, tree := range trees {
		for s, segment := range tree.Segments {
			for j := range segment.Advantages {
				out[place{tree, s, j}] = new(big.Rat)
				if how == grpo.TokenMean {
					out[place{tree, s, j}].SetInt64(1)
				}
			}
		}
		if how == grpo.TokenMean {
			continue
		}
		for _, of := range sharing(tree, how) {
			for _, p := range of {
				out[p].Add(out[p], big.NewRat(1, int64(len(of))))
			}
		}
	}
	for _, share := range out {
		total.Add(total, share)
	}
	for _, share := range out {
		if total.Sign() > 0 {
			share.Quo(share, total)
		}
	}
	return out
}

// sharing lists the trained tokens that share a weight of one: those of each trajectory, or of each step, which is an action
// and the thoughts right before it.
func sharing(tree *rollout.Tree, how grpo.Aggregation) (out [][]place) {
	var ends []int
	inside := func(int) bool { return true }
	if how == grpo.SequenceMean {
		for _, trajectory := range tree.Trajectories {
			ends = append(ends, trajectory.Leaf)
		}
	} else {
		for s, segment := range tree.Segments {
			switch segment.Kind {
			case rollout.Query, rollout.Answer, rollout.Invalid:
				ends = append(ends, s)
			}
		}
		inside = func(s int) bool { return tree.Segments[s].Kind == rollout.Think }
	}
	for _, end := range ends {
		var of []place
		for s := end; s >= 0 && (s == end || inside(s)); s = tree.Segments[s].Parent {
			for j := range tree.Segments[s].Advantages {
				of = append(of, place{tree, s, j})
			}
		}
		out = append(out, of)
	}
	return out
}

func drawForest(rng *rand.Rand) []*rollout.Tree {
	trees := make([]*rollout.Tree, 1+rng.IntN(3))
	for i := range trees {
		trees[i] = drawTree(rng)
		drawAdvantages(rng, trees[i])
	}
	return trees
}

var aggregations = []grpo.Aggregation{grpo.TokenMean, grpo.SequenceMean, grpo.StepMean}

var targetWeights = Check{
	ID: "kernel/target-weights",
	Text: "The targets are exactly the tokens with an advantage, once each however many trajectories share them, with their own " +
		"advantage and old log-probability; all weigh the same (token mean), or each trajectory gives its tokens equal shares " +
		"(sequence mean), or each step does, whether or not a trajectory goes through it (step mean); the weights add up to 1.",
	Source: "GRPO's released code (token mean); Shao et al. (2024), Eq. 3 (sequence mean); SLATE, Eq. 7 (step mean)",
	Cases:  2500,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		t.checks++
		trees, how := drawForest(rng), oneOf(rng, aggregations)
		want := shares(trees, how)
		got, err := k.Targets(trees, how)
		if err != nil {
			return err
		}
		t.require(len(got) == len(want), "%d targets, expected %d", len(got), len(want))
		seen := map[place]bool{}
		for _, target := range got {
			if target.Tree < 0 || target.Tree >= len(trees) || target.Segment < 0 || target.Segment >= len(trees[target.Tree].Segments) {
				t.fail("a target in segment %d of tree %d", target.Segment, target.Tree)
				return nil
			}
			p := place{trees[target.Tree], target.Segment, target.Index}
			share, ok := want[p]
			if !ok || seen[p] {
				t.fail("token %d of segment %d of tree %d is a target, once more or without an advantage", target.Index, target.Segment, target.Tree)
				return nil
			}
			seen[p] = true
			segment := p.tree.Segments[p.segment]
			weight, _ := share.Float64()
			t.near(target.Weight, weight, 0, "a weight")
			t.require(target.Advantage == segment.Advantages[p.index], "a token has the advantage %v of another one, expected %v",
				target.Advantage, segment.Advantages[p.index])
			t.require(target.OldLogProb == segment.LogProbs[p.index], "a token has the old log-probability %v of another one, expected %v",
				target.OldLogProb, segment.LogProbs[p.index])
		}
		return nil
	},
}

// oracle gives every token a log-probability that depends on its place alone.
type oracle struct{ salt uint64 }

func (o oracle) logProb(p place) float64 {
	h := fnv.New64a()
	s := p.tree.Segments[p.segment]
	for _, x := range []uint64{o.salt, uint64(len(p.tree.Segments)), uint64(p.segment), uint64(p.index), math.Float64bits(s.LogProbs[p.index])} {
		for i := range 8 {
			h.Write([]byte{byte(x >> (8 * i))}) //nolint:errcheck // a hash never fails
		}
	}
	return s.LogProbs[p.index] + float64(h.Sum64()>>11)/(1<<53) - .5
}

// LogProbs implements grpo.Scorer.
func (o oracle) LogProbs(_ context.Context, batch grpo.Batch, _ float64) ([]float64, error) {
	out := make([]float64, len(batch.Targets))
	for j, target := range batch.Targets {
		out[j] = o.logProb(place{batch.Trees[target.Tree], target.Segment, target.Index})
	}
	return out, nil
}

var trainedBatch = Check{
	ID: "kernel/trained-batch",
	Text: "What an optimiser step gets has the loss and, token by token, the gradient of the sum over all targets: tokens that " +
		"cannot move are left out without giving their weight to others, and each token keeps its own reference log-probability.",
	Source: "definition",
	Cases:  1500,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		t.checks++
		trees, how, s := drawForest(rng), oneOf(rng, aggregations), drawSurrogate(rng)
		policy, reference := oracle{rng.Uint64()}, oracle{rng.Uint64()}
		got, err := k.Batch(trees, how, s, reference)
		if err != nil {
			return err
		}
		// The whole sum, without the clip: its kinks would only hide differences.
		free := s
		free.ClipLow, free.ClipHigh = 1, math.Inf(1)
		loss, slopes := 0.0, map[place]float64{}
		for p, share := range shares(trees, how) {
			segment := p.tree.Segments[p.segment]
			w, _ := share.Float64()
			target := grpo.Target{Advantage: segment.Advantages[p.index], OldLogProb: segment.LogProbs[p.index], RefLogProb: reference.logProb(p), Weight: w}
			u, slope := grpo.Surrogate.Loss(free, []grpo.Target{target}, []float64{policy.logProb(p)}, nil)
			loss += u.Loss
			slopes[p] = slope[0]
		}
		logProbs := make([]float64, len(got.Targets))
		for j, target := range got.Targets {
			if target.Tree < 0 || target.Tree >= len(got.Trees) || target.Segment >= len(got.Trees[target.Tree].Segments) ||
				target.Index >= len(got.Trees[target.Tree].Segments[target.Segment].LogProbs) {
				t.fail("target %d is no sampled token of its tree", j)
				return nil
			}
			logProbs[j] = policy.logProb(place{got.Trees[target.Tree], target.Segment, target.Index})
		}
		u, derivative := grpo.Surrogate.Loss(free, got.Targets, logProbs, nil)
		t.near(u.Loss, loss, 5, "the batch's loss")
		for j, target := range got.Targets {
			p := place{got.Trees[target.Tree], target.Segment, target.Index}
			t.near(derivative[j], slopes[p], 5*target.Weight, "a derivative")
			delete(slopes, p)
		}
		for p, slope := range slopes {
			t.require(slope == 0, "token %d of a segment of kind %s has the derivative %v and was left out", p.index, p.tree.Segments[p.segment].Kind, slope)
		}
		return nil
	},
}
