package igsearch_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/accel"
	"searchrl/checkpoint"
	"searchrl/grpo"
	"searchrl/igsearch"
	"searchrl/model"
	"searchrl/plain"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/sampling"
	"searchrl/tinyworld"
)

// world is the embedded world with its base policy in pure Go.
func world(t *testing.T) (*model.Model, *rollout.Env, []qa.Question) {
	backend, err := accel.Open("go")
	require.NoError(t, err)
	t.Cleanup(backend.Close)
	files, err := tinyworld.Base(tinyworld.Standard)
	require.NoError(t, err)
	config, weights, err := checkpoint.Load(files)
	require.NoError(t, err)
	tok, err := tinyworld.Tokenizer(tinyworld.Standard)
	require.NoError(t, err)
	m, err := model.New(backend, config, weights, tok, model.Options{})
	require.NoError(t, err)
	t.Cleanup(m.Close)
	world, err := tinyworld.New(tinyworld.Standard, tinyworld.Seed(tinyworld.Train, 0))
	require.NoError(t, err)
	index, err := retrieval.NewBM25(world.Documents())
	require.NoError(t, err)
	env := &rollout.Env{Policy: m, Searcher: index, Tokenizer: tok, Protocol: tinyworld.Protocol(tinyworld.Standard)}
	return m, env, world.Questions(rand.New(rand.NewPCG(1, 1)), 8)
}

// trained returns the weights after two steps.
func trained(t *testing.T, method grpo.Method) checkpoint.Weights {
	m, env, questions := world(t)
	trainer, err := grpo.NewTrainer(m, nil, env, method, questions, grpo.Config{
		Questions: 4, Epochs: 1, MiniBatches: 1, Aggregation: grpo.TokenMean, Seed: 3,
		Surrogate: grpo.Surrogate{ClipLow: .2, ClipHigh: .2, KL: grpo.K3, Temperature: 1},
		Optimiser: grpo.AdamW{LearningRate: 1e-3, Beta1: .9, Beta2: .999, Epsilon: 1e-8},
	}, 0)
	require.NoError(t, err)
	for range 2 {
		rollouts, err := trainer.Collect(context.Background())
		require.NoError(t, err)
		_, err = trainer.Update(context.Background(), rollouts)
		require.NoError(t, err)
	}
	w, err := m.Weights()
	require.NoError(t, err)
	return w
}

// TestAlphaZeroIsSearchR1: the same weights, bit for bit, after two steps of training; and with α they are others.
func TestAlphaZeroIsSearchR1(t *testing.T) {
	m := igsearch.Paper()
	want := trained(t, m.Outcome)
	m.Modulation.Alpha = 0
	require.Equal(t, want, trained(t, m))
	require.NotEqual(t, want, trained(t, igsearch.Paper()))
}

// always is a searcher that finds the same whatever is asked.
type always []retrieval.Hit

func (a always) Search(_ context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
	out := make([][]retrieval.Hit, len(queries))
	for i := range out {
		out[i] = a[:k]
	}
	return out, nil
}

// TestRealDocumentsAsCounterfactuals: where every search finds the same, other questions' documents are the real ones, so
// every gain is 0 exactly, and what is learnt is what Search-R1 learns.
func TestRealDocumentsAsCounterfactuals(t *testing.T) {
	_, env, questions := world(t)
	hits, err := env.Searcher.Search(context.Background(), []string{"boss of Okafor"}, 2)
	require.NoError(t, err)
	require.Len(t, hits[0], 2)
	env.Searcher = always(hits[0])
	want, _, err := igsearch.Paper().Outcome.Collect(context.Background(), env, questions, seeded())
	require.NoError(t, err)
	got, metrics, err := igsearch.Paper().Collect(context.Background(), env, questions, seeded())
	require.NoError(t, err)
	require.Positive(t, metrics[igsearch.MetricSteps])
	searches := 0
	for i, tree := range got {
		for s := range tree.Segments {
			for _, reward := range tree.Segments[s].Rewards {
				require.Zero(t, reward.Value, "%s", reward.Name)
				searches++
			}
			require.Equal(t, want[i].Segments[s].Advantages, tree.Segments[s].Advantages)
		}
	}
	require.EqualValues(t, 2*metrics[igsearch.MetricSteps], searches)
	require.Zero(t, metrics[igsearch.MetricGroups])
}

// TestGainIsThatOfForwardPasses: what the gains of a batch are made of, scored as one token tree with the keys and values that
// sampling has left, is what the readable forward pass says of a branch alone; every fifth
// branch is looked at, so real and counterfactual ones in turn.
func TestGainIsThatOfForwardPasses(t *testing.T) {
	m, env, questions := world(t)
	weights, err := m.Weights()
	require.NoError(t, err)
	forward, err := plain.New(m.Config(), weights, env.Tokenizer)
	require.NoError(t, err)
	spy := &alone{Policy: m, forward: forward}
	env.Policy = spy
	_, metrics, err := igsearch.Paper().Collect(context.Background(), env, questions[:3], seeded())
	require.NoError(t, err)
	require.Positive(t, metrics[grpo.MetricScoredTokens])
	require.Positive(t, spy.checked)
	require.Less(t, spy.worst, 1e-4)
	t.Logf("%d branches, largest difference %.1e", spy.checked, spy.worst)
}

// alone is a policy that scores every fifth branch of a call by a forward pass of its own, too, and notes how far that is from
// the call's answer.
type alone struct {
	rollout.Policy
	forward *plain.Model
	checked int
	worst   float64
}

func (a *alone) Score(ctx context.Context, reqs []rollout.ScoreRequest) ([][][]float64, error) {
	out, err := a.Policy.Score(ctx, reqs)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(reqs); i += 5 {
		req := reqs[i]
		for n, target := range req.Targets {
			logits, err := a.forward.Logits(slices.Concat(req.Prefix, target))
			if err != nil {
				return nil, err
			}
			for j, id := range target {
				single := sampling.LogProb(logits[len(req.Prefix)+j-1], id)
				a.worst = max(a.worst, math.Abs(single-out[i][n][j]))
			}
			a.checked++
		}
	}
	return out, nil
}
