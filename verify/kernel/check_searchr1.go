package kernel

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"

	"searchrl/baseline/searchr1"
	"searchrl/qa"
	"searchrl/rollout"
	"searchrl/verify/exact"
)

var outcomeReward = Check{
	ID: "kernel/outcome",
	Text: "The outcome reward is 1 if the answer is one of the gold answers up to case, articles, punctuation and spaces, else 0; a " +
		"trajectory without an answer has 0, whatever its text holds.",
	Source: "Search-R1, §3.4; SQuAD's normalisation",
	Cases:  1500,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		t.checks++
		names := []string{"Marrow", "Dole Harbour", "Lunia", "North Lunia", "Quay 7"}
		gold := make([]string, 1+rng.IntN(3))
		for i := range gold {
			gold[i] = oneOf(rng, names)
		}
		answer := oneOf(rng, names)
		want := 0.0
		for _, g := range gold {
			if g == answer {
				want = 1
			}
		}
		said := answer
		switch rng.IntN(5) {
		case 0:
			said = strings.ToUpper(said)
		case 1:
			said = "the  " + said + "."
		case 2: // no longer the name
			said, want = said+" or "+oneOf(rng, names), 0
		}
		trajectory := rollout.Trajectory{End: rollout.Answered, Answer: said, Leaf: 0}
		if rng.IntN(4) == 0 {
			trajectory.End, want = oneOf(rng, []rollout.End{rollout.OutOfTurns, rollout.OutOfTokens, rollout.InvalidAction}), 0
		}
		tree := &rollout.Tree{Question: qa.Question{Answers: gold}}
		tree.Add(rollout.Segment{Parent: rollout.NoParent, Kind: rollout.Answer, Text: "<answer> " + said + " </answer>"})
		tree.Trajectories = []rollout.Trajectory{{End: rollout.OutOfTokens}, trajectory}
		got := k.Outcome(tree, 1)
		t.require(got == want, "answer %q (%s) to gold %q has reward %v, expected %v", said, trajectory.End, gold, got, want)
		return nil
	},
}

var searchR1Groups = Check{
	ID: "kernel/search-r1",
	Text: "Search-R1 on a process whose trajectories are known: each trajectory's reward is that of its last action, its advantage " +
		"that among the trajectories of the same question, given to all tokens that the policy sampled and to no other.",
	Source: "Search-R1, §3.1 and §3.4",
	Cases:  100,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		t.checks++
		env, err := exact.NewEnv(drawOutcomes(rng))
		if err != nil {
			return err
		}
		m := searchr1.Method{Group: 1 + rng.IntN(5), Sampling: rollout.Sampling{Temperature: 1}, Normalisation: oneOf(rng, norms)}
		questions := make([]qa.Question, 1+rng.IntN(3))
		for i := range questions {
			questions[i] = env.Question
			questions[i].ID = fmt.Sprint("question ", i)
		}
		trees, err := k.SearchR1(m, env.Env, questions, rng)
		if err != nil {
			return err
		}
		t.require(len(trees) == len(questions), "%d trees for %d questions", len(trees), len(questions))
		for _, tree := range trees {
			rewards := make([]*big.Rat, len(tree.Trajectories))
			for i, trajectory := range tree.Trajectories {
				rewards[i] = new(big.Rat)
				if strings.HasSuffix(tree.Segments[trajectory.Leaf].Text, "<answer>"+env.Question.Answers[0]+"</answer>") {
					rewards[i].SetInt64(1)
				}
				reward, _ := rewards[i].Float64()
				t.require(trajectory.Reward == reward, "a trajectory that ends with %q has reward %v, expected %v",
					tree.Segments[trajectory.Leaf].Text, trajectory.Reward, reward)
			}
			as, _ := Advantages(rewards, m.Normalisation)
			want := map[int][]float64{}
			for i, trajectory := range tree.Trajectories {
				for s := trajectory.Leaf; s >= 0; s = tree.Segments[s].Parent {
					switch tree.Segments[s].Kind {
					case rollout.Think, rollout.Query, rollout.Answer:
						want[s] = constant(as[i], len(tree.Segments[s].Tokens))
					}
				}
			}
			for s, segment := range tree.Segments {
				t.slice(segment.Advantages, want[s], 2, "an advantage of segment "+string(segment.Kind))
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
