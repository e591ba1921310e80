package main

import (
	"searchrl/baseline/gigpo"
	"searchrl/baseline/igpo"
	"searchrl/baseline/mrsearch"
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

// mrsearchFlags are MR-Search's.
type mrsearchFlags struct {
	MrAttempts    int     `default:"2" help:"MR-Search: attempts in one context (N), at test too. The paper makes 3; the embedded policy has positions for 2."`
	MrDiscount    float64 `default:"1" help:"MR-Search: discount from attempt to attempt (gamma)."`
	MrImprovement float64 `default:"0" help:"MR-Search: reward of an attempt for what it adds to the one before (kappa)."`
	MrRepetition  float64 `default:"0" help:"MR-Search: penalty for giving the same answer again (lambda)."`
	MrReflection  string  `placeholder:"TEXT" help:"MR-Search: what is said between two attempts, with {question} for the question (default: the prompt again)."`
}

func (f methodFlags) mrsearch() (grpo.Method, error) {
	return checked(mrsearch.Method{
		Group: f.Group, Attempts: f.MrAttempts, Sampling: f.sampling(), Discount: f.MrDiscount,
		Improvement: f.MrImprovement, Repetition: f.MrRepetition, Reflection: f.MrReflection,
	})
}

// igpoFlags are IGPO's.
type igpoFlags struct {
	IgpoGamma float64 `default:"1" help:"IGPO: discount from turn to turn (gamma)."`
}

func (f methodFlags) igpo() (grpo.Method, error) {
	return checked(igpo.Method{Group: f.Group, Sampling: f.sampling(), Normalisation: grpo.Normalisation(f.Normalisation), Gamma: f.IgpoGamma})
}
