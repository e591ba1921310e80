package refiner_test

import (
	"context"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
	"searchrl/judge/tinyjudge"
	"searchrl/plain"
	"searchrl/refiner"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tinyworld"
	"searchrl/tokenizer"
)

// BenchmarkCeiling reports what one round of revision makes of sampled drafts: with the policy's own refiner, and with the embedded
// world's exact judge in its place, which accepts right drafts and cuts the others before their first useless step. 100 questions
// of a world that was not trained on, 5 drafts each. The policy is the embedded one, or that of the folder SEARCHRL_POLICY.
//
//	SEARCHRL_POLICY=RUN/checkpoint go test ./refiner -run x -bench Ceiling -benchtime 1x
func BenchmarkCeiling(b *testing.B) {
	files, err := tinyworld.Base(tinyworld.Standard)
	require.NoError(b, err)
	if dir := os.Getenv("SEARCHRL_POLICY"); dir != "" {
		files = os.DirFS(dir)
	}
	config, weights, err := checkpoint.Load(files)
	require.NoError(b, err)
	tok, err := tokenizer.Load(files)
	require.NoError(b, err)
	policy, err := plain.New(config, weights, tok)
	require.NoError(b, err)
	world, err := tinyworld.New(tinyworld.Standard, tinyworld.Seed(tinyworld.Test, 0))
	require.NoError(b, err)
	index, err := retrieval.NewBM25(world.Documents())
	require.NoError(b, err)
	env := &rollout.Env{Policy: policy, Searcher: index, Tokenizer: tok, Protocol: tinyworld.Protocol(tinyworld.Standard)}
	questions := world.Questions(rand.New(rand.NewPCG(world.Seed(), 2)), 100)
	for name, reviewer := range map[string]refiner.Reviewer{"own": nil, "exact": tinyjudge.New(world)} {
		b.Run(name, func(b *testing.B) {
			m := refiner.Paper(nil)
			m.Reviewer = reviewer
			for range b.N {
				trees, metrics, err := m.Collect(context.Background(), env, questions, seeded())
				require.NoError(b, err)
				right, n := 0.0, 0.0
				for _, tree := range trees {
					for _, trajectory := range tree.Trajectories {
						right += trajectory.Reward
						n++
					}
				}
				b.ReportMetric(right/n, "em")
				for _, name := range []string{refiner.MetricDraftEM, refiner.MetricAccepted, refiner.MetricRevisedBad, refiner.MetricRepaired,
					refiner.MetricHarmed, refiner.MetricCut(0), refiner.MetricAccepting, refiner.MetricTrimming, refiner.MetricGain} {
					if x, ok := metrics[name]; ok {
						b.ReportMetric(x, name)
					}
				}
			}
		})
	}
}
