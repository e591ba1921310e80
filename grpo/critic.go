package grpo

import (
	"context"
	"fmt"
	"math"

	"searchrl/rollout"
)

// Critic is a value function V_φ(x, τ_<j): what the trajectory's rewards from token j on are expected to add up to, given all
// tokens before it. Package model implements it with a network of its own beside the policy.
type Critic interface {
	// Values returns V_φ of each target, in the batch's order.
	Values(ctx context.Context, batch Batch) ([]float64, error)
	// Fit takes one optimiser step on the value loss over the whole batch.
	Fit(ctx context.Context, batch Batch, loss ValueLoss, optimiser AdamW) (ValueUpdate, error)
}

// CriticMethod is a method whose advantages rest on a critic. It sets Values and Returns of the segments that it sampled, and
// the trainer fits the critic to them.
type CriticMethod interface {
	Method
	// WithCritic returns the method that asks critic for values. The receiver stays as it is, for other runs.
	WithCritic(critic Critic) Method
}

// CriticConfig says how a critic learns. With learning rate 0 it stays as it is.
type CriticConfig struct {
	Loss      ValueLoss `json:"loss"`
	Optimiser AdamW     `json:"optimiser"`
}

// Validate reports the first setting that is out of its range.
func (c CriticConfig) Validate() error {
	if err := c.Optimiser.Validate(); err != nil {
		return fmt.Errorf("the critic's %w", err)
	}
	return c.Loss.Validate()
}

// ValueLoss is what a critic minimises over a batch's targets, with G_j = Target.Return and V_old = Target.OldValue:
//
//	L = Σ_j w_j · ½ max( (V_j − G_j)², (clip(V_j, V_old − Clip, V_old + Clip) − G_j)² )
//
// A value that has moved by more than Clip towards its return has the clipped term as the larger one, and no gradient.
// Clip 0 leaves the clipping out. Source: the released code of PPO (Schulman et al., 2017), taken over by Search-R1's trainer, where
// Clip is 0.5.
type ValueLoss struct {
	Clip float64 `json:"clip"`
}

// Validate reports a clip range that is none.
func (l ValueLoss) Validate() error {
	if !(l.Clip >= 0) || math.IsInf(l.Clip, 0) {
		return fmt.Errorf("the value loss's clip is %v, expected 0 (none) or more", l.Clip)
	}
	return nil
}

// ValueUpdate reports one optimiser step of a critic.
type ValueUpdate struct {
	Loss         float64 // L before the step
	ClipFraction float64 // Σ w_j of the tokens whose clipped term was the larger one
	GradNorm     float64 // before clipping
	// ComputedTokens counts the tokens that went through the critic's network, padding not counted.
	ComputedTokens int
}

// Loss evaluates the value loss in float64 from the targets' values V. derivative[j] is ∂L/∂V_j: w_j (V_j − G_j), or 0 where
// the clipped term is the larger one. It is the reference that compiled losses are checked against.
func (l ValueLoss) Loss(targets []Target, values []float64) (u ValueUpdate, derivative []float64) {
	derivative = make([]float64, len(targets))
	for j, t := range targets {
		off := values[j] - t.Return
		loss := off * off
		derivative[j] = t.Weight * off
		if l.Clip > 0 {
			bounded := math.Min(math.Max(values[j], t.OldValue-l.Clip), t.OldValue+l.Clip) - t.Return
			if bounded*bounded > loss {
				loss, derivative[j] = bounded*bounded, 0
				u.ClipFraction += t.Weight
			}
		}
		u.Loss += t.Weight * loss / 2
	}
	return u, derivative
}

// SampledTokens lists every token of the trees that the policy sampled, in the order of the segments: what a critic is asked
// about. Weights are 0.
func SampledTokens(trees []*rollout.Tree) []Target {
	var targets []Target
	for i, tree := range trees {
		for s := range tree.Segments {
			segment := &tree.Segments[s]
			for j := range segment.LogProbs {
				targets = append(targets, Target{Tree: i, Segment: s, Index: j, OldLogProb: segment.LogProbs[j]})
			}
		}
	}
	return targets
}

// ValueTargets lists every token of the trees that has a return, with it and with its value: what a critic learns from. All
// have the same weight, and the weights add up to 1.
func ValueTargets(trees []*rollout.Tree) []Target {
	var targets []Target
	for i, tree := range trees {
		for s := range tree.Segments {
			segment := &tree.Segments[s]
			for j := range segment.Returns {
				targets = append(targets, Target{
					Tree: i, Segment: s, Index: j, OldLogProb: segment.LogProbs[j], OldValue: segment.Values[j], Return: segment.Returns[j],
				})
			}
		}
	}
	for j := range targets {
		targets[j].Weight = 1 / float64(len(targets))
	}
	return targets
}

// fit takes one optimiser step of the critic on the trees named by part.
func (t *Trainer) fit(ctx context.Context, trees []*rollout.Tree, part []int) (ValueUpdate, error) {
	var batch Batch
	for _, p := range part {
		batch.Trees = append(batch.Trees, trees[p])
	}
	if batch.Targets = ValueTargets(batch.Trees); len(batch.Targets) > 0 {
		return t.critic.Fit(ctx, batch, t.config.Critic.Loss, t.config.Critic.Optimiser)
	}
	if len(SampledTokens(batch.Trees)) > 0 {
		return ValueUpdate{}, fmt.Errorf("method %s set no returns", t.method.Name())
	}
	return ValueUpdate{}, nil
}

// valueMetrics adds what the critic's optimiser steps reported to a step's metrics.
func valueMetrics(m Metrics, fits []ValueUpdate) {
	for _, u := range fits {
		n := float64(len(fits))
		m[MetricValueLoss] += u.Loss / n
		m[MetricValueClipped] += u.ClipFraction / n
		m[MetricCriticGradNorm] += u.GradNorm / n
		m[MetricScoredTokens] += float64(u.ComputedTokens)
	}
}
