package ppo

import (
	"context"
	"fmt"
	"math/rand/v2"

	"searchrl/baseline/searchr1"
	"searchrl/gae"
	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/rollout"
)

// Outcome says what a trajectory's answer is rewarded by.
type Outcome string

const (
	ExactMatch Outcome = "em" // Search-R1's
	F1         Outcome = "f1" // token F1, as StepSearch has it without its own rewards
)

// Method is Search-R1 by PPO; it implements grpo.CriticMethod.
type Method struct {
	// Group is the number of trajectories a question; 1 in the paper.
	Group int `json:"group"`
	// Sampling is the behaviour policy's distribution; the paper samples at temperature 1.
	Sampling rollout.Sampling `json:"sampling"`
	// Outcome is the reward; ExactMatch in the paper.
	Outcome Outcome `json:"outcome"`
	// Estimator turns rewards and values into advantages.
	Estimator gae.Estimator `json:"estimator"`

	critic grpo.Critic
}

// Name returns "search-r1-ppo".
func (Method) Name() string { return "search-r1-ppo" }

// WithCritic implements grpo.CriticMethod.
func (m Method) WithCritic(critic grpo.Critic) grpo.Method {
	m.critic = critic
	return m
}

// Validate reports the first setting that is out of its range.
func (m Method) Validate() error {
	switch {
	case m.Group < 1:
		return fmt.Errorf("search-r1-ppo: group is %d, expected 1 or more", m.Group)
	case m.Outcome != ExactMatch && m.Outcome != F1:
		return fmt.Errorf("search-r1-ppo: outcome %q, expected %s or %s", m.Outcome, ExactMatch, F1)
	}
	if err := grpo.ValidateBehaviour(m.Sampling); err != nil {
		return fmt.Errorf("search-r1-ppo: %w", err)
	}
	if err := m.Estimator.Validate(); err != nil {
		return fmt.Errorf("search-r1-ppo: %w", err)
	}
	return nil
}

// Collect samples one tree of Group trajectories for each question and sets rewards, values, returns and advantages.
func (m Method) Collect(ctx context.Context, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, grpo.Metrics, error) {
	if err := m.Validate(); err != nil {
		return nil, nil, err
	}
	trees, err := env.Rollout(ctx, questions, m.Group, m.Sampling, rng)
	if err != nil {
		return nil, nil, err
	}
	for _, tree := range trees {
		for i := range tree.Trajectories {
			tree.Trajectories[i].Reward = m.reward(tree, i)
		}
	}
	metrics, err := m.Estimator.Assign(ctx, m.critic, trees)
	if err != nil {
		return nil, nil, fmt.Errorf("search-r1-ppo: %w", err)
	}
	return trees, metrics, nil
}

// reward is R of trajectory i; 0 without an answer.
func (m Method) reward(tree *rollout.Tree, i int) float64 {
	if m.Outcome == ExactMatch {
		return searchr1.Outcome(tree, i)
	}
	if tree.Trajectories[i].End != rollout.Answered {
		return 0
	}
	return qa.F1(tree.Trajectories[i].Answer, tree.Question.Answers)
}
