package igsearch_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"searchrl/accel"
	"searchrl/checkpoint"
	"searchrl/grpo"
	"searchrl/igsearch"
	"searchrl/model"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tinyworld"
)

// embedded is the embedded world of the standard level with its base policy, on the best backend that is installed.
func embedded(b *testing.B) (*model.Model, *rollout.Env, []qa.Question) {
	backend, err := accel.Open("auto")
	require.NoError(b, err)
	b.Cleanup(backend.Close)
	files, err := tinyworld.Base(tinyworld.Standard)
	require.NoError(b, err)
	config, weights, err := checkpoint.Load(files)
	require.NoError(b, err)
	tok, err := tinyworld.Tokenizer(tinyworld.Standard)
	require.NoError(b, err)
	m, err := model.New(backend, config, weights, tok, model.Options{})
	require.NoError(b, err)
	b.Cleanup(m.Close)
	world, err := tinyworld.New(tinyworld.Standard, tinyworld.Seed(tinyworld.Train, 0))
	require.NoError(b, err)
	index, err := retrieval.NewBM25(world.Documents())
	require.NoError(b, err)
	env := &rollout.Env{Policy: m, Searcher: index, Tokenizer: tok, Protocol: tinyworld.Protocol(tinyworld.Standard)}
	return m, env, world.Questions(rand.New(rand.NewPCG(world.Seed(), 1)), 400)
}

// stopwatch is a policy that measures how long it scores.
type stopwatch struct {
	rollout.Policy
	spent time.Duration
}

func (s *stopwatch) Score(ctx context.Context, reqs []rollout.ScoreRequest) ([][][]float64, error) {
	start := time.Now()
	defer func() { s.spent += time.Since(start) }()
	return s.Policy.Score(ctx, reqs)
}

// BenchmarkOverhead measures what the gain adds to a training step: the time of a step with it over that of the same step,
// on the same trajectories, without. Steps before the first are not counted: in them programs are compiled.
//
//	go test ./igsearch -run x -bench Overhead -benchtime 20x
func BenchmarkOverhead(b *testing.B) {
	learner, env, questions := embedded(b)
	watch := &stopwatch{Policy: learner}
	env.Policy = watch
	config := grpo.Config{Questions: 12, Epochs: 2, MiniBatches: 1, Aggregation: grpo.TokenMean,
		Surrogate: grpo.Surrogate{ClipLow: .2, ClipHigh: .2, KL: grpo.K3, Temperature: 1},
		Optimiser: grpo.AdamW{LearningRate: 3e-4, Beta1: .9, Beta2: .999, Epsilon: 1e-8, MaxGradNorm: 1}}
	m := igsearch.Default()
	trainer, err := grpo.NewTrainer(learner, nil, env, m, questions, config, 0)
	require.NoError(b, err)
	var collect, update, other time.Duration
	step := func() {
		start := time.Now()
		rollouts, err := trainer.Collect(context.Background())
		require.NoError(b, err)
		sampled := time.Now()
		_, err = trainer.Update(context.Background(), rollouts)
		require.NoError(b, err)
		collect += sampled.Sub(start)
		update += time.Since(sampled)
	}
	for range 10 {
		step()
	}
	programs := learner.Programs()
	collect, update, watch.spent = 0, 0, 0
	b.ResetTimer()
	for range b.N {
		step()
	}
	b.StopTimer()
	other = collect + update - watch.spent
	per := func(d time.Duration) float64 { return d.Seconds() * 1e3 / float64(b.N) }
	b.ReportMetric(per(watch.spent), "ms-scoring/op")
	b.ReportMetric(per(collect-watch.spent), "ms-sampling/op")
	b.ReportMetric(per(update), "ms-update/op")
	b.ReportMetric(float64(collect+update)/float64(other), "with/without")
	b.ReportMetric(float64(learner.Programs()-programs), "compiled")
}
