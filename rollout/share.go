package rollout

import "slices"

// Place is segment Segment of the Tree-th of several trees.
type Place struct{ Tree, Segment int }

// Share lays out token sequences as trees in which what several of them begin with stands once, however long it is: the
// path to ends[i] spells sequence i, and equal sequences have the same end. Sequences whose first tokens differ stand in
// different trees. Segments have tokens only, at least one each; so must the sequences.
func Share(sequences [][]int) (trees []*Tree, ends []Place) {
	order := make([]int, len(sequences))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return slices.Compare(sequences[a], sequences[b]) })
	ends = make([]Place, len(sequences))
	// grow adds what the sequences of order, which are sorted, have beyond their first depth tokens below a place.
	var grow func(order []int, depth int, below Place)
	grow = func(order []int, depth int, below Place) {
		for len(order) > 0 {
			first := sequences[order[0]]
			if len(first) == depth {
				ends[order[0]] = below
				order = order[1:]
				continue
			}
			n := 1 // sequences that go on with the same token
			for n < len(order) && sequences[order[n]][depth] == first[depth] {
				n++
			}
			last := sequences[order[n-1]]
			shared := depth + commonPrefix(first[depth:], last[depth:])
			in := below.Tree
			if below.Segment == NoParent {
				trees = append(trees, &Tree{})
				in = len(trees) - 1
			}
			segment := trees[in].Add(Segment{Parent: below.Segment, Tokens: first[depth:shared:shared]})
			grow(order[:n], shared, Place{in, segment})
			order = order[n:]
		}
	}
	grow(order, 0, Place{Segment: NoParent})
	return trees, ends
}

// ScoredTokens returns how many tokens a policy computes for a call of Score if it shares every common prefix: each token
// of the requests' tree counts once, the last one of a target only where another target goes on from it.
func ScoredTokens(reqs []ScoreRequest) int {
	var inputs [][]int
	for _, req := range reqs {
		for _, target := range req.Targets {
			inputs = append(inputs, slices.Concat(req.Prefix, target[:max(len(target)-1, 0)]))
		}
	}
	slices.SortFunc(inputs, slices.Compare)
	n := 0
	for i, input := range inputs {
		n += len(input)
		if i > 0 {
			n -= commonPrefix(inputs[i-1], input)
		}
	}
	return n
}

// commonPrefix returns the length of the longest common prefix.
func commonPrefix(a, b []int) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
