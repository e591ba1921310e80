package plain_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"searchrl/checkpoint"
	"searchrl/plain"
	"searchrl/rollout"
	"searchrl/sampling"
	"searchrl/tokenizer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small is the size of model that the embedded world uses.
var small = checkpoint.Config{
	VocabSize: 700, HiddenSize: 64, IntermediateSize: 160, Layers: 2, Heads: 4, KVHeads: 2, HeadDim: 16,
	RMSNormEps: 1e-6, RopeTheta: 10000, TieEmbeddings: true, MaxPositions: 1024,
}

// anyModel draws a small model of any shape, with weights large enough for its choices to matter. Not of hidden size 1, say: a
// single number that is nearly 0 makes RMSNorm ill-conditioned, and rounding errors large.
func anyModel(t *rapid.T) (checkpoint.Config, checkpoint.Weights) {
	kv := rapid.IntRange(1, 3).Draw(t, "key/value heads")
	cfg := checkpoint.Config{
		VocabSize: rapid.IntRange(2, 40).Draw(t, "vocabulary"), HiddenSize: rapid.IntRange(8, 24).Draw(t, "hidden"),
		IntermediateSize: rapid.IntRange(1, 24).Draw(t, "intermediate"), Layers: rapid.IntRange(1, 3).Draw(t, "layers"),
		Heads: kv * rapid.IntRange(1, 3).Draw(t, "group"), KVHeads: kv, HeadDim: 2 * rapid.IntRange(1, 6).Draw(t, "half head"),
		RMSNormEps: 1e-6, RopeTheta: 1000, TieEmbeddings: rapid.Bool().Draw(t, "tied"), MaxPositions: 1000,
	}
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "weights"), 0))
	w := checkpoint.Init(cfg, rng)
	for _, name := range w.Names() {
		for i := range w[name].Data {
			w[name].Data[i] += float32(rng.NormFloat64() * 0.3)
		}
	}
	return cfg, w
}

func tokens(t *rapid.T, vocabulary, from, to int, label string) []int {
	return rapid.SliceOfN(rapid.IntRange(0, vocabulary-1), from, to).Draw(t, label)
}

// truth returns the log-probabilities of target after prefix by the readable forward pass.
func truth(t require.TestingT, m *plain.Model, prefix, target []int, temperature float64) []float64 {
	logits, err := m.Logits(slices.Concat(prefix, target))
	require.NoError(t, err)
	out := make([]float64, len(target))
	for j, id := range target {
		row := slices.Clone(logits[len(prefix)+j-1])
		for i := range row {
			row[i] = float32(float64(row[i]) / temperature)
		}
		out[j] = sampling.LogProb(row, id)
	}
	return out
}

// The fast decoder computes what the readable forward pass does: sampled log-probabilities, scored ones, greedy choices.
func TestDecoderAgreesWithForward(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		cfg, w := anyModel(t)
		m, err := plain.New(cfg, w, nil)
		require.NoError(t, err)
		prefix := tokens(t, cfg.VocabSize, 1, 150, "prefix")
		temperature := rapid.SampledFrom([]float64{0.5, 1, 2}).Draw(t, "temperature")
		out, err := m.Generate(ctx, []rollout.GenerateRequest{
			{Prefix: prefix, N: 2, MaxTokens: 80, Seed: 7, Sampling: rollout.Sampling{Temperature: temperature}},
			{Prefix: prefix, N: 1, MaxTokens: 10},
		})
		require.NoError(t, err)
		for _, c := range out[0] {
			require.InDeltaSlice(t, truth(t, m, prefix, c.Tokens, temperature), c.LogProbs, 1e-4)
			scored, err := m.Score(ctx, []rollout.ScoreRequest{{Prefix: prefix, Targets: [][]int{c.Tokens}}})
			require.NoError(t, err)
			require.InDeltaSlice(t, truth(t, m, prefix, c.Tokens, 1), scored[0][0], 1e-4)
			if temperature == 1 {
				require.Equal(t, c.LogProbs, scored[0][0], "scored and sampled log-probabilities are the same numbers")
			}
		}
		greedy := out[1][0]
		want := truth(t, m, prefix, greedy.Tokens, 1)
		require.InDeltaSlice(t, want, greedy.LogProbs, 1e-4)
		logits, err := m.Logits(slices.Concat(prefix, greedy.Tokens))
		require.NoError(t, err)
		for j, id := range greedy.Tokens {
			row := logits[len(prefix)+j-1]
			require.GreaterOrEqual(t, row[id]+1e-4, slices.Max(row))
		}
	})
}

// A sample is the same, bit for bit, alone or in company, with one goroutine or several, with a cold prefix cache, a warm one,
// one that is too small, or none.
func TestSampleDependsOnItsRequestAlone(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		cfg, w := anyModel(t)
		stem := tokens(t, cfg.VocabSize, 1, 200, "stem")
		reqs := make([]rollout.GenerateRequest, rapid.IntRange(1, 6).Draw(t, "requests"))
		for i := range reqs {
			shared := rapid.IntRange(0, len(stem)).Draw(t, "shared")
			own := tokens(t, cfg.VocabSize, 0, 70, "own")
			reqs[i] = rollout.GenerateRequest{
				Prefix: slices.Concat(stem[:shared], own, stem[:1]), N: rapid.IntRange(1, 3).Draw(t, "samples"),
				MaxTokens: rapid.IntRange(1, 70).Draw(t, "max tokens"), Seed: rapid.Uint64Range(0, 3).Draw(t, "seed"),
				Sampling: rollout.Sampling{
					Temperature: rapid.SampledFrom([]float64{0, 1}).Draw(t, "temperature"),
					TopK:        rapid.SampledFrom([]int{0, 5}).Draw(t, "top-k"),
				},
			}
		}
		want := make([][]rollout.Completion, len(reqs))
		for i, r := range reqs {
			m, err := plain.New(cfg, w, nil, plain.WithWorkers(1), plain.WithPrefixCache(0))
			require.NoError(t, err)
			out, err := m.Generate(ctx, []rollout.GenerateRequest{r})
			require.NoError(t, err)
			want[i] = out[0]
		}
		block := int64(cfg.Layers * 2 * cfg.KVHeads * cfg.HeadDim * plain.BlockSize * 4)
		for _, cache := range []int64{0, 3 * block, plain.DefaultPrefixCache} {
			m, err := plain.New(cfg, w, nil, plain.WithWorkers(3), plain.WithPrefixCache(cache))
			require.NoError(t, err)
			for range 2 { // cold, warm
				got, err := m.Generate(ctx, reqs)
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
			for i, r := range reqs { // the next turn: what was sampled has become past
				next := r
				next.Prefix = slices.Concat(r.Prefix, want[i][0].Tokens, stem[:1])
				got, err := m.Generate(ctx, []rollout.GenerateRequest{next})
				require.NoError(t, err)
				fresh, err := plain.New(cfg, w, nil, plain.WithPrefixCache(0))
				require.NoError(t, err)
				expected, err := fresh.Generate(ctx, []rollout.GenerateRequest{next})
				require.NoError(t, err)
				require.Equal(t, expected, got)
			}
		}
	})
}

// Different samples of a request, and different seeds, are different draws; fewer samples are a prefix of more.
func TestSeeds(t *testing.T) {
	m := newSmall(t, nil)
	request := func(seed uint64, n int) []rollout.Completion {
		out, err := m.Generate(context.Background(), []rollout.GenerateRequest{
			{Prefix: []int{1, 2}, N: n, MaxTokens: 20, Seed: seed, Sampling: rollout.Sampling{Temperature: 1}},
		})
		require.NoError(t, err)
		return out[0]
	}
	three := request(5, 3)
	require.Equal(t, three[:2], request(5, 2))
	require.NotEqual(t, three[0].Tokens, three[1].Tokens)
	require.NotEqual(t, three[0].Tokens, request(6, 1)[0].Tokens)
}

func randomTokens(rng *rand.Rand, n, vocabulary int) []int {
	tokens := make([]int, n)
	for i := range tokens {
		tokens[i] = rng.IntN(vocabulary)
	}
	return tokens
}

func newSmall(t testing.TB, tok *tokenizer.Tokenizer, options ...plain.Option) *plain.Model {
	m, err := plain.New(small, checkpoint.Init(small, rand.New(rand.NewPCG(1, 2))), tok, options...)
	require.NoError(t, err)
	return m
}

// bytesAndTags is a tokenizer of 256 bytes, a few words, and tags; its vocabulary is smaller than the model's.
func bytesAndTags(t testing.TB) *tokenizer.Tokenizer {
	file, err := tokenizer.BuildWords([]string{" boss", " town"}, []string{"<answer>", "</answer>"})
	require.NoError(t, err)
	tok, err := tokenizer.Load(fstest.MapFS{"tokenizer.json": {Data: file}})
	require.NoError(t, err)
	return tok
}

// favour returns the small model's weights, made to prefer the given tokens in turn: after one comes the next.
func favour(ids ...int) checkpoint.Weights {
	w := checkpoint.Init(small, rand.New(rand.NewPCG(1, 2)))
	d := small.HiddenSize
	embedding := w["model.embed_tokens.weight"].Data
	head := &checkpoint.Tensor{Shape: []int{small.VocabSize, d}, Data: make([]float32, small.VocabSize*d)}
	for i, id := range ids {
		embedding[id*d+i] = 100
		head.Data[ids[(i+1)%len(ids)]*d+i] = 100
	}
	w["lm_head.weight"] = head
	return w
}

// A stop text ends a sample in the token that completes it, be it one token or several.
func TestStopTexts(t *testing.T) {
	tok := bytesAndTags(t)
	cfg := small
	cfg.TieEmbeddings = false
	for _, test := range []struct {
		name, said string // what the model says, over and over, in trusted spelling
		stop       []string
		want       string
		found      string
	}{
		{"one token", "<answer>a</answer>", []string{"</answer>"}, "<answer>a</answer>", "</answer>"},
		{"bytes", "xyz", []string{"yz"}, "xyz", "yz"},
		{"across tokens", "ab<answer>", []string{"b<a"}, "ab<answer>", "b<a"},
		{"the first of two", "abc", []string{"bc", "b"}, "ab", "b"},
		{"same end, first listed", "abc", []string{"c", "bc"}, "abc", "c"},
		{"a character of three bytes", "a€b", []string{"€"}, "a€", "€"},
		{"none", "abc", []string{"z"}, "abcabcabca", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			ids := tok.EncodeTrusted(test.said)
			m, err := plain.New(cfg, favour(ids...), tok)
			require.NoError(t, err)
			out, err := m.Generate(context.Background(), []rollout.GenerateRequest{
				{Prefix: ids[len(ids)-1:], N: 1, MaxTokens: 10, Stop: test.stop},
			})
			require.NoError(t, err)
			c := out[0][0]
			require.Equal(t, test.want, tok.Decode(c.Tokens))
			require.Equal(t, test.found, c.Stop)
			require.Len(t, c.LogProbs, len(c.Tokens))
		})
	}
}

// A stop text that the prefix has begun does not count: only new tokens do.
func TestStopTextIsFoundInNewTokensOnly(t *testing.T) {
	tok := bytesAndTags(t)
	cfg := small
	cfg.TieEmbeddings = false
	ids := tok.Encode("ab")
	m, err := plain.New(cfg, favour(ids...), tok)
	require.NoError(t, err)
	out, err := m.Generate(context.Background(), []rollout.GenerateRequest{{Prefix: ids[:1], N: 1, MaxTokens: 9, Stop: []string{"ab"}}})
	require.NoError(t, err)
	require.Equal(t, "bab", tok.Decode(out[0][0].Tokens))
}

func TestEndOfSequence(t *testing.T) {
	cfg := small
	cfg.TieEmbeddings = false
	cfg.EOS = []int{650, 8}
	m, err := plain.New(cfg, favour(5, 6, 7, 8), nil)
	require.NoError(t, err)
	out, err := m.Generate(context.Background(), []rollout.GenerateRequest{{Prefix: []int{5}, N: 1, MaxTokens: 10}})
	require.NoError(t, err)
	require.Equal(t, []int{6, 7, 8}, out[0][0].Tokens)
	require.Equal(t, rollout.EndOfSequence, out[0][0].Stop)
}

func TestBadRequests(t *testing.T) {
	m := newSmall(t, nil)
	good := rollout.GenerateRequest{Prefix: []int{1}, N: 1, MaxTokens: 1}
	for _, test := range []struct {
		want   string
		change func(r *rollout.GenerateRequest)
	}{
		{"no tokens", func(r *rollout.GenerateRequest) { r.Prefix = nil }},
		{"token 1 is 700, want 0 to 699", func(r *rollout.GenerateRequest) { r.Prefix = []int{0, 700} }},
		{"token 0 is -1", func(r *rollout.GenerateRequest) { r.Prefix = []int{-1} }},
		{"0 samples", func(r *rollout.GenerateRequest) { r.N = 0 }},
		{"at most 0 new tokens", func(r *rollout.GenerateRequest) { r.MaxTokens = 0 }},
		{"1025 tokens is longer", func(r *rollout.GenerateRequest) { r.MaxTokens = 1024 }},
		{"is longer than the model's", func(r *rollout.GenerateRequest) { r.MaxTokens = 1 << 62 }},
		{"temperature", func(r *rollout.GenerateRequest) { r.Sampling.Temperature = -1 }},
		{"tokenizer", func(r *rollout.GenerateRequest) { r.Stop = []string{"a"} }},
	} {
		bad := good
		test.change(&bad)
		_, err := m.Generate(context.Background(), []rollout.GenerateRequest{good, bad})
		require.ErrorContains(t, err, test.want)
		require.ErrorContains(t, err, "request 1")
	}
	withTokenizer := newSmall(t, bytesAndTags(t))
	good.Stop = []string{""}
	_, err := withTokenizer.Generate(context.Background(), []rollout.GenerateRequest{good})
	require.ErrorContains(t, err, "stop text 0 is empty")

	for _, r := range []rollout.ScoreRequest{
		{}, {Prefix: []int{1}}, {Prefix: []int{1}, Targets: [][]int{{}}}, {Prefix: []int{1}, Targets: [][]int{{700}}},
		{Prefix: []int{1}, Targets: [][]int{make([]int, 1024)}}, {Prefix: []int{900}, Targets: [][]int{{1}}},
	} {
		_, err := m.Score(context.Background(), []rollout.ScoreRequest{r})
		require.ErrorContains(t, err, "request 0")
	}
	_, err = m.Logits(nil)
	require.Error(t, err)
	_, err = m.Logits([]int{700})
	require.Error(t, err)
	_, err = m.Logits(make([]int, 1025))
	require.Error(t, err)

	empty, err := m.Generate(context.Background(), nil)
	require.NoError(t, err)
	require.Empty(t, empty)
}

func TestDivergedWeights(t *testing.T) {
	w := checkpoint.Init(small, rand.New(rand.NewPCG(1, 2)))
	for i := range w["model.norm.weight"].Data {
		w["model.norm.weight"].Data[i] = 3e38
	}
	for i := range w["model.embed_tokens.weight"].Data {
		w["model.embed_tokens.weight"].Data[i] *= 1e30
	}
	m, err := plain.New(small, w, nil)
	require.NoError(t, err)
	_, err = m.Generate(context.Background(), []rollout.GenerateRequest{{Prefix: []int{1}, N: 1, MaxTokens: 1}})
	require.ErrorContains(t, err, "diverged")
	_, err = m.Score(context.Background(), []rollout.ScoreRequest{{Prefix: []int{1}, Targets: [][]int{{1}}}})
	require.ErrorContains(t, err, "diverged")
}

func TestWrongWeights(t *testing.T) {
	w := checkpoint.Init(small, rand.New(rand.NewPCG(1, 2)))
	delete(w, "model.norm.weight")
	_, err := plain.New(small, w, nil)
	require.ErrorContains(t, err, "model.norm.weight")
}

// Cancellation ends a call at the next token of each goroutine: it does not go on to its end, which would be no error.
func TestCancellation(t *testing.T) {
	m := newSmall(t, nil)
	reqs := []rollout.GenerateRequest{{Prefix: []int{1}, N: 5000, MaxTokens: 1000, Sampling: rollout.Sampling{Temperature: 1}}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		_, err := m.Generate(ctx, reqs)
		done <- err
	}()
	time.Sleep(20 * time.Millisecond)
	cancelled := time.Now()
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	t.Logf("returned %v after the cancellation", time.Since(cancelled))

	_, err := m.Score(ctx, []rollout.ScoreRequest{{Prefix: []int{1}, Targets: [][]int{{1}}}})
	require.ErrorIs(t, err, context.Canceled)
}

// Calls may overlap; they share the prefix cache.
func TestConcurrentCalls(t *testing.T) {
	m := newSmall(t, nil, plain.WithPrefixCache(2<<20))
	call := func(m *plain.Model, i int) ([][]rollout.Completion, error) {
		rng := rand.New(rand.NewPCG(uint64(i%3), 0))
		return m.Generate(context.Background(), []rollout.GenerateRequest{{
			Prefix: randomTokens(rng, 100+10*i, small.VocabSize), N: 3, MaxTokens: 30, Sampling: rollout.Sampling{Temperature: 1},
		}})
	}
	type result struct {
		i   int
		out [][]rollout.Completion
		err error
	}
	results := make(chan result)
	for i := range 8 {
		go func() {
			out, err := call(m, i)
			results <- result{i, out, err}
		}()
	}
	for range 8 {
		r := <-results
		require.NoError(t, r.err)
		want, err := call(newSmall(t, nil), r.i)
		require.NoError(t, err)
		require.Equal(t, want, r.out)
	}
}

func ExampleModel_Generate() {
	cfg := checkpoint.Config{
		VocabSize: 10, HiddenSize: 8, IntermediateSize: 16, Layers: 1, Heads: 2, KVHeads: 1, HeadDim: 4,
		RMSNormEps: 1e-6, RopeTheta: 10000, TieEmbeddings: true, MaxPositions: 64,
	}
	m, err := plain.New(cfg, checkpoint.Init(cfg, rand.New(rand.NewPCG(1, 2))), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := m.Generate(context.Background(), []rollout.GenerateRequest{
		{Prefix: []int{1, 2, 3}, N: 2, MaxTokens: 4, Sampling: rollout.Sampling{Temperature: 1}, Seed: 42},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range out[0] {
		fmt.Println(len(c.Tokens), "tokens", strings.Repeat("·", len(c.LogProbs)))
	}
	// Output:
	// 4 tokens ····
	// 4 tokens ····
}

// TestScoreSharesEveryPrefix: requests and targets that begin alike, however far, compute what they share once, with or
// without a cache, and their log-probabilities are those of the readable forward pass.
func TestScoreSharesEveryPrefix(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		cfg, w := anyModel(t)
		cache := rapid.SampledFrom([]int64{0, plain.DefaultPrefixCache}).Draw(t, "cache")
		m, err := plain.New(cfg, w, nil, plain.WithPrefixCache(cache))
		require.NoError(t, err)
		trunk := tokens(t, cfg.VocabSize, 10, 150, "trunk")
		var reqs []rollout.ScoreRequest
		for range rapid.IntRange(1, 5).Draw(t, "requests") {
			cut := rapid.IntRange(1, len(trunk)).Draw(t, "cut")
			req := rollout.ScoreRequest{Prefix: slices.Concat(trunk[:cut], tokens(t, cfg.VocabSize, 0, 5, "own"))}
			for range rapid.IntRange(1, 3).Draw(t, "targets") {
				target := tokens(t, cfg.VocabSize, 1, 6, "target")
				if rapid.Bool().Draw(t, "along the trunk") && cut < len(trunk) {
					target = slices.Concat(trunk[cut:min(cut+10, len(trunk))], target)
				}
				req.Targets = append(req.Targets, target)
			}
			reqs = append(reqs, req)
		}
		got, err := m.Score(ctx, reqs)
		require.NoError(t, err)
		require.EqualValues(t, rollout.ScoredTokens(reqs), m.Computed())
		for i, req := range reqs {
			for j, target := range req.Targets {
				require.InDeltaSlice(t, truth(t, m, req.Prefix, target, 1), got[i][j], 1e-4)
			}
		}
		again, err := m.Score(ctx, reqs)
		require.NoError(t, err)
		require.Equal(t, got, again, "the cache changes nothing")
	})
}
