package gae

import (
	"context"
	"errors"
	"fmt"
	"math"

	"searchrl/grpo"
	"searchrl/rollout"
)

// Estimator says how advantages are estimated.
type Estimator struct {
	// Gamma is the discount γ, Lambda λ; both in [0, 1], and 1 in Search-R1 and StepSearch.
	Gamma  float64 `json:"gamma"`
	Lambda float64 `json:"lambda"`
	// Whiten standardises the advantages over all sampled tokens of a step's trees, as Search-R1's trainer does. What the
	// critic learns is taken before.
	Whiten bool `json:"whiten"`
}

// Validate reports the first setting that is out of its range.
func (e Estimator) Validate() error {
	switch {
	case !(e.Gamma >= 0 && e.Gamma <= 1):
		return fmt.Errorf("γ is %v, expected 0 to 1", e.Gamma)
	case !(e.Lambda >= 0 && e.Lambda <= 1):
		return fmt.Errorf("λ is %v, expected 0 to 1", e.Lambda)
	}
	return nil
}

// Assign asks the critic for the value of every token that the policy sampled and sets Values, Returns and Advantages of the
// trees' trajectories from their rewards: a segment's own Rewards count at its last token, a trajectory's Reward at the
// last token of it that was sampled. Segments on no trajectory get nothing.
//
// It is an error if two trajectories share a sampled token, for such a token would have two returns.
func (e Estimator) Assign(ctx context.Context, critic grpo.Critic, trees []*rollout.Tree) (grpo.Metrics, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	if critic == nil {
		return nil, errors.New("there is no critic; a trainer gives the method its learner's")
	}
	tokens := grpo.SampledTokens(trees)
	values, err := critic.Values(ctx, grpo.Batch{Trees: trees, Targets: tokens})
	if err != nil {
		return nil, fmt.Errorf("asking the critic: %w", err)
	}
	if len(values) != len(tokens) {
		return nil, fmt.Errorf("asking the critic: it valued %d of %d tokens", len(values), len(tokens))
	}
	for j, t := range tokens {
		segment := &trees[t.Tree].Segments[t.Segment]
		if t.Index == 0 {
			segment.Values = values[j:][:len(segment.Tokens):len(segment.Tokens)]
			segment.Returns = nil
		}
	}
	for i, tree := range trees {
		for n := range tree.Trajectories {
			if err := e.trajectory(tree, n); err != nil {
				return nil, fmt.Errorf("tree %d (question %q), trajectory %d: %w", i, tree.Question.ID, n, err)
			}
		}
	}
	return e.finish(trees), nil
}

// trajectory sets returns and advantages along one path. Of a path's segments only those that were sampled take part.
func (e Estimator) trajectory(tree *rollout.Tree, n int) error {
	var rewards, values []float64
	var sampled []*rollout.Segment
	for _, s := range tree.Path(tree.Trajectories[n].Leaf) {
		segment := &tree.Segments[s]
		if !segment.Sampled() || len(segment.Tokens) == 0 {
			continue
		}
		if segment.Returns != nil {
			return fmt.Errorf("it shares segment %d (%s) with another trajectory", s, segment.Kind)
		}
		segment.Returns = make([]float64, len(segment.Tokens))
		sampled = append(sampled, segment)
		rewards = append(rewards, make([]float64, len(segment.Tokens))...)
		for _, r := range segment.Rewards {
			rewards[len(rewards)-1] += r.Value
		}
		values = append(values, segment.Values...)
	}
	if len(rewards) == 0 {
		return nil
	}
	rewards[len(rewards)-1] += tree.Trajectories[n].Reward
	advantages := Advantages(rewards, values, e.Gamma, e.Lambda)
	for _, a := range advantages {
		if math.IsNaN(a) || math.IsInf(a, 0) {
			return fmt.Errorf("an advantage is %v: a reward or a value is not finite", a)
		}
	}
	for _, segment := range sampled {
		segment.Advantages, advantages = advantages[:len(segment.Tokens):len(segment.Tokens)], advantages[len(segment.Tokens):]
		for j, a := range segment.Advantages {
			segment.Returns[j] = a + segment.Values[j]
		}
	}
	return nil
}

// finish whitens the advantages, drops the values of segments that no trajectory goes through, and sums up.
func (e Estimator) finish(trees []*rollout.Tree) grpo.Metrics {
	var advantages, values, returns []float64
	var trained []*rollout.Segment
	m := grpo.Metrics{}
	for _, tree := range trees {
		total := tree.Total()
		m[grpo.MetricScoredTokens] += float64(total.Sampled + total.Inserted)
		for s := range tree.Segments {
			segment := &tree.Segments[s]
			if segment.Returns == nil {
				segment.Values = nil
				continue
			}
			trained = append(trained, segment)
			advantages = append(advantages, segment.Advantages...)
			values = append(values, segment.Values...)
			returns = append(returns, segment.Returns...)
		}
	}
	if e.Whiten {
		advantages = Whiten(advantages)
		for _, segment := range trained {
			segment.Advantages, advantages = advantages[:len(segment.Tokens):len(segment.Tokens)], advantages[len(segment.Tokens):]
		}
	}
	m[grpo.MetricValue], _ = moments(values)
	m[grpo.MetricReturn], _ = moments(returns)
	m[grpo.MetricExplained] = ExplainedVariance(returns, values)
	return m
}
