package ppo_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/accel"
	"searchrl/baseline/ppo"
	"searchrl/baseline/searchr1"
	"searchrl/checkpoint"
	"searchrl/gae"
	"searchrl/grpo"
	"searchrl/model"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tinyworld"
	"searchrl/tokenizer"
)

// reinforce is the policy gradient without any baseline: every token has the raw reward of its trajectory.
type reinforce struct{ group int }

func (reinforce) Name() string { return "reinforce" }

func (m reinforce) Collect(ctx context.Context, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, grpo.Metrics, error) {
	trees, err := env.Rollout(ctx, questions, m.group, rollout.Sampling{Temperature: 1}, rng)
	for _, tree := range trees {
		for i := range tree.Trajectories {
			tree.Trajectories[i].Reward = searchr1.Outcome(tree, i)
			grpo.SetAdvantage(tree, tree.Trajectories[i].Leaf, tree.Trajectories[i].Reward)
		}
	}
	return trees, nil, err
}

// outcome is what a short training run in the embedded world left: the policy, and what its steps reported.
type outcome struct {
	weights checkpoint.Weights
	metrics []grpo.Metrics
	updates int
}

func train(t *testing.T, m grpo.Method, criticLR float64, steps int) outcome {
	files, err := tinyworld.Base(tinyworld.Standard)
	require.NoError(t, err)
	config, weights, err := checkpoint.Load(files)
	require.NoError(t, err)
	tok, err := tokenizer.Load(files)
	require.NoError(t, err)
	backend, err := accel.Open("go")
	require.NoError(t, err)
	defer backend.Close()
	learner, err := model.New(backend, config, weights, tok, model.Options{})
	require.NoError(t, err)
	defer learner.Close()
	world, err := tinyworld.New(tinyworld.Standard, tinyworld.Seed(tinyworld.Train, 0))
	require.NoError(t, err)
	index, err := retrieval.NewBM25(world.Documents())
	require.NoError(t, err)
	env := &rollout.Env{Policy: learner, Searcher: index, Tokenizer: tok, Protocol: tinyworld.Protocol(tinyworld.Standard)}
	adam := grpo.AdamW{LearningRate: 3e-4, Beta1: .9, Beta2: .999, Epsilon: 1e-8, MaxGradNorm: 1}
	c := grpo.Config{Questions: 2, Epochs: 2, MiniBatches: 2, Aggregation: grpo.TokenMean, Optimiser: adam, Seed: 8,
		Surrogate: grpo.Surrogate{ClipLow: .2, ClipHigh: .2, Temperature: 1}, Critic: grpo.CriticConfig{Loss: grpo.ValueLoss{Clip: .5}, Optimiser: adam}}
	c.Critic.Optimiser.LearningRate = criticLR
	rng, questions := rand.New(rand.NewPCG(1, 1)), []qa.Question{}
	for i := range 40 { // of one fact, which the base policy often remembers, and of two, for which it searches
		questions = append(questions, world.QuestionOfHops(rng, 1+i%2))
	}
	trainer, err := grpo.NewTrainer(learner, nil, env, m, questions, c, 0)
	require.NoError(t, err)
	var out outcome
	for range steps {
		rollouts, err := trainer.Collect(t.Context())
		require.NoError(t, err)
		updates, err := trainer.Update(t.Context(), rollouts)
		require.NoError(t, err)
		out.metrics, out.updates = append(out.metrics, rollouts.Metrics), out.updates+len(updates)
	}
	out.weights, err = learner.Weights()
	require.NoError(t, err)
	return out
}

// TestFrozenCriticIsReinforce: with a critic of zeros that learns nothing, γ = λ = 1 and no whitening, PPO trains the policy
// bit for bit as REINFORCE with the raw reward does. With a critic that learns it does not.
func TestFrozenCriticIsReinforce(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a transformer")
	}
	m := ppo.Method{Group: 3, Sampling: rollout.Sampling{Temperature: 1}, Outcome: ppo.ExactMatch, Estimator: gae.Estimator{Gamma: 1, Lambda: 1}}
	raw := train(t, reinforce{3}, 0, 2)
	frozen := train(t, m, 0, 2)
	require.Positive(t, raw.metrics[0][grpo.MetricReward], "something was answered rightly")
	require.Positive(t, raw.metrics[0][grpo.MetricSearches], "something was looked up")
	require.Equal(t, raw.weights, frozen.weights)
	require.Zero(t, frozen.metrics[1][grpo.MetricValue])
	require.Positive(t, frozen.metrics[0][grpo.MetricValueLoss])

	learning := train(t, m, 1e-3, 2)
	require.NotEqual(t, raw.weights, learning.weights)
	require.Equal(t, frozen.metrics[0][grpo.MetricReward], learning.metrics[0][grpo.MetricReward], "the first step's samples are the base policy's")
	require.NotZero(t, learning.metrics[1][grpo.MetricValue])
	require.Equal(t, learning.metrics[1], train(t, m, 1e-3, 2).metrics[1], "a run is repeated bit for bit")
}
