package main

import (
	"context"
	"fmt"

	"searchrl/experiment"
	"searchrl/grpo"
)

// trainingFlags are the settings of training that all methods share. The defaults are the setting the embedded world was
// calibrated with.
type trainingFlags struct {
	Questions   int     `default:"12" help:"Questions a training step."`
	LR          float64 `name:"lr" default:"3e-4" help:"Learning rate."`
	Epochs      int     `default:"2" help:"Passes over a step's trajectories."`
	MiniBatches int     `default:"1" help:"Optimiser steps a pass."`
	ClipLow     float64 `default:"0.2" help:"Lower clip of the ratio, 1 - x."`
	ClipHigh    float64 `default:"0.2" help:"Upper clip of the ratio, 1 + x."`
	KL          string  `name:"kl" default:"k3" enum:"k1,k2,k3" help:"Estimator of the KL divergence from the base policy."`
	KLCoef      float64 `name:"kl-coef" default:"0" help:"Weight of the KL divergence; 0 leaves it out."`
	EntropyCoef float64 `default:"0" help:"Weight of the entropy bonus."`
	Aggregation string  `default:"token-mean" enum:"token-mean,sequence-mean,step-mean" help:"How tokens share the loss: token-mean, sequence-mean or step-mean."`
	WeightDecay float64 `default:"0" help:"AdamW's weight decay."`
	MaxGradNorm float64 `default:"1" help:"Largest norm of the gradient; 0 leaves it as it is."`

	criticFlags
}

// config returns the training settings, or what is wrong with them.
func (f trainingFlags) config(temperature float64, seed uint64) (grpo.Config, error) {
	config := grpo.Config{
		Questions: f.Questions, Epochs: f.Epochs, MiniBatches: f.MiniBatches,
		Aggregation: grpo.Aggregation(f.Aggregation),
		Surrogate: grpo.Surrogate{
			ClipLow: f.ClipLow, ClipHigh: f.ClipHigh, KL: grpo.KL(f.KL), KLCoef: f.KLCoef,
			EntropyCoef: f.EntropyCoef, Temperature: temperature,
		},
		Optimiser: grpo.AdamW{
			LearningRate: f.LR, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8,
			WeightDecay: f.WeightDecay, MaxGradNorm: f.MaxGradNorm,
		},
		Seed: seed,
	}
	config.Critic = f.critic(config.Optimiser)
	if err := config.Validate(); err != nil {
		return config, unusable(fmt.Errorf("training settings: %w", err))
	}
	return config, nil
}

// suits refuses fewer questions, of a step or of the probes (0 is none), than a call of the method takes.
func (f trainingFlags) suits(m grpo.Method, probes int) error {
	least := grpo.LeastQuestions(m)
	if f.Questions < least {
		return unusable(fmt.Errorf("--questions is %d, expected %d or more for %s", f.Questions, least, m.Name()))
	}
	if probes > 0 && probes < least {
		return unusable(fmt.Errorf("--probes is %d, expected 0, or %d or more for %s", probes, least, m.Name()))
	}
	return nil
}

// enough refuses a task with fewer training questions than a step takes, before anything is written.
func (f trainingFlags) enough(task *experiment.Task) error {
	if n := len(task.Train.Questions); n < f.Questions {
		return unusable(fmt.Errorf("--questions is %d, expected at most the %d training questions of %s", f.Questions, n, task.Name))
	}
	return nil
}

// learners returns a function that opens a learner holding the base policy, and a second model to measure the KL
// divergence from where the settings ask for one.
func (e *engine) learners(base experiment.Base, config grpo.Config) func(context.Context) (experiment.Learner, grpo.Scorer, func(), error) {
	return func(context.Context) (experiment.Learner, grpo.Scorer, func(), error) {
		learner, err := e.model(base)
		if err != nil {
			return nil, nil, nil, err
		}
		if config.Surrogate.KLCoef == 0 {
			return learner, nil, learner.Close, nil
		}
		reference, err := e.model(base)
		if err != nil {
			learner.Close()
			return nil, nil, nil, err
		}
		return learner, reference, func() { learner.Close(); reference.Close() }, nil
	}
}
