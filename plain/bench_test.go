//go:build unix

package plain_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
	"searchrl/plain"
	"searchrl/rollout"
)

// BenchmarkGenerate samples 5 continuations of 80 tokens for each of 12 prompts of 60 tokens, and looks for a stop text that
// does not come. tokens/cpu-s counts the processor time of the process instead of the clock, for machines that are busy.
func BenchmarkGenerate(b *testing.B) {
	tok := bytesAndTags(b)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			w := checkpoint.Init(small, rand.New(rand.NewPCG(1, 2)))
			rng := rand.New(rand.NewPCG(3, 4))
			reqs := make([]rollout.GenerateRequest, 12)
			for i := range reqs {
				reqs[i] = rollout.GenerateRequest{
					Prefix: randomTokens(rng, 60, small.VocabSize), N: 5, MaxTokens: 80, Seed: uint64(i),
					Sampling: rollout.Sampling{Temperature: 1}, Stop: []string{"</search>", "</answer!>"},
				}
			}
			tokens := 0
			b.ReportAllocs()
			cpu := processorSeconds(b)
			for b.Loop() {
				m, err := plain.New(small, w, tok, plain.WithWorkers(workers))
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
			b.ReportMetric(float64(tokens)/(processorSeconds(b)-cpu), "tokens/cpu-s")
		})
	}
}

// processorSeconds returns the time that the process has spent on the processors.
func processorSeconds(b *testing.B) float64 {
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}
