package slate

import (
	"fmt"
	"math"
	"math/big"

	"searchrl/rollout"
	"searchrl/slate"
	"searchrl/verify/kernel"
)

// opinion is what the judge says of a candidate, read off the tree: the values of the path's segments are what it is shown.
func (s *sample) opinion(g *group, candidate int) (values [2]*big.Rat, known [2]bool) {
	texts := []string{g.tree.Question.ID}
	for _, i := range g.tree.Path(g.base) {
		if g.tree.Segments[i].Sampled() {
			texts = append(texts, g.tree.Segments[i].Value)
		}
	}
	for part, i := range g.of[candidate] {
		texts = append(texts, g.tree.Segments[i].Value)
		score := s.judge.score(texts)
		values[part], known[part] = new(big.Rat).SetFloat64(score.Value), score.Known
	}
	return values, known
}

// rewards are Eq. 3 and 4 for a group, exactly: the judge's two scores, one that could not be given being the mean of the
// group's known ones of its kind, and for an answer λ(B−t)/B. A candidate of which nothing is known has none.
func (s *sample) rewards(g *group) (total []*big.Rat, parts [][2]*big.Rat) {
	k := len(g.of)
	values, known := make([][2]*big.Rat, k), make([][2]bool, k)
	for j := range g.of {
		values[j], known[j] = s.opinion(g, j)
	}
	for part := range 2 {
		sum, n := new(big.Rat), int64(0)
		for j := range values {
			if known[j][part] {
				sum.Add(sum, values[j][part])
				n++
			}
		}
		for j := range values {
			switch {
			case known[j][part]:
			case n == 0:
				values[j][part] = new(big.Rat)
			default:
				values[j][part] = new(big.Rat).Quo(sum, big.NewRat(n, 1))
			}
		}
	}
	total = make([]*big.Rat, k)
	for j := range values {
		if !known[j][0] && !known[j][1] {
			continue
		}
		total[j] = new(big.Rat).Add(values[j][0], values[j][1])
		if g.action(j).Kind == rollout.Answer {
			early := new(big.Rat).SetFloat64(s.method.Early)
			total[j].Add(total[j], early.Mul(early, big.NewRat(int64(s.turns-g.turn), int64(s.turns))))
		}
	}
	return total, values
}

// wrongRewards says which part of which reward in the trees is not what it should be.
func (s *sample) wrongRewards() string {
	for _, g := range all(s.trees) {
		want, parts := s.rewards(&g)
		for j := range g.of {
			if want[j] == nil {
				continue
			}
			got := 0.
			for part, i := range g.of[j] {
				for n, reward := range g.tree.Segments[i].Rewards {
					got += reward.Value
					if n == 0 && !near(reward.Value, value(parts[j][part]), 1) {
						return fmt.Sprintf("turn %d of %d: the %s of a candidate has %v, expected %v", g.turn, s.turns, reward.Name, reward.Value, value(parts[j][part]))
					}
				}
			}
			if !near(got, value(want[j]), 2) {
				return fmt.Sprintf("turn %d of %d: a candidate's reward is %v, expected %v", g.turn, s.turns, got, value(want[j]))
			}
		}
	}
	return ""
}

// wrongAdvantages says which token is not trained as it should be.
func (s *sample) wrongAdvantages() string {
	for _, tree := range s.trees {
		if err := tree.Validate(); err != nil {
			return err.Error()
		}
	}
	own := map[*rollout.Segment]bool{}
	for _, g := range all(s.trees) {
		if len(g.of) != s.method.Candidates {
			return fmt.Sprintf("%d candidates, expected %d", len(g.of), s.method.Candidates)
		}
		rewards, _ := s.rewards(&g)
		var in []*big.Rat
		for _, r := range rewards {
			if r != nil {
				in = append(in, r)
			}
		}
		want, _ := kernel.Advantages(in, s.method.Normalisation)
		if s.method.Baseline == slate.Zero {
			want = kernel.Absolute(in, s.method.Normalisation)
		}
		n := 0 // of those in the group
		for j, r := range rewards {
			for _, i := range g.of[j] {
				segment := &g.tree.Segments[i]
				own[segment] = true
				if trained := segment.Advantages != nil; trained != (r != nil) {
					return fmt.Sprintf("a %s is trained: %v, expected %v", segment.Kind, trained, r != nil)
				}
				for _, a := range segment.Advantages {
					if !near(a, want[n], largest(want)) {
						return fmt.Sprintf("turn %d, a token of a %s has the advantage %v, expected %v", g.turn, segment.Kind, a, want[n])
					}
				}
			}
			if r != nil {
				n++
			}
		}
	}
	for _, tree := range s.trees {
		for i := range tree.Segments {
			if segment := &tree.Segments[i]; !own[segment] && (segment.Sampled() || segment.Advantages != nil) {
				return fmt.Sprintf("a %s that is no candidate's own can be trained", segment.Kind)
			}
		}
	}
	return ""
}

// wrongSearches says which searches were made and should not have been, or the other way round. All questions take a turn
// together, and equal queries of one turn are one search.
func (s *sample) wrongSearches() string {
	want := map[string]int{}
	seen := map[string]bool{}
	for _, tree := range s.trees {
		turn := 0
		for _, i := range tree.Path(tree.Trajectories[0].Leaf) {
			if tree.Segments[i].Kind != rollout.Documents {
				continue
			}
			turn++
			query := tree.Segments[tree.Segments[i].Parent].Value
			if key := fmt.Sprint(turn, query); !seen[key] {
				seen[key] = true
				want[query]++
			}
		}
		for i := range tree.Segments {
			if tree.Segments[i].Kind == rollout.Documents && !on(tree, i) {
				return "documents for a candidate that was not selected"
			}
		}
	}
	made := len(s.queries)
	for _, query := range s.queries {
		if want[query]--; want[query] < 0 {
			return fmt.Sprintf("the search %q was made once more than a trajectory has it (%d searches)", query, made)
		}
	}
	for query, missing := range want {
		if missing > 0 {
			return fmt.Sprintf("the search %q was not made", query)
		}
	}
	return ""
}

// on reports whether a segment is on the trajectory.
func on(tree *rollout.Tree, segment int) bool {
	for _, i := range tree.Path(tree.Trajectories[0].Leaf) {
		if i == segment {
			return true
		}
	}
	return false
}

// wrongRequests compares the requests with the decision points: one each, for k samples of its prefix.
func (s *sample) wrongRequests() string {
	points := map[string]int{}
	for _, g := range all(s.trees) {
		points[fmt.Sprint(g.tree.PathTokens(g.base))]++
	}
	for _, request := range s.requests {
		key := fmt.Sprint(request.Prefix)
		if points[key]--; points[key] < 0 {
			return "a request more than there are decision points with its prefix"
		}
		if request.N != s.method.Candidates {
			return fmt.Sprintf("a request for %d samples, expected %d", request.N, s.method.Candidates)
		}
	}
	for _, left := range points {
		if left > 0 {
			return "a decision point without a request"
		}
	}
	return ""
}

// wrongPrefix says where the path goes on from another candidate than the rule names; applies is false for a rule that draws.
func (s *sample) wrongPrefix() (applies bool, wrong string) {
	if s.method.Next != "best" && s.method.Next != "first" {
		return false, ""
	}
	for _, g := range all(s.trees) {
		rewards, _ := s.rewards(&g)
		first, top := -1, (*big.Rat)(nil)
		for j, r := range rewards {
			if r != nil && (top == nil || r.Cmp(top) > 0) {
				top = r
			}
			if on(g.tree, g.of[j][0]) {
				first = j
			}
		}
		switch {
		case first < 0:
			return true, "a decision point from which no candidate was selected"
		case s.method.Next == "first" && first != 0:
			return true, fmt.Sprintf("candidate %d was selected, expected the first", first)
		case s.method.Next == "best" && top != nil && (rewards[first] == nil || !near(value(rewards[first]), value(top), 2)):
			return true, fmt.Sprintf("candidate %d was selected, expected one with the reward %v", first, value(top))
		}
	}
	return true, ""
}

func near(got, want, scale float64) bool {
	return math.Abs(got-want) <= kernel.Tolerance*math.Max(math.Abs(want), scale)
}

func value(x *big.Rat) float64 {
	f, _ := x.Float64()
	return f
}

func largest(xs []float64) float64 {
	m := 0.
	for _, x := range xs {
		m = math.Max(m, math.Abs(x))
	}
	return m
}
