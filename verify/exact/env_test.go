package exact_test

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/baseline/searchr1"
	"searchrl/estimator"
	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/rollout"
	"searchrl/verify/exact"
)

func logOf(t require.TestingT, tr exact.Trajectory) float64 {
	p, _ := tr.P.Float64()
	return math.Log(p)
}

// TestAgentLoop runs the real agent loop, and Search-R1 as it trains, on drawn processes. Exactly: each sampled trajectory is
// one of the enumerated ones, its tokens' log-probabilities add up to the logarithm of its probability, and its reward
// and advantages are what the enumerated rewards say.
func TestAgentLoop(t *testing.T) {
	method := searchr1.Method{Group: 6, Sampling: rollout.Sampling{Temperature: 1}, Normalisation: grpo.MeanOnly}
	rapid.Check(t, func(t *rapid.T) {
		env, err := exact.NewEnv(exact.Draw(rapidly{t}, small))
		require.NoError(t, err)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		trees, _, err := method.Collect(context.Background(), env.Env, []qa.Question{env.Question}, rng)
		require.NoError(t, err)
		tree := trees[0]
		require.NoError(t, tree.Validate())
		var outcomes [][]float64
		for _, trajectory := range tree.Trajectories {
			require.Equal(t, rollout.Answered, trajectory.End)
			tr, next, err := env.Follow(tree.PathTokens(trajectory.Leaf))
			require.NoError(t, err)
			require.Nil(t, next)
			logP := 0.0
			for _, s := range tree.Path(trajectory.Leaf) {
				for _, lp := range tree.Segments[s].LogProbs {
					logP += lp
				}
			}
			require.InDelta(t, logOf(t, tr), logP, 1e-12)
			require.Len(t, tr.Rewards, trajectory.Turns)
			last, _ := tr.Rewards[len(tr.Rewards)-1].Float64()
			want := 0.0
			if last == 1 {
				want = 1
			}
			require.Equal(t, want, trajectory.Reward)
			outcomes = append(outcomes, []float64{trajectory.Reward})
		}
		for i, a := range estimator.Full(outcomes, grpo.MeanOnly) {
			leaf := tree.Segments[tree.Trajectories[i].Leaf]
			require.Equal(t, a[0], leaf.Advantages[0])
		}
	})
}

// TestTemperature: at temperature τ the policy draws actions with probabilities ∝ p^{1/τ} and reports their logarithm.
func TestTemperature(t *testing.T) {
	p := exact.Independent([]exact.Law{{P: []*big.Rat{rat(1, 5), rat(4, 5)}, Reward: []*big.Rat{rat(0, 1), rat(1, 1)}}})
	env, err := exact.NewEnv(p)
	require.NoError(t, err)
	seen := map[float64]bool{}
	for seed := range uint64(64) {
		trees, err := env.Rollout(context.Background(), []qa.Question{env.Question}, 1, rollout.Sampling{Temperature: .5}, rand.New(rand.NewPCG(seed, 0)))
		require.NoError(t, err)
		tr, _, err := env.Follow(trees[0].PathTokens(trees[0].Trajectories[0].Leaf))
		require.NoError(t, err)
		logP := 0.0
		for _, s := range trees[0].Path(trees[0].Trajectories[0].Leaf) {
			for _, lp := range trees[0].Segments[s].LogProbs {
				logP += lp
			}
		}
		reward := tr.Floats()[0]
		seen[reward] = true
		require.InDelta(t, math.Log(map[float64]float64{0: 1. / 17, 1: 16. / 17}[reward]), logP, 1e-12, "squares of 1/5 and 4/5")
	}
	require.Len(t, seen, 2)
}

// TestFrequencies samples 20,000 trajectories through the agent loop. By Hoeffding's inequality a share is off by δ with a
// probability of at most 2·exp(−2nδ²): for δ = 0.03 and at most 100 trajectories the test fails wrongly with 5e-14 at most.
func TestFrequencies(t *testing.T) {
	const n, delta = 20000, .03
	p := exact.Draw(exact.Random(rand.New(rand.NewPCG(11, 0))), exact.Shape{Steps: 3, Actions: 3, Documents: 2, Nodes: 8})
	trajectories := p.Trajectories()
	require.Greater(t, len(trajectories), 5)
	require.Less(t, len(trajectories), 100)
	env, err := exact.NewEnv(p)
	require.NoError(t, err)
	trees, err := env.Rollout(context.Background(), []qa.Question{env.Question}, n, rollout.Sampling{Temperature: 1}, rand.New(rand.NewPCG(rand.Uint64(), 1)))
	require.NoError(t, err)
	share := map[string]float64{}
	for _, trajectory := range trees[0].Trajectories {
		tr, _, err := env.Follow(trees[0].PathTokens(trajectory.Leaf))
		require.NoError(t, err)
		share[fmt.Sprint(tr.Actions, tr.Documents)] += 1. / n
	}
	for _, tr := range trajectories {
		name := fmt.Sprint(tr.Actions, tr.Documents)
		want, _ := tr.P.Float64()
		require.InDelta(t, want, share[name], delta, "trajectory %s", name)
		delete(share, name)
	}
	require.Empty(t, share, "nothing else was sampled")
}

// TestScoreAgreesWithGenerate: also in the middle of a step, as behind a forced opening.
func TestScoreAgreesWithGenerate(t *testing.T) {
	ctx := context.Background()
	env, err := exact.NewEnv(exact.Markov(3, rat(1, 2)))
	require.NoError(t, err)
	prompt := env.Tokenizer.EncodeTrusted("Question: Which way?\n")
	inside := append(prompt, env.Tokenizer.EncodeTrusted("<think>")...)
	for _, prefix := range [][]int{prompt, inside} {
		out, err := env.Policy.Generate(ctx, []rollout.GenerateRequest{{Prefix: prefix, N: 3, Sampling: rollout.Sampling{Temperature: 1},
			MaxTokens: 40, Stop: []string{"</search>", "</answer>"}, Seed: 5}})
		require.NoError(t, err)
		for _, c := range out[0] {
			require.Equal(t, "</search>", c.Stop)
			scores, err := env.Policy.Score(ctx, []rollout.ScoreRequest{{Prefix: prefix, Targets: [][]int{c.Tokens, {'x', 'y'}}}})
			require.NoError(t, err)
			require.Equal(t, c.LogProbs, scores[0][0])
			require.InDelta(t, math.Log(.5), sum(c.LogProbs), 1e-15)
			require.Equal(t, []float64{math.Inf(-1), math.Inf(-1)}, scores[0][1])
		}
	}
	greedy, err := env.Policy.Generate(ctx, []rollout.GenerateRequest{{Prefix: inside, N: 1, MaxTokens: 2, Stop: []string{"</think>"}}})
	require.NoError(t, err)
	require.Equal(t, "0</think>", env.Tokenizer.Decode(greedy[0][0].Tokens), "of equals the smaller id")
	require.Equal(t, "</think>", greedy[0][0].Stop)

	for want, req := range map[string]rollout.GenerateRequest{
		"no prompt":            {Prefix: []int{1}, N: 1, MaxTokens: 9},
		"is no step":           {Prefix: env.Tokenizer.EncodeTrusted("\n<search>"), N: 1, MaxTokens: 9},
		"waits":                {Prefix: env.Tokenizer.EncodeTrusted("\n<think>0</think><search>0 0</search>"), N: 1, MaxTokens: 9},
		"where the search":     {Prefix: env.Tokenizer.EncodeTrusted("\n<think>0</think><search>0 0</search><information>7</information>"), N: 1, MaxTokens: 9},
		"do not end the step":  {Prefix: prompt, N: 1, MaxTokens: 99},
		"without top-k":        {Prefix: prompt, N: 1, MaxTokens: 9, Sampling: rollout.Sampling{TopK: 3}},
		"0 samples of at most": {Prefix: prompt},
	} {
		_, err := env.Policy.Generate(ctx, []rollout.GenerateRequest{req})
		require.ErrorContains(t, err, want)
	}
	_, _, err = env.Follow(inside)
	require.ErrorContains(t, err, "within a step")
	_, node, err := env.Follow(prompt)
	require.NoError(t, err)
	require.Same(t, env.Process().Root, node)
}

// TestAllTrajectoriesScore walks every enumerated trajectory through Score: the probabilities are the enumerated ones.
func TestAllTrajectoriesScore(t *testing.T) {
	p := exact.Draw(exact.Random(rand.New(rand.NewPCG(5, 0))), small)
	env, err := exact.NewEnv(p)
	require.NoError(t, err)
	for _, tr := range p.Trajectories() {
		prefix, logP := env.Tokenizer.EncodeTrusted("Question: Which way?\n"), 0.0
		for s, i := range tr.Actions {
			text := fmt.Sprintf("<think>%d</think><answer>wrong</answer>", i)
			if s == len(tr.Actions)-1 && tr.Rewards[s].Cmp(rat(1, 1)) == 0 {
				text = fmt.Sprintf("<think>%d</think><answer>right</answer>", i)
			}
			if s < len(tr.Documents) {
				text = fmt.Sprintf("<think>%d</think><search>%d %d</search>", i, i, tr.Documents[s])
			}
			step := env.Tokenizer.EncodeTrusted(text)
			scores, err := env.Policy.Score(context.Background(), []rollout.ScoreRequest{{Prefix: prefix, Targets: [][]int{step}}})
			require.NoError(t, err)
			logP += sum(scores[0][0])
			prefix = append(prefix, step...)
			if s < len(tr.Documents) {
				prefix = append(prefix, env.Tokenizer.EncodeTrusted(fmt.Sprintf("<information>%d</information>", tr.Documents[s]))...)
			}
		}
		require.InDelta(t, logOf(t, tr), logP, 1e-12)
	}
}

func sum(xs []float64) float64 {
	s := 0.0
	for _, x := range xs {
		s += x
	}
	return s
}
