package model

import (
	"slices"

	"searchrl/grpo"
	"searchrl/rollout"
)

// prefixForest makes trees of token sequences, so that what they have in common at their beginning is computed once. The
// target of sequence i, an arbitrary token after its end, makes the packing evaluate all of it.
func prefixForest(sequences [][]int) grpo.Batch {
	order := make([]int, len(sequences))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return slices.Compare(sequences[a], sequences[b]) })
	batch := grpo.Batch{Targets: make([]grpo.Target, len(sequences))}
	// grow adds what the sequences of order have beyond their first depth tokens, which they share, below parent.
	var grow func(order []int, depth, tree, parent int)
	grow = func(order []int, depth, tree, parent int) {
		for len(order) > 0 {
			first := sequences[order[0]]
			if len(first) == depth {
				t := batch.Trees[tree]
				batch.Targets[order[0]] = grpo.Target{Tree: tree, Segment: t.Add(rollout.Segment{Parent: parent, Tokens: []int{0}})}
				order = order[1:]
				continue
			}
			n := 1 // sequences that go on with the same token
			for n < len(order) && sequences[order[n]][depth] == first[depth] {
				n++
			}
			shared := depth + 1
			for last := sequences[order[n-1]]; shared < min(len(first), len(last)) && first[shared] == last[shared]; {
				shared++
			}
			in := tree
			if parent == rollout.NoParent {
				batch.Trees = append(batch.Trees, &rollout.Tree{})
				in = len(batch.Trees) - 1
			}
			grow(order[:n], shared, in, batch.Trees[in].Add(rollout.Segment{Parent: parent, Tokens: first[depth:shared]}))
			order = order[n:]
		}
	}
	grow(order, 0, 0, rollout.NoParent)
	return batch
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
