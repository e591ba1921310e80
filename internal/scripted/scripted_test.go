package scripted_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/internal/scripted"
	"searchrl/rollout"
)

func TestCompletionsEndAsAModelsDo(t *testing.T) {
	tok, err := scripted.NewTokenizer([]string{"<answer", "answer", "</", ">\n\n"}, nil)
	require.NoError(t, err)
	for _, c := range []struct {
		say, want, stop string
		maxTokens       int
	}{
		{"<answer>x</answer> and more", "<answer>x</answer>", "</answer>", 50},
		{"<answer>x</answer>\n\nand more", "<answer>x</answer>\n\n", "</answer>", 50},
		{"<answer>x</answer>", "<answer>", "", 2},
		{"hello", "hello<|end|>", rollout.EndOfSequence, 50},
		{"hello", "hello", "", 5},
		{"", "<|end|>", rollout.EndOfSequence, 1},
	} {
		policy := &scripted.Policy{Tokenizer: tok, Say: func(string, int) string { return c.say }}
		out, err := policy.Generate(context.Background(), []rollout.GenerateRequest{
			{Prefix: []int{1}, N: 2, MaxTokens: c.maxTokens, Stop: []string{"</answer>"}}})
		require.NoError(t, err)
		require.Len(t, out[0], 2)
		got := out[0][1]
		require.Equal(t, c.want, tok.Decode(got.Tokens))
		require.Equal(t, c.stop, got.Stop)
		require.Len(t, got.LogProbs, len(got.Tokens))
	}
}

func TestTable(t *testing.T) {
	say := scripted.Table(map[string][]string{"b": {"short"}, "a b": {"first", "second"}})
	require.Equal(t, "first", say("x a b", 0))
	require.Equal(t, "second", say("x a b", 7))
	require.Equal(t, "short", say("xb", 0))
	require.Empty(t, say("c", 0))
}

func TestTurns(t *testing.T) {
	say := scripted.Turns("?", "one", "two", "two")
	require.Equal(t, "one", say("one two?", 0), "what precedes the prompt does not count")
	require.Equal(t, "two", say("? one", 0))
	require.Equal(t, "two", say("? one … two", 0))
	require.Equal(t, "two", say("? one two two two", 0))
}

func TestScoreAndBadRequests(t *testing.T) {
	tok, err := scripted.NewTokenizer(nil, nil)
	require.NoError(t, err)
	policy := &scripted.Policy{Tokenizer: tok, Say: func(string, int) string { return "" }}
	ctx, cancel := context.WithCancel(context.Background())
	scores, err := policy.Score(ctx, []rollout.ScoreRequest{{Prefix: []int{1}, Targets: [][]int{{1, 2}, {3}}}})
	require.NoError(t, err)
	require.Len(t, scores[0], 2)
	require.Len(t, scores[0][0], 2)
	require.Negative(t, scores[0][1][0])
	_, err = policy.Generate(ctx, []rollout.GenerateRequest{{}})
	require.ErrorContains(t, err, "request 0")
	cancel()
	_, err = policy.Generate(ctx, nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = policy.Score(ctx, nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = scripted.NewTokenizer([]string{"two words"}, nil)
	require.Error(t, err)
}
