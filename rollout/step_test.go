package rollout_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/rollout"
)

// parrot is a policy that says one completion, whatever it is asked.
type parrot struct{ completion rollout.Completion }

func (p parrot) Generate(_ context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	return [][]rollout.Completion{{p.completion}}, nil
}

func (p parrot) Score(context.Context, []rollout.ScoreRequest) ([][][]float64, error) {
	return nil, nil
}

// divide samples one step that consists of the given tokens.
func divide(t require.TestingT, env rollout.Env, tokens []int, stop string) rollout.Candidate {
	c := rollout.Completion{Tokens: tokens, Stop: stop}
	for j := range tokens {
		c.LogProbs = append(c.LogProbs, -float64(j)-1)
	}
	env.Policy = parrot{c}
	tree, err := env.Start(opera)
	require.NoError(t, err)
	sampled, err := env.Sample(context.Background(), []rollout.StepRequest{{Tree: tree, N: 1}})
	require.NoError(t, err)
	return sampled[0][0]
}

func TestTokensThatStraddleBoundaries(t *testing.T) {
	type part struct {
		kind rollout.Kind
		text string
	}
	for _, c := range []struct {
		name   string
		pieces []string // tokens by their text
		stop   string
		want   []part
		value  string
	}{
		{"clean boundaries", []string{"<", "think", ">", "a", "</", "think", ">", "<", "search", ">", "b", "</", "search", ">"}, "</search>",
			[]part{{"think", "<think>a</think>"}, {"query", "<search>b</search>"}}, "b"},
		{"one token ends the thought and begins the query", []string{"<", "think", ">", "a", "</", "think", "><", "search", ">", "b", "</", "search", ">"}, "</search>",
			[]part{{"think", "<think>a</think"}, {"query", "><search>b</search>"}}, "b"},
		{"the last token brings line breaks", []string{"<", "search", ">", "b", "</", "search", ">\n\n"}, "</search>",
			[]part{{"query", "<search>b</search>\n\n"}}, "b"},
		{"the last token begins something else", []string{"<", "search", ">", "b", "</", "search", "><"}, "</search>",
			[]part{{"query", "<search>b</search><"}}, "b"},
		{"tokens after the action", []string{"<", "search", ">", "b", "</", "search", "><", "a"}, "</search>",
			[]part{{"invalid", "<search>b</search><a"}}, ""},
		{"one token closes a block and half of another", []string{"<", "think", ">", "a", "</", "think", "></search", ">"}, "</search>",
			[]part{{"invalid", "<think>a</think></search>"}}, ""},
		{"a character of two tokens", []string{"<", "answer", ">", "\xc3", "\xbc", "</", "answer", ">"}, "</answer>",
			[]part{{"answer", "<answer>ü</answer>"}}, "ü"},
		{"half a character at the end", []string{"<", "think", ">", "\xc3"}, "",
			[]part{{"invalid", "<think>\ufffd"}}, ""},
		{"end of sequence", []string{"<", "think", ">", "a", "<|end|>"}, rollout.EndOfSequence,
			[]part{{"invalid", "<think>a<|end|>"}}, ""},
		{"end of sequence after an action", []string{"<", "answer", ">", "a", "</", "answer", ">", "<|end|>"}, rollout.EndOfSequence,
			[]part{{"answer", "<answer>a</answer><|end|>"}}, "a"},
		{"white space of two tokens at the boundary", []string{"<", "think", ">", "</", "think", ">", "\xc2", "\xa0", "<", "search", ">", "b", "</", "search", ">"}, "</search>",
			[]part{{"think", "<think></think>"}, {"query", "\u00a0<search>b</search>"}}, "b"},
		{"end of sequence alone", []string{"<|end|>"}, rollout.EndOfSequence, []part{{"invalid", "<|end|>"}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			env, _ := newEnv(t, nil)
			var tokens []int
			for _, piece := range c.pieces {
				tokens = append(tokens, tokenOf(t, env, piece))
			}
			candidate := divide(t, *env, tokens, c.stop)
			var got []part
			for _, s := range candidate.Segments {
				got = append(got, part{s.Kind, s.Text})
				require.Equal(t, s.Text, env.Tokenizer.Decode(s.Tokens))
			}
			require.Equal(t, c.want, got, candidate.Step.Reason)
			require.Equal(t, c.value, candidate.Segments[len(got)-1].Value)
		})
	}
}

// tokenOf returns the token whose bytes are piece: a byte, one of words, or an added token.
func tokenOf(t testing.TB, env *rollout.Env, piece string) int {
	t.Helper()
	if len(piece) == 1 {
		return int(piece[0])
	}
	ids := env.Tokenizer.EncodeTrusted(piece)
	require.Len(t, ids, 1, "%q", piece)
	return ids[0]
}

// TestDividingKeepsEveryToken draws arbitrary tokens, broken characters and unknown ids included.
func TestDividingKeepsEveryToken(t *testing.T) {
	env, _ := newEnv(t, nil)
	env.Protocol.Tags.Refine = "refine"
	var likely []int
	for _, text := range []string{"<think>", "</think>", "<search>", "</search>", "<answer>", "</answer>", "<refine>", "</refine>", "><", ">\n\n", "></search", " the", "é"} {
		likely = append(likely, env.Tokenizer.EncodeTrusted(text)...)
	}
	for _, whole := range []string{"<think>a</think><search>b</search>", "<refine>a</refine><think>b</think>\n<answer>ü</answer>"} {
		likely = append(likely, env.Tokenizer.EncodeTrusted(whole)...)
	}
	rapid.Check(t, func(t *rapid.T) {
		env.Protocol.Loose = rapid.Bool().Draw(t, "loose")
		var tokens []int
		for range rapid.IntRange(1, 12).Draw(t, "runs") {
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				tokens = append(tokens, rapid.IntRange(0, env.Tokenizer.VocabSize()+3).Draw(t, "id"))
			case 1: // a run of a plausible text
				from := rapid.IntRange(0, len(likely)-1).Draw(t, "from")
				to := rapid.IntRange(from+1, len(likely)).Draw(t, "to")
				tokens = append(tokens, likely[from:to]...)
			default:
				tokens = append(tokens, env.Tokenizer.EncodeTrusted(rapid.SampledFrom(stepPieces).Draw(t, "piece"))...)
			}
		}
		if len(tokens) == 0 || len(tokens) > env.Protocol.MaxStepTokens {
			return
		}
		stop := rapid.SampledFrom([]string{"", rollout.EndOfSequence, "</search>"}).Draw(t, "stop")
		candidate := divide(t, *env, tokens, stop)

		var got []int
		var text strings.Builder
		n := 0
		for i, s := range candidate.Segments {
			require.NotEmpty(t, s.Tokens)
			require.Len(t, s.LogProbs, len(s.Tokens))
			for _, lp := range s.LogProbs {
				n++
				require.Equal(t, -float64(n), lp, "log-probabilities stay with their tokens")
			}
			got = append(got, s.Tokens...)
			text.WriteString(s.Text)
			require.Equal(t, env.Tokenizer.Decode(s.Tokens), s.Text)
			last := i == len(candidate.Segments)-1
			require.Equal(t, last, s.Kind == candidate.Step.Kind, "the action is the last segment")
			require.LessOrEqual(t, text.Len(), boundary(candidate.Step, s.Kind), "a straddling token goes to the later segment")
			if !last { // and no token goes there that need not
				following := candidate.Segments[i+1].Tokens
				for whole := 1; whole <= min(4, len(following)); whole++ {
					with := env.Tokenizer.Decode(append(append([]int(nil), got...), following[:whole]...))
					if before := env.Tokenizer.Decode(got); len(with) > len(before) && !strings.HasSuffix(with, "\ufffd") {
						require.Greater(t, len(with), boundary(candidate.Step, s.Kind))
						break
					}
				}
			}
		}
		require.Equal(t, tokens, got)
		require.Equal(t, env.Tokenizer.Decode(tokens), text.String())
	})
}

// boundary is the byte where the part of a step of that kind ends.
func boundary(s rollout.Step, kind rollout.Kind) int {
	switch kind {
	case rollout.Refine:
		return s.Refine.End
	case rollout.Think:
		return s.Thought.End
	}
	return s.Action.End
}

func TestCandidatesDoNotShareMemoryWithThePolicy(t *testing.T) {
	env, _ := newEnv(t, nil)
	tokens := env.Tokenizer.Encode("<answer>x</answer>")
	candidate := divide(t, *env, tokens, "</answer>")
	tree, err := env.Start(opera)
	require.NoError(t, err)
	first, second := tree.Attach(0, candidate), tree.Attach(0, candidate)
	tokens[0] = 0
	require.NotZero(t, tree.Segments[first].Tokens[0])
	tree.Segments[first].Advantages = make([]float64, len(tokens))
	require.Nil(t, tree.Segments[second].Advantages)
}
