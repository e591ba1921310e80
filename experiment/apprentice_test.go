package experiment_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/baseline/searchr1"
	"searchrl/checkpoint"
	"searchrl/experiment"
	"searchrl/grpo"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tinyworld"
)

// apprentice is a learner without a network: it follows the oracle with a probability that rises with each optimiser
// step, and answers from memory otherwise.
type apprentice struct {
	*tinyworld.Agent
	skill   float64
	lesson  float64
	loss    float64
	weights checkpoint.Weights
	stepped func() // is told of each optimiser step
}

func (a *apprentice) LogProbs(_ context.Context, batch grpo.Batch, _ float64) ([]float64, error) {
	return make([]float64, len(batch.Targets)), nil
}

func (a *apprentice) Step(ctx context.Context, batch grpo.Batch, _ grpo.Surrogate, _ grpo.AdamW) (grpo.Update, error) {
	if err := ctx.Err(); err != nil {
		return grpo.Update{}, err
	}
	a.skill = min(1, a.skill+a.lesson)
	if a.stepped != nil {
		a.stepped()
	}
	return grpo.Update{Loss: a.loss, ComputedTokens: 1000}, nil
}

func (a *apprentice) Weights() (checkpoint.Weights, error) { return a.weights, nil }

// tinyTask is a task of the embedded world with a policy of random weights, which is saved but never used.
func tinyTask(t testing.TB) *experiment.Task {
	t.Helper()
	tok, err := tinyworld.Tokenizer(tinyworld.Standard)
	require.NoError(t, err)
	files, err := tinyworld.TokenizerFiles(tinyworld.Standard)
	require.NoError(t, err)
	config := checkpoint.Config{VocabSize: tok.VocabSize(), HiddenSize: 4, IntermediateSize: 4, Layers: 1, Heads: 2, KVHeads: 1,
		HeadDim: 2, RMSNormEps: 1e-6, RopeTheta: 1000, TieEmbeddings: true, MaxPositions: 64}
	part := func(seed uint64, n int) experiment.Part {
		w, err := tinyworld.New(tinyworld.Standard, seed)
		require.NoError(t, err)
		index, err := retrieval.NewBM25(w.Documents())
		require.NoError(t, err)
		return experiment.Part{Questions: w.Questions(rand.New(rand.NewPCG(seed, 1)), n), Searcher: index}
	}
	return &experiment.Task{
		Name: "test", Train: part(1, 40), Test: part(2, 60), Protocol: tinyworld.Protocol(tinyworld.Standard),
		Base: experiment.Base{Name: "none", Config: config, Weights: checkpoint.Init(config, rand.New(rand.NewPCG(1, 1))),
			Tokenizer: tok, Files: files},
	}
}

func newApprentice(t testing.TB, task *experiment.Task, lesson float64) *apprentice {
	t.Helper()
	w, err := tinyworld.New(tinyworld.Standard, 1)
	require.NoError(t, err)
	a := &apprentice{skill: 0.7, lesson: lesson, weights: task.Base.Weights}
	good, bad := w.Oracle(), w.NeverSearch()
	a.Agent = tinyworld.NewAgent(task.Base.Tokenizer, func(v tinyworld.View, rng *rand.Rand) tinyworld.Action {
		if rng.Float64() < a.skill {
			return good(v, rng)
		}
		return bad(v, rng)
	})
	return a
}

func settings(seed uint64) grpo.Config {
	return grpo.Config{Questions: 4, Epochs: 2, MiniBatches: 1, Aggregation: grpo.TokenMean, Seed: seed,
		Surrogate: grpo.Surrogate{ClipLow: 0.2, ClipHigh: 0.2, Temperature: 1},
		Optimiser: grpo.AdamW{LearningRate: 1e-3, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}}
}

func method() grpo.Method {
	return searchr1.Method{Group: 4, Sampling: rollout.Sampling{Temperature: 1}, Normalisation: grpo.Standardised}
}
