package grpo

import (
	"context"
	"fmt"
	"io"
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

// Release closes what a method holds, such as connections to a judge's server: a method that holds something is an
// [io.Closer]. Who made a method releases it when nothing uses it any more; it is no error to release one that holds nothing.
func Release(m Method) error {
	if closer, ok := m.(io.Closer); ok {
		if err := closer.Close(); err != nil {
			return fmt.Errorf("releasing %s: %w", m.Name(), err)
		}
	}
	return nil
}

// LeastQuestions is how many different questions a call of the method's Collect needs: 1, unless the method compares questions
// with each other and says so by a method of this name.
func LeastQuestions(m Method) int {
	if comparing, ok := m.(interface{ LeastQuestions() int }); ok {
		return comparing.LeastQuestions()
	}
	return 1
}

// Actor is a method that answers otherwise than the plain agent loop does, e.g. because it mends its drafts or makes several
// attempts. A policy that such a method trained is evaluated the way it acts.
type Actor interface {
	// Act answers each question once. result[i] belongs to questions[i] and has one trajectory, the one that gives the
	// answer; whatever else was sampled on the way there stays in the tree, where it counts. One number is drawn from rng
	// for each question, in order, and what is sampled for the question depends on it alone: questions can be asked in any
	// number of calls (rollout.Streams). No advantages are set.
	Act(ctx context.Context, env *rollout.Env, questions []qa.Question, sampling rollout.Sampling, rng *rand.Rand) ([]*rollout.Tree, error)
}

// Untrained is a method that only answers and has nothing to train, a point of comparison such as answering at once. A run of
// it takes no training step, whatever its budget is, and is evaluated after as it acts. Its Collect is an error.
type Untrained interface {
	Method
	Actor
	// Untrained does nothing; it tells such a method from one that acts in its own way and is trained.
	Untrained()
}

// ValidateBehaviour reports a behaviour policy that a method cannot be trained with: top-k and top-p leave out tokens that the
// trained policy can produce, so the ratio of the two would be biased.
func ValidateBehaviour(s rollout.Sampling) error {
	if s.TopK != 0 || (s.TopP != 0 && s.TopP != 1) {
		return fmt.Errorf("top-k %d and top-p %v truncate the behaviour policy, which biases the ratio; expected none while training", s.TopK, s.TopP)
	}
	return nil
}

// Metrics are named figures of one training step.
type Metrics map[string]float64
