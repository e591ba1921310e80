package searchr1

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"

	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/rollout"
)

// Method is Search-R1 by GRPO; it implements grpo.Method.
type Method struct {
	// Group is G, the trajectories a question. The paper uses 5.
	Group int
	// Sampling is the behaviour policy's distribution; the paper samples at temperature 1.
	Sampling rollout.Sampling
	// Normalisation of the rewards within a group; the paper standardises.
	Normalisation grpo.Normalisation
}

// Name returns "search-r1".
func (Method) Name() string { return "search-r1" }

// Validate reports the first setting that is out of its range.
func (m Method) Validate() error {
	if m.Group < 1 {
		return fmt.Errorf("search-r1: group is %d, expected 1 or more (2 for any signal)", m.Group)
	}
	if err := cmp.Or(grpo.ValidateBehaviour(m.Sampling), m.Normalisation.Validate()); err != nil {
		return fmt.Errorf("search-r1: %w", err)
	}
	return nil
}

// Collect samples one tree of G trajectories for each question and sets rewards and advantages.
func (m Method) Collect(ctx context.Context, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, grpo.Metrics, error) {
	if err := m.Validate(); err != nil {
		return nil, nil, err
	}
	trees, err := env.Rollout(ctx, questions, m.Group, m.Sampling, rng)
	if err != nil {
		return nil, nil, err
	}
	dead := 0
	for _, tree := range trees {
		if m.assign(tree) {
			dead++
		}
	}
	return trees, grpo.Metrics{grpo.MetricDeadGroups: float64(dead) / float64(len(trees))}, nil
}

// assign sets the rewards and advantages of one question's group; it reports whether the group carries no signal.
func (m Method) assign(tree *rollout.Tree) (dead bool) {
	rewards := make([]float64, len(tree.Trajectories))
	for i := range tree.Trajectories {
		rewards[i] = Outcome(tree, i)
		tree.Trajectories[i].Reward = rewards[i]
	}
	for i, a := range grpo.GroupAdvantages(rewards, m.Normalisation) {
		grpo.SetAdvantage(tree, tree.Trajectories[i].Leaf, a)
	}
	return grpo.Dead(rewards)
}

// Outcome is the outcome reward R of trajectory i: exact match of its answer with any gold answer, 0 without an answer.
func Outcome(tree *rollout.Tree, i int) float64 {
	trajectory := tree.Trajectories[i]
	if trajectory.End != rollout.Answered {
		return 0
	}
	return qa.ExactMatch(trajectory.Answer, tree.Question.Answers)
}
