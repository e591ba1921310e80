package main

import (
	"searchrl/baseline/ppo"
	"searchrl/baseline/stepsearch"
	"searchrl/gae"
	"searchrl/grpo"
)

// ppoFlags are those of the methods that have a critic.
type ppoFlags struct {
	GAEGamma  float64 `name:"gae-gamma" default:"1" help:"PPO: discount of later rewards, a sampled token."`
	GAELambda float64 `name:"gae-lambda" default:"1" help:"PPO: lambda of generalised advantages; 1 takes returns as they are, 0 trusts the critic for all but the next token."`
	Whiten    bool    `default:"true" negatable:"" help:"PPO: standardise the advantages over the step's sampled tokens."`

	StepGain       float64 `name:"step-gain" default:"0.6" help:"StepSearch: weight of a search's information gain."`
	StepRedundancy float64 `name:"step-redundancy" default:"0.6" help:"StepSearch: weight of the share of documents that were seen before."`
	KeyWeight      float64 `name:"key-weight" default:"0.618" help:"StepSearch: weight of the queries' wording in the outcome."`
	Unanswered     float64 `default:"-1" help:"StepSearch: outcome of a trajectory without an answer."`
}

func (f ppoFlags) estimator() gae.Estimator {
	return gae.Estimator{Gamma: f.GAEGamma, Lambda: f.GAELambda, Whiten: f.Whiten}
}

func (f methodFlags) ppo(taskFlags) (grpo.Method, error) {
	return checked(ppo.Method{Group: f.Group, Sampling: f.sampling(), Outcome: ppo.ExactMatch, Estimator: f.estimator()})
}

func (f methodFlags) stepsearch(taskFlags) (grpo.Method, error) {
	return checked(stepsearch.Method{
		Group: f.Group, Sampling: f.sampling(), Gain: f.StepGain, Penalty: f.StepRedundancy, Keys: f.KeyWeight,
		Unanswered: f.Unanswered, Estimator: f.estimator(),
	})
}

// criticFlags say how a critic learns.
type criticFlags struct {
	CriticLR  float64 `name:"critic-lr" default:"1e-3" help:"Learning rate of the critic, for methods that have one; 0 freezes it."`
	ValueClip float64 `name:"value-clip" default:"0.5" help:"How far a value may move in one step before its loss is clipped; 0 does not clip."`
}

// critic returns the critic's settings; beside the learning rate its optimiser is the policy's.
func (f criticFlags) critic(policy grpo.AdamW) grpo.CriticConfig {
	policy.LearningRate = f.CriticLR
	return grpo.CriticConfig{Loss: grpo.ValueLoss{Clip: f.ValueClip}, Optimiser: policy}
}
