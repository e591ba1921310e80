package critic

import (
	"context"
	"math/rand/v2"

	"searchrl/baseline/ppo"
	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
)

// steps is StepSearch's rewards written anew. Its fields say what is done right; all of them together are the real ones.
type steps struct {
	keeps   bool // the best similarity so far is kept, also where a later search finds worse
	forgive bool // what got worse costs nothing
	best    bool // of a search's documents the best one counts, not their mean
	once    bool // TF-IDF is fitted on the gold passages alone, not on them and each document anew
	others  bool // a document is redundant if an earlier search showed it, not because this one does
	any     bool // … any earlier search, not the last one alone
}

var soundSteps = steps{true, true, true, true, true, true}

func (s steps) plant(k *Kernels) {
	k.Searches = func(gold []qa.Support, searches [][]retrieval.Hit) (gains, redundancies []float64) {
		passages := trip{gold: gold}.texts()
		best, seen := make([]float64, len(passages)), map[string]bool{}
		for _, hits := range searches {
			gain := 0.0
			for i, g := range passages {
				found, old := s.similarity(g, hits, passages), best[i]
				change := found - old
				if s.forgive {
					change = max(change, 0)
				}
				gain += change / float64(len(passages))
				best[i] = found
				if s.keeps {
					best[i] = max(found, old)
				}
			}
			gains = append(gains, gain)
			redundancies = append(redundancies, s.redundancy(hits, seen))
		}
		return gains, redundancies
	}
}

func (s steps) similarity(gold string, hits []retrieval.Hit, passages []string) (found float64) {
	for _, hit := range hits {
		text := hit.Title + " " + hit.Text
		fit := passages
		if !s.once {
			fit = append([]string{text}, passages...)
		}
		if c := similarity(gold, text, fit); s.best {
			found = max(found, c)
		} else {
			found += c / float64(len(hits))
		}
	}
	return found
}

func (s steps) redundancy(hits []retrieval.Hit, seen map[string]bool) float64 {
	n := 0.0
	for _, hit := range hits {
		if seen[hit.ID] || !s.others {
			n++
		}
	}
	if !s.any {
		clear(seen)
	}
	for _, hit := range hits {
		seen[hit.ID] = true
	}
	return n / max(1, float64(len(hits)))
}

// rewardFaults are wrong rewards.
func rewardFaults() []fault {
	but := func(spoil func(s *steps)) func(*Kernels) {
		s := soundSteps
		spoil(&s)
		return s.plant
	}
	return []fault{
		{searches, "best-so-far-not-kept", "a search is compared with the last one, so losing and finding again pays", but(func(s *steps) { s.keeps = false })},
		{searches, "loss-is-punished", "a search that finds less than the best so far has a negative gain", but(func(s *steps) { s.forgive = false })},
		{searches, "mean-document", "the mean similarity of a search's documents counts, so one more document lowers it", but(func(s *steps) { s.best = false })},
		{searches, "refitted", "TF-IDF is fitted anew for each document, on it and the gold passages, as in the released code", but(func(s *steps) { s.once = false })},
		{searches, "redundant-with-itself", "a search's own documents count as seen", but(func(s *steps) { s.others = false })},
		{searches, "last-search-alone", "only what the last search showed counts as seen", but(func(s *steps) { s.any = false })},
		{keyScore, "later-match-overwrites", "the last query's match of a fact counts, as in the released code", func(k *Kernels) {
			real := k.KeyScore
			k.KeyScore = func(queries []string, keys [][]string) float64 {
				return real(queries[max(0, len(queries)-1):], keys)
			}
		}},
		{keyScore, "first-wording-alone", "a fact's other wordings are not tried", func(k *Kernels) {
			real := k.KeyScore
			k.KeyScore = func(queries []string, keys [][]string) float64 {
				first := make([][]string, len(keys))
				for i := range keys {
					first[i] = keys[i][:1]
				}
				return real(queries, first)
			}
		}},
		{outcome, "graded-with-the-prompt", "a trajectory without an answer is graded by the example in the prompt, as in Search-R1's released reward", graded(func(tree *rollout.Tree, i int) float64 {
			if tree.Trajectories[i].End != rollout.Answered {
				return qa.ExactMatch("right", tree.Question.Answers)
			}
			return tree.Trajectories[i].Reward
		})},
		{outcome, "unfinished-is-punished", "no answer is worse than a wrong one", graded(func(tree *rollout.Tree, i int) float64 {
			if tree.Trajectories[i].End != rollout.Answered {
				return -1
			}
			return tree.Trajectories[i].Reward
		})},
	}
}

// graded is PPO with other rewards.
func graded(reward func(tree *rollout.Tree, i int) float64) func(*Kernels) {
	return func(k *Kernels) {
		real := k.PPO
		k.PPO = func(m ppo.Method, critic grpo.Critic, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
			trees, err := real(m, critic, env, questions, rng)
			if err != nil {
				return nil, err
			}
			for _, tree := range trees {
				for i := range tree.Trajectories {
					tree.Trajectories[i].Reward = reward(tree, i)
				}
			}
			_, err = m.Estimator.Assign(context.Background(), critic, trees)
			return trees, err
		}
	}
}
