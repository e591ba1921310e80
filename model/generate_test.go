package model

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"searchrl/accel"
	"searchrl/checkpoint"
	"searchrl/internal/shared"
	"searchrl/rollout"
	"searchrl/tokenizer"
)

// eachDecoder runs the test with every backend and decoder.
func eachDecoder(t *testing.T, test func(t *testing.T, b *accel.Backend, decoder string)) {
	eachBackend(t, func(t *testing.T, b *accel.Backend) {
		for _, decoder := range []string{DecoderPlain, DecoderCompiled} {
			t.Run(decoder, func(t *testing.T) { test(t, b, decoder) })
		}
	})
}

func TestGoldenGreedy(t *testing.T) {
	dirs := goldenFolders(t)
	eachDecoder(t, func(t *testing.T, b *accel.Backend, decoder string) {
		ran := false
		for _, dir := range dirs {
			g := openGolden(t, dir)
			if !g.has("greedy") {
				continue
			}
			ran = true
			m := g.model(b, Options{Decoder: decoder})
			var reqs []rollout.GenerateRequest
			want := g.ints("greedy")
			for i, tokens := range g.sequences() {
				n := len(g.ints("tree_prefix")[0]) // the prompts are as long as the tree's prefix
				reqs = append(reqs, rollout.GenerateRequest{Prefix: tokens[:n], N: 1, MaxTokens: len(want[i])})
			}
			got, err := m.Generate(context.Background(), reqs)
			require.NoError(t, err)
			for i := range want {
				require.Equal(t, want[i], got[i][0].Tokens)
			}
		}
		require.True(t, ran, "no fixture holds greedy")
	})
}

// requests draws requests with shared prefixes of different lengths.
func requests(rng *rand.Rand, vocab int, sampling rollout.Sampling) []rollout.GenerateRequest {
	var reqs []rollout.GenerateRequest
	for i := range 3 {
		prompt := make([]int, 5+rng.IntN(40))
		for j := range prompt {
			prompt[j] = rng.IntN(vocab)
		}
		for n := range 3 { // the prompt itself, and two that go on differently
			prefix := append([]int{}, prompt...)
			for range n * 7 {
				prefix = append(prefix, rng.IntN(vocab))
			}
			reqs = append(reqs, rollout.GenerateRequest{Prefix: prefix, N: 1 + n, MaxTokens: 1 + rng.IntN(40), Seed: uint64(10*i + n), Sampling: sampling})
		}
	}
	return reqs
}

// TestSampledEqualsScored: no ratio of a sampled token's probability to its scored one is outside [0.999, 1.001].
func TestSampledEqualsScored(t *testing.T) {
	eachDecoder(t, func(t *testing.T, b *accel.Backend, decoder string) {
		m := newModel(t, b, tiny, Options{Decoder: decoder})
		rng := rand.New(rand.NewPCG(7, 8))
		reqs := requests(rng, tiny.VocabSize, rollout.Sampling{Temperature: 1})
		completions, err := m.Generate(context.Background(), reqs)
		require.NoError(t, err)
		scores := make([]rollout.ScoreRequest, len(reqs))
		for i, samples := range completions {
			require.Len(t, samples, reqs[i].N)
			scores[i].Prefix = reqs[i].Prefix
			for _, c := range samples {
				require.Len(t, c.Tokens, reqs[i].MaxTokens)
				scores[i].Targets = append(scores[i].Targets, c.Tokens)
			}
		}
		scored, err := m.scoreCompiled(context.Background(), scores) // as the learner sees them
		require.NoError(t, err)
		for i, samples := range completions {
			for n, c := range samples {
				for j, lp := range c.LogProbs {
					ratio := math.Exp(lp - scored[i][n][j])
					require.True(t, ratio > .999 && ratio < 1.001, "request %d, sample %d, token %d: ratio %v", i, n, j, ratio)
				}
			}
		}
	})
}

// TestDecodersAgree: both decoders draw the same samples from the same seeds, whatever else is in the call.
func TestDecodersAgree(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *accel.Backend) {
		host, m := newModel(t, b, tiny, Options{Decoder: DecoderPlain}), newModel(t, b, tiny, Options{Decoder: DecoderCompiled})
		for _, s := range []rollout.Sampling{{}, {Temperature: .8}, {Temperature: 1, TopK: 5}, {Temperature: 1, TopP: .7}} {
			reqs := requests(rand.New(rand.NewPCG(9, 9)), tiny.VocabSize, s)
			want, err := host.Generate(context.Background(), reqs)
			require.NoError(t, err)
			m.deviceVocab = deviceVocab
			got, err := m.Generate(context.Background(), reqs)
			require.NoError(t, err)
			for i := range reqs {
				for n := range want[i] {
					require.Equal(t, want[i][n].Tokens, got[i][n].Tokens, "%+v request %d sample %d", s, i, n)
					requireClose(t, want[i][n].LogProbs, got[i][n].LogProbs, tolerance, "log-probabilities")
				}
			}
			m.deviceVocab = 0
			drawn, err := m.Generate(context.Background(), reqs)
			require.NoError(t, err)
			for i := range reqs {
				for n := range want[i] {
					require.Equal(t, want[i][n].Tokens, drawn[i][n].Tokens, "on the device: %+v request %d sample %d", s, i, n)
					requireClose(t, want[i][n].LogProbs, drawn[i][n].LogProbs, tolerance, "log-probabilities")
				}
			}
			alone, err := m.Generate(context.Background(), reqs[4:5])
			require.NoError(t, err)
			require.Equal(t, got[4][1].Tokens, alone[0][1].Tokens)
		}
	})
}

// TestGenerateEndsAtEOS also sees that weights reach the host again after a step.
func TestGenerateEndsAtEOS(t *testing.T) {
	eachDecoder(t, func(t *testing.T, b *accel.Backend, decoder string) {
		cfg := tiny
		cfg.EOS = []int{8}
		m := newModel(t, b, cfg, Options{Decoder: decoder})
		generate := func() rollout.Completion {
			got, err := m.Generate(context.Background(), []rollout.GenerateRequest{{Prefix: []int{1, 2}, N: 1, MaxTokens: 30}})
			require.NoError(t, err)
			return got[0][0]
		}
		generate()
		batch := imitationBatch([]int{1, 2, 3, 4, 5, 6, 7, 8})
		for range 60 {
			_, err := m.Imitate(context.Background(), batch, imitationAdam)
			require.NoError(t, err)
		}
		c := generate()
		require.Equal(t, []int{3, 4, 5, 6, 7, 8}, c.Tokens)
		require.Equal(t, rollout.EndOfSequence, c.Stop)
	})
}

func TestPrefixForest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sequences := rapid.SliceOfNDistinct(rapid.SliceOfN(rapid.IntRange(0, 2), 1, 12), 1, 20, func(s []int) string { return fmt.Sprint(s) }).Draw(t, "sequences")
		forest := prefixForest(sequences)
		prefixes := map[string]bool{}
		for i, s := range sequences {
			target := forest.Targets[i]
			path := forest.Trees[target.Tree].PathTokens(target.Segment)
			require.Equal(t, s, path[:len(path)-1])
			for n := range s {
				prefixes[fmt.Sprint(s[:n+1])] = true
			}
		}
		p, err := pack(forest.Trees, forest.Targets, anyCost, 4096)
		require.NoError(t, err)
		require.Equal(t, len(prefixes), p.computed, "every shared prefix once")
		for _, r := range p.rows {
			for slot, i := range r.batch {
				var got []int
				for _, j := range r.path(r.prev[slot]) {
					got = append(got, int(r.tokens[j]))
				}
				require.Equal(t, sequences[i], got)
			}
		}
	})
}

func TestGenerateRejects(t *testing.T) {
	for _, decoder := range []string{DecoderPlain, DecoderCompiled} {
		m := newModel(t, openBackend(t, "go"), tiny, Options{Decoder: decoder})
		good := rollout.GenerateRequest{Prefix: []int{1}, N: 1, MaxTokens: 1}
		for want, change := range map[string]func(r *rollout.GenerateRequest){
			"prefix is empty":   func(r *rollout.GenerateRequest) { r.Prefix = nil },
			"prefix token 1":    func(r *rollout.GenerateRequest) { r.Prefix = []int{1, 50} },
			"0 samples":         func(r *rollout.GenerateRequest) { r.N = 0 },
			"0 new tokens":      func(r *rollout.GenerateRequest) { r.MaxTokens = 0 },
			"1024 positions":    func(r *rollout.GenerateRequest) { r.MaxTokens = math.MaxInt },
			"temperature":       func(r *rollout.GenerateRequest) { r.Sampling.Temperature = math.NaN() },
			"needs? a tokenize": func(r *rollout.GenerateRequest) { r.Stop = []string{"x"} },
		} {
			r := good
			change(&r)
			_, err := m.Generate(context.Background(), []rollout.GenerateRequest{good, r})
			require.Regexp(t, want, err)
			require.ErrorContains(t, err, "request 1")
		}
		got, err := m.Generate(context.Background(), nil)
		require.NoError(t, err)
		require.Empty(t, got)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		good.MaxTokens = 5
		_, err = m.Generate(ctx, []rollout.GenerateRequest{good})
		require.ErrorIs(t, err, context.Canceled)
	}
}

// TestConcurrentUse: evaluation and sampling may run beside each other and beside steps.
func TestConcurrentUse(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, decoder := range []string{DecoderPlain, DecoderCompiled} {
		m := newModel(t, openBackend(t, "go"), tiny, Options{Decoder: decoder, RowTokens: 64})
		batch := typicalBatch(rand.New(rand.NewPCG(1, 1)), 2, tiny.VocabSize)
		var group errgroup.Group
		for range 2 {
			group.Go(func() error {
				_, err := m.LogProbs(context.Background(), batch, 1)
				return err
			})
			group.Go(func() error {
				_, err := m.Step(context.Background(), batch, surrogates[0], imitationAdam)
				return err
			})
			group.Go(func() error {
				_, err := m.Generate(context.Background(), requests(rand.New(rand.NewPCG(2, 2)), tiny.VocabSize, rollout.Sampling{Temperature: 1}))
				return err
			})
		}
		require.NoError(t, group.Wait())
	}
}

// TestGoldenStopTexts: a sample ends with the token that completes a stop text.
func TestGoldenStopTexts(t *testing.T) {
	tok, err := tokenizer.Load(os.DirFS(filepath.Join(shared.Dir(t), "fixtures", "qwen2.5-tokenizer")))
	require.NoError(t, err)
	cfg := tiny
	cfg.VocabSize = 1 << 10 // the first tokens are single bytes and short words
	cfg.EOS = []int{cfg.VocabSize - 1}
	rng := rand.New(rand.NewPCG(1, 2))
	w := checkpoint.Init(cfg, rng)
	b := openBackend(t, "go")
	var got [2][]rollout.Completion
	for i, decoder := range []string{DecoderPlain, DecoderCompiled} {
		m, err := New(b, cfg, w, tok, Options{Decoder: decoder})
		require.NoError(t, err)
		t.Cleanup(m.Close)
		out, err := m.Generate(context.Background(), []rollout.GenerateRequest{{Prefix: []int{1}, N: 20, MaxTokens: 100, Stop: []string{"e", "qu"}, Sampling: rollout.Sampling{Temperature: 1}}})
		require.NoError(t, err)
		got[i] = out[0]
		for _, c := range out[0] {
			text := tok.Decode(c.Tokens)
			before := tok.Decode(c.Tokens[:len(c.Tokens)-1])
			require.False(t, strings.Contains(before, "e") || strings.Contains(before, "qu"), "%q goes on after a stop text", text)
			if c.Stop != "" && c.Stop != rollout.EndOfSequence {
				require.Contains(t, text, c.Stop)
			}
		}
	}
	for n := range got[0] {
		require.Equal(t, got[0][n].Tokens, got[1][n].Tokens)
		require.Equal(t, got[0][n].Stop, got[1][n].Stop)
	}
}
