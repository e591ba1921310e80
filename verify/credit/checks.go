package credit

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"

	"searchrl/baseline/gigpo"
	"searchrl/baseline/igpo"
	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/rollout"
	"searchrl/verify/exact"
)

func drawNorm(rng *rand.Rand) grpo.Normalisation { return oneOf(rng, grpo.Standardised, grpo.MeanOnly) }

func drawCredit(rng *rand.Rand) gigpo.Credit {
	return gigpo.Credit{Omega: oneOf(rng, 0., .5, 1, 2), Gamma: oneOf(rng, 0., .5, 1), Normalisation: drawNorm(rng), Similarity: 1,
		PerStep: rng.IntN(2) == 0}
}

var gigpoEpisodes = Check{
	ID: "credit/gigpo",
	Text: "GiGPO's advantage is the episode's among the question's episodes plus ω times that of the step's discounted return among " +
		"the steps that start from an equal observation, wherever they stand; alone with it, 0.",
	Source: "GiGPO, Eq. 3 to 8",
	Cases:  12000,
	test: func(r Rules, rng *rand.Rand, t *tally) error {
		group := make([]gigpo.Episode, 1+rng.IntN(5))
		for i := range group {
			group[i].Rewards = grid(rng, rng.IntN(5))
			for range group[i].Rewards {
				group[i].Anchors = append(group[i].Anchors, oneOf(rng, "q", "a", "b", "c"))
			}
		}
		c := drawCredit(rng)
		t.rows(r.Episodes(c, group), episodes(c, group), 8, "advantages of episode")
		return nil
	},
}

var gigpoTrees = Check{
	ID: "credit/gigpo-trees",
	Text: "GiGPO on sampled trees: an observation is what the environment last said before a step, groups are of one question, the " +
		"outcome is the last step's reward, and a step's advantage stands on all tokens that the policy sampled in it and on no others.",
	Source: "GiGPO, Eq. 6 and 8",
	Cases:  300,
	test: func(r Rules, rng *rand.Rand, t *tally) error {
		env, err := exact.NewEnv(drawOutcomes(rng))
		if err != nil {
			return err
		}
		m := gigpo.Method{Group: 1 + rng.IntN(5), Sampling: rollout.Sampling{Temperature: 1}, Credit: drawCredit(rng)}
		questions := make([]qa.Question, 1+rng.IntN(3))
		for i := range questions {
			questions[i] = env.Question
			questions[i].ID = fmt.Sprint("question ", i)
		}
		trees, err := r.Collect(m, env.Env, questions, rng)
		if err != nil {
			return err
		}
		for _, tree := range trees {
			group := make([]gigpo.Episode, len(tree.Trajectories))
			where := make([][]int, len(tree.Segments)) // trajectory and step of each sampled segment
			for i, trajectory := range tree.Trajectories {
				said := ""
				for _, s := range tree.Path(trajectory.Leaf) {
					segment := tree.Segments[s]
					if segment.LogProbs == nil {
						said = segment.Text
						continue
					}
					where[s] = []int{i, len(group[i].Rewards)}
					if segment.Kind != rollout.Think {
						group[i].Anchors, group[i].Rewards = append(group[i].Anchors, said), append(group[i].Rewards, 0)
					}
				}
				if strings.HasSuffix(tree.Segments[trajectory.Leaf].Text, "<answer>"+tree.Question.Answers[0]+"</answer>") {
					group[i].Rewards[len(group[i].Rewards)-1] = 1
				}
			}
			want := episodes(m.Credit, group)
			for s, segment := range tree.Segments {
				var values []float64
				for range segment.LogProbs {
					values = append(values, want[where[s][0]][where[s][1]])
				}
				t.slice(segment.Advantages, values, 8, "an advantage of segment "+string(segment.Kind))
			}
		}
		return nil
	},
}

// drawOutcomes draws a small process whose last actions are right or wrong answers.
func drawOutcomes(rng *rand.Rand) *exact.Process {
	p := exact.Draw(exact.Random(rng), exact.Shape{Steps: 3, Actions: 3, Documents: 2, Nodes: 6})
	return p.Map(func(_ int, _ *exact.Node, _ int, a *exact.Action) {
		a.Reward = big.NewRat(int64(rng.IntN(2)), 1)
		if !a.Ends() {
			a.Reward = new(big.Rat)
		}
	})
}

var mrsearchAttempts = Check{
	ID: "credit/mr-search",
	Text: "MR-Search's advantage of attempt n is the discounted sum, from n on, of each attempt's reward less the mean of the other " +
		"trajectories' attempts of the same number.",
	Source: "MR-Search, released code",
	Cases:  20000,
	test: func(r Rules, rng *rand.Rand, t *tally) error {
		rewards, n := make([][]float64, 1+rng.IntN(5)), 1+rng.IntN(4)
		for i := range rewards {
			rewards[i] = grid(rng, n)
		}
		discount := oneOf(rng, 0., .5, .9, 1)
		t.rows(r.Attempts(rewards, discount), attempts(rewards, discount), 8, "advantages of trajectory")
		return nil
	},
}

var mrsearchTrees = Check{
	ID: "credit/mr-search-trees",
	Text: "In a path of several attempts the advantage of attempt n stands on the tokens that the policy sampled after the n-th " +
		"question and before the next, and nothing that the environment wrote, the reflection least of all, has one.",
	Source: "MR-Search, released code",
	Cases:  5000,
	test: func(r Rules, rng *rand.Rand, t *tally) error {
		tree, leaf := &rollout.Tree{}, rollout.NoParent
		add := func(kind rollout.Kind, sampled bool) {
			s := rollout.Segment{Parent: leaf, Kind: kind, Tokens: make([]int, 1+rng.IntN(3))}
			if sampled {
				s.LogProbs = make([]float64, len(s.Tokens))
			}
			leaf = tree.Add(s)
		}
		n := 1 + rng.IntN(4)
		advantages := grid(rng, n)
		var want [][]float64
		note := func(attempt int) {
			var values []float64
			for range tree.Segments[leaf].LogProbs {
				values = append(values, advantages[attempt])
			}
			want = append(want, values)
		}
		for attempt := range n {
			add(oneOf(rng, rollout.Reflection), false)
			if attempt == 0 {
				tree.Segments[leaf].Kind = rollout.Prompt
			}
			note(attempt)
			for range rng.IntN(4) {
				add(rollout.Think, true)
				note(attempt)
				add(oneOf(rng, rollout.Query, rollout.Answer, rollout.Invalid), true)
				note(attempt)
				add(oneOf(rng, rollout.Documents, rollout.Notice, rollout.Opening), false)
				note(attempt)
			}
		}
		r.SetAttempts(tree, leaf, advantages)
		for s, segment := range tree.Segments {
			t.slice(segment.Advantages, want[s], 2, "an advantage of segment "+string(segment.Kind))
		}
		return nil
	},
}

var igpoTurns = Check{
	ID: "credit/igpo",
	Text: "IGPO's advantage of turn t is the discounted sum, from t on, of the normalised rewards: gains are normalised among all gains " +
		"of the question's group, outcomes among its outcomes, before anything is summed.",
	Source: "IGPO; its code as of issue 5",
	Cases:  12000,
	test: func(r Rules, rng *rand.Rand, t *tally) error {
		group := make([]igpo.Episode, 1+rng.IntN(5))
		for i := range group {
			group[i] = igpo.Episode{Gains: grid(rng, rng.IntN(4)), Outcome: grid(rng, 1)[0]}
		}
		gamma, norm := oneOf(rng, 0., .5, .9, 1), drawNorm(rng)
		t.rows(r.Turns(group, gamma, norm), turns(group, gamma, norm), 8, "advantages of trajectory")
		return nil
	},
}

var igpoGains = Check{
	ID: "credit/igpo-telescopes",
	Text: "IGPO's gains add up to the gold answer's probability before the last turn less that after the question; centred and with " +
		"γ = 1 the first turn's advantage is that, less a mean gain for each turn, plus the centred outcome.",
	Source: "IGPO; our reading",
	Cases:  12000,
	test: func(r Rules, rng *rand.Rand, t *tally) error {
		group, first := make([]igpo.Episode, 2+rng.IntN(4)), make([]float64, 0, 6)
		gains, n, outcomes := 0.0, 0.0, 0.0
		for i := range group {
			p := make([]float64, 1+rng.IntN(5))
			for s := range p {
				p[s] = float64(rng.IntN(65)) / 64
			}
			group[i] = igpo.Episode{Gains: r.Gains(p), Outcome: float64(rng.IntN(9)) / 8}
			t.require(len(group[i].Gains) == len(p)-1, "%d gains of %d probabilities", len(group[i].Gains), len(p))
			sum := 0.0
			for s, g := range group[i].Gains {
				sum += g
				t.require(sum == p[s+1]-p[0], "the first %d gains add up to %v, expected %v", s+1, sum, p[s+1]-p[0])
			}
			first = append(first, sum)
			gains, n, outcomes = gains+sum, n+float64(len(p)-1), outcomes+group[i].Outcome/float64(len(group))
		}
		if t.fault != "" {
			return nil
		}
		for i, row := range r.Turns(group, 1, grpo.MeanOnly) {
			want := first[i] + group[i].Outcome - outcomes
			if n > 0 {
				want -= float64(len(row)-1) * gains / n
			}
			t.slice(row[:1], []float64{want}, 8, "the first turn's advantage")
		}
		return nil
	},
}
