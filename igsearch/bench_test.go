package igsearch_test

import (
	"context"
	"fmt"
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

// BenchmarkGainByHopsLeft measures how well the gain tells useful searches from useless ones, by how many facts are still
// missing after a useful one: the probability that a useful search has the larger gain (AUC; 0.5 is chance). It prints the
// mean gain and the number of searches too. A search is useful if it brings the fact that is needed next.
//
//	go test ./igsearch -run x -bench GainByHopsLeft -benchtime 1x
func BenchmarkGainByHopsLeft(b *testing.B) {
	_, env, questions := embedded(b)
	for _, opening := range []string{"", "<answer> "} {
		b.Run(fmt.Sprintf("opening=%q", opening), func(b *testing.B) {
			m := igsearch.Paper()
			m.Modulation.Alpha = 0
			m.Likelihood.Opening = opening
			var useless []float64
			useful := map[int][]float64{}
			for i := range 8 {
				trees, _, err := m.Collect(context.Background(), env, questions[i*40:][:40], rand.New(rand.NewPCG(uint64(i), 1)))
				require.NoError(b, err)
				for _, tree := range trees {
					for s := range tree.Segments {
						gain, left, good := appraise(b, tree, s)
						switch {
						case good:
							useful[left] = append(useful[left], gain)
						case left >= 0:
							useless = append(useless, gain)
						}
					}
				}
			}
			b.Logf("useless: %d, mean %+.2f", len(useless), mean(useless))
			for left := range 4 {
				b.Logf("useful, %d facts left: %d, mean %+.2f, AUC %.3f", left, len(useful[left]), mean(useful[left]), auc(useful[left], useless))
				b.ReportMetric(auc(useful[left], useless), fmt.Sprintf("AUC/%d-left", left))
			}
		})
	}
}

// appraise reads the gain of a query and whether its documents bring the fact that is needed next; left counts the facts
// still missing then, −1 if the segment is no query with a gain.
func appraise(b *testing.B, tree *rollout.Tree, documents int) (gain float64, left int, useful bool) {
	d := &tree.Segments[documents]
	if d.Kind != rollout.Documents || len(tree.Segments[d.Parent].Rewards) == 0 {
		return 0, -1, false
	}
	read := func(leaf int) (tinyworld.View, int) {
		text := ""
		for _, s := range tree.Path(leaf) {
			text += tree.Segments[s].Text
		}
		view, err := tinyworld.ReadView(text)
		require.NoError(b, err)
		known, _ := view.Progress()
		return view, known
	}
	_, before := read(d.Parent)
	view, after := read(documents)
	return tree.Segments[d.Parent].Rewards[0].Value, view.Chain.Len() - after, after > before
}

func auc(high, low []float64) float64 {
	wins := 0.0
	for _, h := range high {
		for _, l := range low {
			switch {
			case h > l:
				wins++
			case h == l:
				wins += .5
			}
		}
	}
	return wins / float64(len(high)*len(low))
}

func mean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
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
	m := igsearch.Paper()
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
