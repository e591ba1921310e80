//go:build unix

package refiner_test

import (
	"context"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"searchrl/accel"
	"searchrl/baseline/searchr1"
	"searchrl/checkpoint"
	"searchrl/grpo"
	"searchrl/judge/tinyjudge"
	"searchrl/model"
	"searchrl/refiner"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tinyworld"
)

// phase is a part of a training step.
type phase int

const (
	drafts phase = iota
	decisions
	terms
	suffixes
	updates
	phases
)

// stopwatch is a policy that tells by its requests which part of a step is under way, and takes the processor time of each.
type stopwatch struct {
	rollout.Policy
	decision int // tokens that a decision may have
	now      phase
	since    time.Duration
	spent    [phases]time.Duration
}

// lap begins another part; what was spent since the last one belongs to that.
func (s *stopwatch) lap(next phase) {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		panic("no processor time")
	}
	t := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	s.spent[s.now] += t - s.since
	s.now, s.since = next, t
}

func (s *stopwatch) Generate(ctx context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	switch {
	case len(reqs) > 0 && reqs[0].MaxTokens == s.decision:
		s.lap(decisions)
	case s.now == decisions || s.now == terms:
		s.lap(suffixes)
	}
	return s.Policy.Generate(ctx, reqs)
}

func (s *stopwatch) Score(ctx context.Context, reqs []rollout.ScoreRequest) ([][][]float64, error) {
	s.lap(terms)
	return s.Policy.Score(ctx, reqs)
}

// trained is a policy in training, watched.
type trained struct {
	learner *model.Model
	watch   *stopwatch
	trainer *grpo.Trainer
}

// step takes a training step and reports whether programs were compiled in it.
func (t *trained) step(b *testing.B) (rollouts *grpo.Rollouts, compiled bool) {
	before := t.learner.Programs()
	t.watch.lap(drafts)
	t.watch.spent = [phases]time.Duration{}
	rollouts, err := t.trainer.Collect(context.Background())
	require.NoError(b, err)
	t.watch.lap(updates)
	_, err = t.trainer.Update(context.Background(), rollouts)
	require.NoError(b, err)
	t.watch.lap(drafts)
	return rollouts, t.learner.Programs() != before
}

// BenchmarkStep measures a training step of Search-R2 against one of Search-R1 with as many trajectories, in processor time.
// Both train the embedded policy from the same seed and take their steps in turn, so that what else the machine does falls on
// both. Steps in which a program is compiled are left out. Besides the times it reports the ratio of the steps without the
// suffixes that follow the cuts, and the whole ratio; of the frozen refiner, too, to see what training the decisions costs.
//
//	go test ./refiner -run x -bench Step -benchtime 20x
func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		name   string
		change func(m *refiner.Method)
	}{
		{"search-r2", func(*refiner.Method) {}},
		{"frozen", func(m *refiner.Method) { m.Frozen = true }},
	} {
		b.Run(c.name, func(b *testing.B) { benchmarkStep(b, c.change) })
	}
}

func benchmarkStep(b *testing.B, change func(m *refiner.Method)) {
	backend, err := accel.Open("auto")
	require.NoError(b, err)
	b.Cleanup(backend.Close)
	files, err := tinyworld.Base(tinyworld.Standard)
	require.NoError(b, err)
	config, weights, err := checkpoint.Load(files)
	require.NoError(b, err)
	tok, err := tinyworld.Tokenizer(tinyworld.Standard)
	require.NoError(b, err)
	world, err := tinyworld.New(tinyworld.Standard, tinyworld.Seed(tinyworld.Train, 0))
	require.NoError(b, err)
	index, err := retrieval.NewBM25(world.Documents())
	require.NoError(b, err)
	questions := world.Questions(rand.New(rand.NewPCG(world.Seed(), 1)), 400)
	settings := grpo.Config{Questions: 12, Epochs: 2, MiniBatches: 1, Aggregation: grpo.TokenMean,
		Surrogate: grpo.Surrogate{ClipLow: .2, ClipHigh: .2, KL: grpo.K3, Temperature: 1},
		Optimiser: grpo.AdamW{LearningRate: 3e-4, Beta1: .9, Beta2: .999, Epsilon: 1e-8, MaxGradNorm: 1}}
	train := func(m grpo.Method) *trained {
		learner, err := model.New(backend, config, weights, tok, model.Options{})
		require.NoError(b, err)
		b.Cleanup(learner.Close)
		protocol := tinyworld.Protocol(tinyworld.Standard)
		watch := &stopwatch{Policy: learner, decision: protocol.Review.MaxTokens}
		env := &rollout.Env{Policy: watch, Searcher: index, Tokenizer: tok, Protocol: protocol}
		trainer, err := grpo.NewTrainer(learner, nil, env, m, questions, settings, 0)
		require.NoError(b, err)
		return &trained{learner, watch, trainer}
	}
	r1 := train(searchr1.Method{Group: 5, Sampling: rollout.Sampling{Temperature: 1}, Normalisation: grpo.Standardised})
	method := refiner.Paper(tinyjudge.New(world))
	change(&method)
	r2 := train(method)

	var plain, refined [phases]float64 // milliseconds a step
	var plainSteps, refinedSteps, accepted float64
	b.ResetTimer()
	for range b.N {
		if _, compiled := r1.step(b); !compiled {
			plainSteps++
			add(&plain, r1.watch.spent)
		}
		if rollouts, compiled := r2.step(b); !compiled {
			refinedSteps++
			accepted += rollouts.Metrics[refiner.MetricAccepted]
			add(&refined, r2.watch.spent)
		}
	}
	b.StopTimer()
	whole := (plain[drafts] + plain[updates]) / plainSteps
	ratio := func(parts ...phase) float64 {
		sum := 0.0
		for _, p := range parts {
			sum += refined[p] / refinedSteps
		}
		return sum / whole
	}
	b.ReportMetric(plain[drafts]/plainSteps, "r1-ms-drafts")
	b.ReportMetric(plain[updates]/plainSteps, "r1-ms-update")
	for p, name := range []string{"drafts", "decisions", "terms", "suffixes", "update"} {
		b.ReportMetric(refined[p]/refinedSteps, "r2-ms-"+name)
	}
	b.ReportMetric(1-accepted/refinedSteps, "revised")
	b.ReportMetric(ratio(drafts, decisions, terms, updates), "without-suffixes/r1")
	b.ReportMetric(ratio(drafts, decisions, terms, suffixes, updates), "r2/r1")
}

func add(to *[phases]float64, spent [phases]time.Duration) {
	for p := range spent {
		to[p] += float64(spent[p]) / 1e6
	}
}
