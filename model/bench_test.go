package model

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
	"searchrl/grpo"
	"searchrl/rollout"
)

// typical is the size of the embedded policy.
var typical = checkpoint.Config{
	VocabSize: 700, HiddenSize: 64, IntermediateSize: 160, Layers: 2, Heads: 4, KVHeads: 2, HeadDim: 16,
	RMSNormEps: 1e-6, RopeTheta: 1e4, TieEmbeddings: true, MaxPositions: 1024,
}

// wide has about 5 million parameters.
var wide = checkpoint.Config{
	VocabSize: 2048, HiddenSize: 256, IntermediateSize: 704, Layers: 6, Heads: 4, KVHeads: 2, HeadDim: 64,
	RMSNormEps: 1e-6, RopeTheta: 1e4, TieEmbeddings: true, MaxPositions: 1024,
}

func eachBackendB(b *testing.B, bench func(b *testing.B, m *Model)) {
	for _, spec := range []string{"go", "xla:cpu"} {
		b.Run(spec, func(b *testing.B) {
			bench(b, newModel(b, openBackend(b, spec), typical, Options{}))
		})
	}
}

// reportTokens adds unique tokens a second to a benchmark's figures.
func reportTokens(b *testing.B, perOp int) {
	b.ReportMetric(float64(perOp)*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
}

var benchAdam = grpo.AdamW{LearningRate: 1e-5, Beta1: .9, Beta2: .999, Epsilon: 1e-8, MaxGradNorm: 1}

func BenchmarkLogProbs(b *testing.B) {
	batch := typicalBatch(rand.New(rand.NewPCG(1, 1)), 12, typical.VocabSize)
	eachBackendB(b, func(b *testing.B, m *Model) {
		p, err := pack(batch.Trees, batch.Targets, m.cost, m.opts.RowTokens)
		require.NoError(b, err)
		run := func() {
			_, err := m.LogProbs(context.Background(), batch, 1)
			require.NoError(b, err)
		}
		run()
		for b.Loop() {
			run()
		}
		reportTokens(b, p.computed)
	})
}

func BenchmarkStep(b *testing.B) {
	batch := typicalBatch(rand.New(rand.NewPCG(1, 1)), 12, typical.VocabSize)
	eachBackendB(b, func(b *testing.B, m *Model) {
		computed := 0
		run := func() {
			u, err := m.Step(context.Background(), batch, surrogates[0], benchAdam)
			require.NoError(b, err)
			computed = u.ComputedTokens
		}
		run()
		for b.Loop() {
			run()
		}
		reportTokens(b, computed)
	})
}

// BenchmarkImitate is a step of the warm start: 64 sequences of 120 tokens, half of them targets.
func BenchmarkImitate(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	var batch grpo.Batch
	for i := range 64 {
		tokens := make([]int, 100+rng.IntN(40))
		for j := range tokens {
			tokens[j] = rng.IntN(typical.VocabSize)
			if j > 0 && j%2 == 0 {
				batch.Targets = append(batch.Targets, grpo.Target{Tree: i, Index: j, Weight: 1. / 3840})
			}
		}
		batch.Trees = append(batch.Trees, chain(tokens))
	}
	eachBackendB(b, func(b *testing.B, m *Model) {
		computed := 0
		run := func() {
			u, err := m.Imitate(context.Background(), batch, benchAdam)
			require.NoError(b, err)
			computed = u.ComputedTokens
		}
		run()
		for b.Loop() {
			run()
		}
		reportTokens(b, computed)
	})
}

// BenchmarkScore scores branches as information gain has them, with both decoders.
func BenchmarkScore(b *testing.B) {
	million := typical
	million.HiddenSize, million.IntermediateSize, million.HeadDim, million.Layers = 160, 400, 40, 4
	for _, decoder := range []string{DecoderPlain, DecoderCompiled} {
		for _, cfg := range []checkpoint.Config{typical, million} {
			b.Run(fmt.Sprint(decoder, "/", cfg.HiddenSize), func(b *testing.B) {
				m := newModel(b, openBackend(b, "xla:cpu"), cfg, Options{Decoder: decoder})
				rng := rand.New(rand.NewPCG(1, 6))
				var reqs []rollout.ScoreRequest
				for range 12 {
					reqs = append(reqs, branching(rng, cfg.VocabSize)...)
				}
				run := func() {
					_, err := m.Score(context.Background(), reqs)
					require.NoError(b, err)
				}
				run()
				for b.Loop() {
					m.hostVersion = -1 // nothing cached from before
					run()
				}
				reportTokens(b, rollout.ScoredTokens(reqs))
			})
		}
	}
}

// BenchmarkGenerate samples 5 continuations of 60 tokens of each of 12 prompts of 60 tokens.
func BenchmarkGenerate(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	var reqs []rollout.GenerateRequest
	for i := range 12 {
		prefix := make([]int, 60)
		for j := range prefix {
			prefix[j] = rng.IntN(typical.VocabSize)
		}
		reqs = append(reqs, rollout.GenerateRequest{Prefix: prefix, N: 5, MaxTokens: 60, Seed: uint64(i), Sampling: rollout.Sampling{Temperature: 1}})
	}
	for _, spec := range []string{"go", "xla:cpu"} {
		for _, decoder := range []string{DecoderPlain, DecoderCompiled} {
			for _, cfg := range []checkpoint.Config{typical, wide} {
				b.Run(fmt.Sprint(spec, "/", decoder, "/", cfg.HiddenSize), func(b *testing.B) {
					m := newModel(b, openBackend(b, spec), cfg, Options{Decoder: decoder})
					run := func() {
						_, err := m.Generate(context.Background(), reqs)
						require.NoError(b, err)
					}
					run()
					for b.Loop() {
						for i := range reqs {
							reqs[i].Prefix[0] = (reqs[i].Prefix[0] + 1) % cfg.VocabSize // nothing cached from before
						}
						run()
					}
					reportTokens(b, 12*5*60)
				})
			}
		}
	}
}
