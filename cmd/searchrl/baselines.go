package main

import (
	"searchrl/baseline/gigpo"
	"searchrl/grpo"
)

// gigpoFlags are GiGPO's.
type gigpoFlags struct {
	GigpoOmega      float64 `default:"1" help:"GiGPO: weight of the step advantage (omega)."`
	GigpoGamma      float64 `default:"0.95" help:"GiGPO: discount of a step's return (gamma)."`
	GigpoSimilarity float64 `default:"1" help:"GiGPO: how similar two observations must be to share a group; 1 is equal."`
	GigpoPerStep    bool    `help:"GiGPO: count an episode once for each of its steps in the statistics of its group, as the released code does."`
}

func (f methodFlags) gigpo() (grpo.Method, error) {
	return checked(gigpo.Method{Group: f.Group, Sampling: f.sampling(), Credit: gigpo.Credit{
		Omega: f.GigpoOmega, Gamma: f.GigpoGamma, Normalisation: grpo.Normalisation(f.Normalisation),
		Similarity: f.GigpoSimilarity, PerStep: f.GigpoPerStep,
	}})
}
