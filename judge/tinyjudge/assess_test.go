package tinyjudge_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/judge"
	"searchrl/judge/tinyjudge"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tinyworld"
)

// The assessor's verdict on each search of random agents' trajectories is the world's own, and the reviewer cuts where the
// first of them is bad.
func TestAssessAndRule(t *testing.T) {
	world, err := tinyworld.New(tinyworld.Standard, tinyworld.Seed(tinyworld.Train, 0))
	require.NoError(t, err)
	j := tinyjudge.New(world)
	tok, err := tinyworld.Tokenizer(tinyworld.Standard)
	require.NoError(t, err)
	index, err := retrieval.NewBM25(world.Documents())
	require.NoError(t, err)
	relations := tinyworld.Relations(tinyworld.Standard)
	greedy := world.Greedy()
	erratic := func(v tinyworld.View, rng *rand.Rand) tinyworld.Action {
		switch u := rng.Float64(); {
		case u < .3:
			return tinyworld.Ask(relations[rng.IntN(len(relations))].Name, v.Chain.Start)
		case u < .4:
			return tinyworld.Conclude("Nobody")
		}
		return greedy(v, rng)
	}
	env := rollout.Env{Policy: tinyworld.NewAgent(tok, erratic), Searcher: index, Tokenizer: tok, Protocol: tinyworld.Protocol(tinyworld.Standard)}
	trees, err := env.Rollout(context.Background(), world.Questions(rand.New(rand.NewPCG(1, 1)), 60), 2, rollout.Sampling{Temperature: 1}, rand.New(rand.NewPCG(1, 2)))
	require.NoError(t, err)
	count := map[string]int{}
	for _, tree := range trees {
		for _, trajectory := range tree.Trajectories {
			useful, err := world.Useful(tree, trajectory.Leaf)
			require.NoError(t, err)
			var past []judge.Past
			var sets []judge.Retrieval
			var want []float64
			for i, step := range tree.Steps(trajectory.Leaf) {
				if last := tree.Segments[step.Last]; last.Kind == rollout.Documents {
					sets = append(sets, judge.Retrieval{Question: tree.Question, Past: past[:len(past):len(past)], Documents: last.Hits})
					past = append(past, judge.Past{Documents: last.Hits})
					want = append(want, map[bool]float64{true: 1}[useful[i]])
				}
			}
			scores, err := j.Assess(context.Background(), sets)
			require.NoError(t, err)
			for i, s := range scores {
				require.True(t, s.Known)
				require.Equal(t, want[i], s.Value, s.Reason)
				count[map[float64]string{0: "useless", 1: "useful"}[s.Value]]++
			}
			ruling, err := j.Rule(tree, trajectory.Leaf)
			require.NoError(t, err)
			if trajectory.End == rollout.Answered && qa.ExactMatch(trajectory.Answer, tree.Question.Answers) == 1 {
				require.True(t, ruling.Accept)
				count["accepted"]++
				continue
			}
			require.False(t, ruling.Accept)
			for _, u := range useful[:ruling.Keep] {
				require.True(t, u)
			}
			require.True(t, !useful[ruling.Keep] || ruling.Keep == len(useful)-1)
			count["cut"]++
		}
	}
	for _, what := range []string{"useless", "useful", "accepted", "cut"} {
		require.Greater(t, count[what], 10, what)
	}
	scores, err := j.Assess(context.Background(), []judge.Retrieval{{Question: qa.Question{Text: "Why?"}}})
	require.NoError(t, err)
	require.False(t, scores[0].Known)
}
