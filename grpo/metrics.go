package grpo

import "searchrl/rollout"

// Names of the metrics that every method reports; docs/metrics.md explains each.
const (
	MetricReward        = "reward"         // mean R over trajectories
	MetricSearches      = "searches"       // mean searches a trajectory
	MetricTurns         = "turns"          // mean turns a trajectory
	MetricAnswered      = "answered"       // share of trajectories that ended with an answer
	MetricInvalid       = "invalid"        // mean invalid actions a trajectory
	MetricSampledTokens = "sampled_tokens" // tokens the policy sampled, discarded ones included
	MetricScoredTokens  = "scored_tokens"  // tokens computed for scores beyond those of the trees, if the method scores or has a critic
	MetricDeadGroups    = "dead_groups"    // share of groups whose advantages are all 0

	// Methods with a critic.
	MetricValueLoss      = "value_loss"         // mean value loss of the critic's optimiser steps
	MetricValueClipped   = "value_clipped"      // mean share of the tokens whose clipped value loss was the larger one
	MetricCriticGradNorm = "critic_grad_norm"   // mean norm of the critic's gradient before clipping
	MetricValue          = "value"              // mean value V of the sampled tokens, before the update
	MetricReturn         = "return"             // mean return G of them
	MetricExplained      = "explained_variance" // 1 − Var(G − V)/Var(G) over them
)

// treeMetrics are the figures that follow from any forest of trajectories.
func treeMetrics(trees []*rollout.Tree) Metrics {
	m := Metrics{}
	n, sampled := 0, 0
	for _, tree := range trees {
		for s := range tree.Segments {
			if tree.Segments[s].Sampled() {
				sampled += len(tree.Segments[s].Tokens)
			}
		}
		for _, trajectory := range tree.Trajectories {
			n++
			m[MetricReward] += trajectory.Reward
			m[MetricSearches] += float64(trajectory.Searches)
			m[MetricTurns] += float64(trajectory.Turns)
			m[MetricInvalid] += float64(trajectory.Invalid)
			if trajectory.End == rollout.Answered {
				m[MetricAnswered]++
			}
		}
	}
	for name := range m {
		m[name] /= float64(n)
	}
	m[MetricSampledTokens] = float64(sampled)
	return m
}
