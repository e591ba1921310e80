package gain

import (
	"math/rand/v2"

	"searchrl/igsearch"
	"searchrl/qa"
	"searchrl/rollout"
)

type collect = func(m igsearch.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error)

// treeFault is a wrong version of the whole method.
type treeFault struct {
	id, text string
	collect  collect
}

// treeFaults are faults of what is compared, and of who gets the advantage.
func treeFaults() []treeFault {
	real := Real().Collect
	// before changes what the method is given, after what it did to the trees.
	before := func(change func(m *igsearch.Method, questions []qa.Question)) collect {
		return func(m igsearch.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
			questions = append([]qa.Question(nil), questions...)
			change(&m, questions)
			return real(m, env, questions, rng)
		}
	}
	after := func(change func(tree *rollout.Tree, query int)) collect {
		return func(m igsearch.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
			trees, err := real(m, env, questions, rng)
			for _, tree := range trees {
				for s := range tree.Segments {
					if len(tree.Segments[s].Rewards) > 0 {
						change(tree, s)
					}
				}
			}
			return trees, err
		}
	}
	fill := func(s *rollout.Segment, a float64) {
		s.Advantages = make([]float64, len(s.Tokens))
		for j := range s.Advantages {
			s.Advantages[j] = a
		}
	}
	// next changes the segments that follow the query's documents on a path.
	next := func(kind rollout.Kind) collect {
		return after(func(tree *rollout.Tree, query int) {
			for s := query + 1; s < len(tree.Segments); s++ {
				up := tree.Segments[s].Parent
				for up > query && tree.Segments[up].Kind != kind {
					up = tree.Segments[up].Parent
				}
				if up == query && tree.Segments[s].Kind == kind {
					fill(&tree.Segments[s], tree.Segments[query].Advantages[0]+1e-3)
				}
			}
		})
	}
	return []treeFault{
		{"same-question", "documents of the same question's other trajectories are drawn, as in the released code", before(func(_ *igsearch.Method, questions []qa.Question) {
			for i := range questions {
				questions[i].ID += string(rune('a' + i))
				for range i {
					questions[i].Text += " "
				}
			}
		})},
		{"one-counterfactual", "N is ignored", before(func(m *igsearch.Method, _ []qa.Question) { m.Counterfactuals = 1 })},
		{"plain-mean", "the first tokens of the answer do not weigh more", before(func(m *igsearch.Method, _ []qa.Question) { m.Likelihood.HeadWeight = 1 })},
		{"other-opening", "the answer is scored after another opening than the protocol's", before(func(m *igsearch.Method, _ []qa.Question) { m.Likelihood.Opening = "<think>" })},
		{"gradient-on-documents", "the documents get the query's advantage", after(func(tree *rollout.Tree, query int) {
			for s := query + 1; s < len(tree.Segments); s++ {
				if d := &tree.Segments[s]; d.Parent == query {
					d.LogProbs = make([]float64, len(d.Tokens))
					fill(d, tree.Segments[query].Advantages[0])
				}
			}
		})},
		{"answer-tokens", "the gain moves the answer's tokens too", next(rollout.Answer)},
		{"next-query", "the gain moves the next query's tokens too", next(rollout.Query)},
		{"thought-tokens", "the gain moves the thought's tokens too", after(func(tree *rollout.Tree, query int) {
			fill(&tree.Segments[tree.Segments[query].Parent], tree.Segments[query].Advantages[0])
		})},
		{"without-tags", "the gain does not move the query's closing tag", after(func(tree *rollout.Tree, query int) {
			q := &tree.Segments[query]
			q.Advantages[len(q.Advantages)-1] = tree.Segments[q.Parent].Advantages[0]
		})},
		{"alpha-reversed", "useful searches are discouraged", after(func(tree *rollout.Tree, query int) {
			q := &tree.Segments[query]
			fill(q, 2*tree.Segments[q.Parent].Advantages[0]-q.Advantages[0])
		})},
	}
}
