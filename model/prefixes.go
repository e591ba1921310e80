package model

import (
	"slices"

	"searchrl/grpo"
	"searchrl/rollout"
)

// prefixForest makes trees of token sequences, so that what they have in common at their beginning is computed once. The
// target of sequence i, an arbitrary token after its end, makes the packing evaluate all of it.
func prefixForest(sequences [][]int) grpo.Batch {
	trees, ends := rollout.Share(sequences)
	batch := grpo.Batch{Trees: trees, Targets: make([]grpo.Target, len(sequences))}
	for i, end := range ends {
		after := trees[end.Tree].Add(rollout.Segment{Parent: end.Segment, Tokens: []int{0}})
		batch.Targets[i] = grpo.Target{Tree: end.Tree, Segment: after}
	}
	return batch
}

// scoreForest makes trees of the requests. targets[i][m][j] is the place in the batch's targets of token j of target m of
// request i; a token that several requests ask for after the same path is one target.
func scoreForest(reqs []rollout.ScoreRequest) (batch grpo.Batch, targets [][][]int) {
	var sequences [][]int
	for _, req := range reqs {
		for _, target := range req.Targets {
			sequences = append(sequences, slices.Concat(req.Prefix, target))
		}
	}
	trees, ends := rollout.Share(sequences)
	batch.Trees = trees
	known := map[grpo.Target]int{}
	targets = make([][][]int, len(reqs))
	for i, req := range reqs {
		targets[i] = make([][]int, len(req.Targets))
		for m, target := range req.Targets {
			at := grpo.Target{Tree: ends[0].Tree, Segment: ends[0].Segment}
			ends = ends[1:]
			at.Index = len(trees[at.Tree].Segments[at.Segment].Tokens) - 1
			places := make([]int, len(target))
			for j := len(target) - 1; j >= 0; j-- {
				place, ok := known[at]
				if !ok {
					place = len(batch.Targets)
					known[at] = place
					batch.Targets = append(batch.Targets, at)
				}
				places[j] = place
				if at.Index--; at.Index < 0 {
					at.Segment = trees[at.Tree].Segments[at.Segment].Parent // the prefix is not empty, so there is one
					at.Index = len(trees[at.Tree].Segments[at.Segment].Tokens) - 1
				}
			}
			targets[i][m] = places
		}
	}
	return batch, targets
}

// path returns the places in the row of all tokens that the token at place i sees, in order, itself included.
func (r *row) path(i int32) []int32 {
	var places []int32
	for j := range i + 1 {
		if i < r.end[j] {
			places = append(places, j)
		}
	}
	return places
}
