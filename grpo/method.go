package grpo

import (
	"context"
	"math/rand/v2"

	"searchrl/qa"
	"searchrl/rollout"
)

// Method turns questions into trees whose sampled tokens carry advantages. Everything in which the papers differ is in
// here: where a tree branches, how segments are rewarded, which advantage each token gets.
type Method interface {
	// Name is the method's name on the command line, e.g. "search-r1".
	Name() string
	// Collect samples trees for the questions (one or more each) with env's policy and searcher, and sets the
	// advantages. All randomness comes from rng. Metrics are named as in docs/metrics.md; nil is fine.
	Collect(ctx context.Context, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, Metrics, error)
}

// Metrics are named figures of one training step.
type Metrics map[string]float64
