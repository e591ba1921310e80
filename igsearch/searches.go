package igsearch

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"searchrl/qa"
	"searchrl/rollout"
)

// search is one executed search of a trajectory.
type search struct {
	tree, trajectory int
	turn             int    // t, from 1
	query, documents int    // segments
	refined          bool   // a refine block follows the documents
	pair             []int  // the tokens of the documents, and of the refine block that follows them
	name             string // spells pair
	hits             int
	others           []int // the searches whose pairs are its counterfactuals
	gain             float64
}

// known reports whether the search has a gain.
func (s *search) known() bool { return len(s.others) > 0 }

// searches lists the executed searches of all trajectories, in order.
func searches(trees []*rollout.Tree) []*search {
	var out []*search
	for i, tree := range trees {
		for j, trajectory := range tree.Trajectories {
			path, turn := tree.Path(trajectory.Leaf), 0
			for k := 1; k < len(path); k++ {
				documents := &tree.Segments[path[k]]
				if documents.Kind != rollout.Documents || tree.Segments[path[k-1]].Kind != rollout.Query {
					continue
				}
				turn++
				s := &search{tree: i, trajectory: j, turn: turn, query: path[k-1], documents: path[k], pair: documents.Tokens, hits: len(documents.Hits)}
				if k+1 < len(path) && tree.Segments[path[k+1]].Kind == rollout.Refine {
					s.refined, s.pair = true, slices.Concat(s.pair, tree.Segments[path[k+1]].Tokens)
				}
				s.name = fmt.Sprint(s.pair)
				out = append(out, s)
			}
		}
	}
	return out
}

// draw gives each search its counterfactuals: n pairs of searches for other questions, different from each other, with as
// many documents, those closest in length first. A search that found nothing gets none and is nobody's. One number is drawn
// from rng for each search.
func draw(all []*search, trees []*rollout.Tree, n int, rng *rand.Rand) {
	for i, s := range all {
		order := rand.New(rand.NewPCG(rng.Uint64(), 0)).Perm(len(all))
		if s.hits == 0 {
			continue
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(distance(all[a], s), distance(all[b], s)) })
		taken := map[string]bool{}
		for _, o := range order {
			other := all[o]
			switch {
			case len(s.others) == n:
			case o == i, same(trees[other.tree].Question, trees[s.tree].Question), other.hits != s.hits, other.refined != s.refined, taken[other.name]:
			default:
				taken[other.name] = true
				s.others = append(s.others, o)
			}
		}
	}
}

// distance is how much two pairs differ in length.
func distance(a, b *search) int {
	if len(a.pair) < len(b.pair) {
		return len(b.pair) - len(a.pair)
	}
	return len(a.pair) - len(b.pair)
}

// same reports whether two questions are one, whatever tree they stand in.
func same(a, b qa.Question) bool {
	return a.ID != "" && a.ID == b.ID || a.Text == b.Text
}
