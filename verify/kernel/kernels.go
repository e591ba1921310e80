package kernel

import (
	"context"
	"fmt"
	"math/rand/v2"

	"searchrl/baseline/searchr1"
	"searchrl/estimator"
	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/rollout"
)

// Kernels are the functions that decide what is trained and how hard, as values, so that a check can be run on the real
// ones and on versions with a planted fault. Their contracts are those of the functions that [Real] puts in.
type Kernels struct {
	GroupAdvantages func(rewards []float64, norm grpo.Normalisation) []float64
	Dead            func(rewards []float64) bool

	Clipped func(logProb, oldLogProb, advantage, low, high float64) (value, derivative float64, clipped bool)
	KL      func(kl grpo.KL, logProb, refLogProb float64) (value, derivative float64)
	Loss    func(s grpo.Surrogate, targets []grpo.Target, logProbs, entropies []float64) (grpo.Update, []float64)

	SetAdvantage func(tree *rollout.Tree, leaf int, a float64)
	Targets      func(trees []*rollout.Tree, how grpo.Aggregation) ([]grpo.Target, error)
	// Batch is what one optimiser step gets of the trees: grpo.Trainer with one mini-batch. It is empty if nothing moves.
	Batch func(trees []*rollout.Tree, how grpo.Aggregation, s grpo.Surrogate, reference grpo.Scorer) (grpo.Batch, error)

	// Outcome is Search-R1's reward of trajectory i.
	Outcome func(tree *rollout.Tree, i int) float64
	// SearchR1 samples trees by Search-R1 and sets their advantages.
	SearchR1 func(m searchr1.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error)

	Full       func(rewards [][]float64, norm grpo.Normalisation) [][]float64
	RewardToGo func(rewards [][]float64, norm grpo.Normalisation) [][]float64
	Truncated  func(rewards []float64, norm grpo.Normalisation) []float64
	Absolute   func(rewards []float64, norm grpo.Normalisation) []float64
	Selection  func(advantages []float64, eta float64) ([]float64, error)
	Select     func(advantages []float64, eta float64, rng *rand.Rand) (int, error)
}

// Real returns the functions that train.
func Real() Kernels {
	return Kernels{
		GroupAdvantages: grpo.GroupAdvantages,
		Dead:            grpo.Dead,
		Clipped:         grpo.Clipped,
		KL:              grpo.KL.Estimate,
		Loss:            grpo.Surrogate.Loss,
		SetAdvantage:    grpo.SetAdvantage,
		Targets:         grpo.Targets,
		Batch:           batch,
		Outcome:         searchr1.Outcome,
		SearchR1: func(m searchr1.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
			trees, _, err := m.Collect(context.Background(), env, questions, rng)
			return trees, err
		},
		Full:       estimator.Full,
		RewardToGo: estimator.RewardToGo,
		Truncated:  estimator.Truncated,
		Absolute:   estimator.Absolute,
		Selection:  estimator.Selection,
		Select:     estimator.Select,
	}
}

func constant(x float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = x
	}
	return out
}

// batch runs a trainer for one step on given trees and returns what its learner was told to learn.
func batch(trees []*rollout.Tree, how grpo.Aggregation, s grpo.Surrogate, reference grpo.Scorer) (grpo.Batch, error) {
	learner := &recorder{}
	config := grpo.Config{Questions: 1, Epochs: 1, MiniBatches: 1, Aggregation: how, Surrogate: s}
	trainer, err := grpo.NewTrainer(learner, reference, nil, given(trees), make([]qa.Question, 1), config, 0)
	if err != nil {
		return grpo.Batch{}, fmt.Errorf("making a trainer: %w", err)
	}
	rollouts, err := trainer.Collect(context.Background())
	if err != nil {
		return grpo.Batch{}, err
	}
	if _, err := trainer.Update(context.Background(), rollouts); err != nil {
		return grpo.Batch{}, err
	}
	return learner.batch, nil
}

// recorder is a learner that keeps the batch it gets and learns nothing.
type recorder struct {
	grpo.Learner
	batch grpo.Batch
}

// Step implements grpo.Learner.
func (r *recorder) Step(_ context.Context, batch grpo.Batch, _ grpo.Surrogate, _ grpo.AdamW) (grpo.Update, error) {
	r.batch = batch
	return grpo.Update{}, nil
}

// given is a method whose trees were made before.
type given []*rollout.Tree

// Name implements grpo.Method.
func (given) Name() string { return "given" }

// Collect implements grpo.Method.
func (g given) Collect(context.Context, *rollout.Env, []qa.Question, *rand.Rand) ([]*rollout.Tree, grpo.Metrics, error) {
	return g, nil, nil
}
