package plain_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
	"searchrl/plain"
	"searchrl/rollout"
)

// small is the size of model that the embedded world uses.
var small = checkpoint.Config{
	VocabSize: 700, HiddenSize: 64, IntermediateSize: 160, Layers: 2, Heads: 4, KVHeads: 2, HeadDim: 16,
	RMSNormEps: 1e-6, RopeTheta: 10000, TieEmbeddings: true, MaxPositions: 1024,
}

// BenchmarkGenerate samples 5 continuations of 80 tokens for each of 12 prompts of 60 tokens.
func BenchmarkGenerate(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			w := checkpoint.Init(small, rand.New(rand.NewPCG(1, 2)))
			rng := rand.New(rand.NewPCG(3, 4))
			reqs := make([]rollout.GenerateRequest, 12)
			for i := range reqs {
				reqs[i] = rollout.GenerateRequest{
					Prefix: randomTokens(rng, 60, small.VocabSize), N: 5, MaxTokens: 80, Seed: uint64(i),
					Sampling: rollout.Sampling{Temperature: 1},
				}
			}
			tokens := 0
			b.ReportAllocs()
			for b.Loop() {
				m, err := plain.New(small, w, nil, plain.WithWorkers(workers))
				require.NoError(b, err)
				out, err := m.Generate(context.Background(), reqs)
				require.NoError(b, err)
				for _, samples := range out {
					for _, c := range samples {
						tokens += len(c.Tokens)
					}
				}
			}
			b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}

func randomTokens(rng *rand.Rand, n, vocabulary int) []int {
	tokens := make([]int, n)
	for i := range tokens {
		tokens[i] = rng.IntN(vocabulary)
	}
	return tokens
}
