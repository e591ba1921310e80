package likelihood_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/likelihood"
	"searchrl/rollout"
	"searchrl/tinyworld"
	"searchrl/tokenizer"
)

// table is a policy that knows one thing: log π(target | prefix), by the text of both.
type table struct {
	tok   *tokenizer.Tokenizer
	lp    map[string][]float64
	calls [][]rollout.ScoreRequest
}

func (p *table) Generate(context.Context, []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	return nil, nil
}

func (p *table) Score(_ context.Context, reqs []rollout.ScoreRequest) ([][][]float64, error) {
	p.calls = append(p.calls, reqs)
	out := make([][][]float64, len(reqs))
	for i, r := range reqs {
		for _, target := range r.Targets {
			out[i] = append(out[i], p.lp[p.tok.Decode(r.Prefix)+"|"+p.tok.Decode(target)])
		}
	}
	return out, nil
}

func newEnv(t testing.TB, lp map[string][]float64) (*rollout.Env, *table) {
	file, err := tokenizer.BuildWords([]string{" Marrow", " Dole"}, []string{"<answer>"})
	require.NoError(t, err)
	tok, err := tokenizer.Load(fstest.MapFS{"tokenizer.json": {Data: file}})
	require.NoError(t, err)
	p := &table{tok: tok, lp: lp}
	return &rollout.Env{Policy: p, Tokenizer: tok, Protocol: rollout.Bare()}, p
}

// TestPaper checks the equation against the released code's description, by hand.
func TestPaper(t *testing.T) {
	o := likelihood.Paper()
	// "n_head = 3 tokens get weight 3.0 (weights re-normalised to mean 1)": of five tokens w = 3 3 3 1 1, mean 11/5.
	require.InDelta(t, -(3*1+3*2+3*3+1*4+1*5)/11., o.Mean([]float64{-1, -2, -3, -4, -5}), 1e-15)
	// "per-sequence score = weighted MEAN": an answer that is all head has the plain mean.
	require.InDelta(t, -1.5, o.Mean([]float64{-1, -2}), 1e-15)
	require.InDelta(t, -3, likelihood.Options{}.Mean([]float64{-1, -2, -3, -4, -5}), 1e-15)
}

func TestMeanIsAMean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := likelihood.Options{HeadTokens: rapid.IntRange(0, 6).Draw(t, "head"), HeadWeight: rapid.Float64Range(.1, 10).Draw(t, "weight")}
		lp := rapid.SliceOfN(rapid.Float64Range(-20, 0), 1, 8).Draw(t, "lp")
		l := o.Mean(lp)
		require.GreaterOrEqual(t, l, slices.Min(lp)-1e-9)
		require.LessOrEqual(t, l, slices.Max(lp)+1e-9)
		j := rapid.IntRange(0, len(lp)-1).Draw(t, "j")
		lp[j]++
		require.Greater(t, o.Mean(lp), l, "rising in every token")
	})
}

func TestScore(t *testing.T) {
	env, policy := newEnv(t, map[string][]float64{
		"a<answer>| Marrow": {-1}, "a<answer>| Dole": {-2}, "b<answer>| Marrow": {math.Inf(-1)}, "b<answer>| Dole": {-4},
		"ax<answer>|Dole": {-1, -2, -3, -4},
	})
	encode := env.Tokenizer.Encode
	a := likelihood.Context{Prefix: encode("a"), Answers: []string{"Marrow", " Dole "}}
	b := likelihood.Context{Prefix: encode("b"), Answers: []string{"Marrow", "Dole"}}
	got, err := likelihood.Options{}.Score(context.Background(), env, []likelihood.Context{a, b})
	require.NoError(t, err)
	require.Equal(t, [][]float64{{-1, -2}, {math.Inf(-1), -4}}, got.LogLik)
	require.Len(t, policy.calls, 1, "one call of the policy")
	require.Equal(t, 4, got.Computed, "each context's letter and the tag; the answers are one token")
	require.Equal(t, 0, likelihood.Best(got.LogLik[0]))
	require.Equal(t, 1, likelihood.Best(got.LogLik[1]))
	require.Equal(t, 0, likelihood.Best([]float64{-2, -2}), "the first of several")
	require.Equal(t, -1, likelihood.Best(nil))

	got, err = likelihood.Options{MaxAliases: 1}.Score(context.Background(), env, []likelihood.Context{a})
	require.NoError(t, err)
	require.Equal(t, [][]float64{{-1}}, got.LogLik)
	// An opening of one's own, here without a space: the answer is spelt out in four bytes.
	got, err = likelihood.Options{Opening: "x<answer>"}.Score(context.Background(), env, []likelihood.Context{{Prefix: encode("a"), Answers: []string{"Dole"}}})
	require.NoError(t, err)
	require.Equal(t, [][]float64{{-2.5}}, got.LogLik)
	got, err = likelihood.Options{}.Score(context.Background(), env, nil)
	require.NoError(t, err)
	require.Empty(t, got.LogLik)
}

func TestBadInput(t *testing.T) {
	env, _ := newEnv(t, map[string][]float64{"a<answer>| Dole": {math.NaN()}})
	one := env.Tokenizer.Encode("a")
	for want, c := range map[string]likelihood.Context{
		"0 tokens and 1 answers":         {Answers: []string{"Dole"}},
		"1 tokens and 0 answers":         {Prefix: one},
		"answer 1 of context 0 is empty": {Prefix: one, Answers: []string{"Dole", " "}},
		"not a number":                   {Prefix: one, Answers: []string{"Dole"}},
		"no log-probability":             {Prefix: one, Answers: []string{"Marrow"}},
	} {
		_, err := likelihood.Options{}.Score(context.Background(), env, []likelihood.Context{c})
		require.ErrorContains(t, err, want)
	}
	for want, o := range map[string]likelihood.Options{
		"head tokens": {HeadTokens: -1}, "head weight NaN": {HeadWeight: math.NaN()}, "head weight 1e+308": {HeadWeight: 1e308}, "aliases": {MaxAliases: -1},
	} {
		_, err := o.Score(context.Background(), env, nil)
		require.ErrorContains(t, err, want)
	}
}

// TestEmbeddedWorld: the answer's tokens are those that the policy writes itself, and what it would write is likely.
func TestEmbeddedWorld(t *testing.T) {
	tok, err := tinyworld.Tokenizer(tinyworld.Standard)
	require.NoError(t, err)
	env := &rollout.Env{Tokenizer: tok, Protocol: tinyworld.Protocol(tinyworld.Standard)}
	spy := &table{tok: tok, lp: map[string][]float64{}}
	env.Policy = spy
	_, err = likelihood.Options{Opening: "<think> I know the answer.</think><answer> "}.Score(context.Background(), env,
		[]likelihood.Context{{Prefix: tok.EncodeTrusted("Question: Who?\n"), Answers: []string{"Okafor"}}})
	require.ErrorContains(t, err, "no log-probability")
	req := spy.calls[0][0]
	written := tok.EncodeTrusted("Question: Who?\n" + tinyworld.Conclude("Okafor").Text())
	whole := slices.Concat(req.Prefix, req.Targets[0])
	require.Equal(t, written[:len(whole)], whole)
	require.Equal(t, "</answer>", tok.Decode(written[len(whole):]))
}
