package model

import (
	"context"
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

var _ = rollout.NoParent
