package tinyworld_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/rollout"
	"searchrl/tinyworld"
)

// agentEM is an agent's EM on n questions of a split's first world, through the real loop, parser and searcher.
func agentEM(t *testing.T, level tinyworld.Level, split tinyworld.Split, n int, rule func(*tinyworld.World) tinyworld.Decide) float64 {
	t.Helper()
	w := newWorld(t, level, split)
	tok, err := tinyworld.Tokenizer(level)
	require.NoError(t, err)
	r, err := tinyworld.Examine(context.Background(), w, tinyworld.NewAgent(tok, rule(w)), n, 1, rollout.Sampling{})
	require.NoError(t, err)
	for _, tree := range r.Trees {
		require.NoError(t, tree.Validate())
	}
	require.Zero(t, r.Invalid)
	t.Logf("%s, %s: EM %.3f, %.2f searches", level, split, r.EM, r.Searches)
	return r.EM
}

func TestReferenceAgentsOnTheStandardLevel(t *testing.T) {
	const n = 1000
	for _, split := range []tinyworld.Split{tinyworld.Train, tinyworld.Test} {
		require.GreaterOrEqual(t, agentEM(t, tinyworld.Standard, split, n, (*tinyworld.World).Oracle), .98)
		require.LessOrEqual(t, agentEM(t, tinyworld.Standard, split, n, (*tinyworld.World).NeverSearch), .12)
		require.LessOrEqual(t, agentEM(t, tinyworld.Standard, split, n, (*tinyworld.World).WholeQuestion), .12)
	}
}

func TestAgentsObeyTheRequest(t *testing.T) {
	w := newWorld(t, tinyworld.Standard, tinyworld.Test)
	tok, err := tinyworld.Tokenizer(tinyworld.Standard)
	require.NoError(t, err)
	agent := tinyworld.NewAgent(tok, w.Oracle())
	q := w.Questions(rand.New(rand.NewPCG(1, 1)), 1)[0]
	req := rollout.GenerateRequest{Prefix: tok.Encode("Question: " + q.Text + "\n"), N: 3, MaxTokens: 5, Stop: []string{"</search>"}}
	out, err := agent.Generate(context.Background(), []rollout.GenerateRequest{req})
	require.NoError(t, err)
	require.Len(t, out[0], 3)
	require.Len(t, out[0][0].Tokens, 5)
	require.Empty(t, out[0][0].Stop)
	req.MaxTokens = 40
	out, err = agent.Generate(context.Background(), []rollout.GenerateRequest{req})
	require.NoError(t, err)
	require.Equal(t, "</search>", out[0][2].Stop)
	require.Len(t, out[0][2].LogProbs, len(out[0][2].Tokens))

	req.Prefix = tok.Encode("What is this?")
	_, err = agent.Generate(context.Background(), []rollout.GenerateRequest{req})
	require.ErrorContains(t, err, "no question of this world")
	_, err = agent.Score(context.Background(), nil)
	require.Error(t, err)
}

func TestReferenceAgentsOnTheHardLevel(t *testing.T) {
	const n = 600
	for _, split := range []tinyworld.Split{tinyworld.Train, tinyworld.Test} {
		require.GreaterOrEqual(t, agentEM(t, tinyworld.Hard, split, n, (*tinyworld.World).Oracle), .98)
		greedy := agentEM(t, tinyworld.Hard, split, n, (*tinyworld.World).Greedy)
		require.Greater(t, greedy, .4)
		require.Less(t, greedy, .8)
		require.LessOrEqual(t, agentEM(t, tinyworld.Hard, split, n, (*tinyworld.World).NeverSearch), .12)
		require.LessOrEqual(t, agentEM(t, tinyworld.Hard, split, n, (*tinyworld.World).WholeQuestion), .12)
	}
}
