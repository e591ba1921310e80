package main

import (
	"searchrl/baseline/searchr1"
	"searchrl/grpo"
	"searchrl/igsearch"
	"searchrl/likelihood"
)

// gainFlags are IG-Search's.
type gainFlags struct {
	Counterfactuals int     `name:"ig-counterfactuals" default:"3" help:"IG-Search: sets of other questions' documents that a search is compared with (N)."`
	Alpha           float64 `name:"ig-alpha" default:"0.3" help:"IG-Search: weight of a search's gain in the advantage of its query; 0 is Search-R1."`
	Clip            float64 `name:"ig-clip" default:"3" help:"IG-Search: gains count up to so many standard deviations (c)."`
	Form            string  `name:"ig-form" default:"additive" enum:"additive,multiplicative,gated" help:"IG-Search: how gains enter advantages: additive, multiplicative, or gated (positive ones in right trajectories only)."`
	Centre          string  `name:"ig-centre" default:"none" enum:"group,turn,batch,none" help:"IG-Search: gains are put against the mean of the question's searches (group), of those with the same number before them (turn), of the batch, or against none."`
	Scale           string  `name:"ig-scale" default:"batch" enum:"group,turn,batch" help:"IG-Search: gains are divided by the spread over the question's searches (group), those with the same number before them (turn), or the batch."`
	Floor           float64 `name:"ig-floor" default:"0" help:"IG-Search: the least that gains are divided by, in nats."`
	Opening         string  `name:"ig-opening" help:"IG-Search: text that a scored answer follows (default: the protocol's forced answer)."`
	HeadTokens      int     `name:"ig-head-tokens" default:"3" help:"IG-Search: tokens at an answer's beginning that weigh more."`
	HeadWeight      float64 `name:"ig-head-weight" default:"3" help:"IG-Search: their weight."`
	Aliases         int     `name:"ig-aliases" default:"0" help:"IG-Search: gold answers that are scored, the first ones; 0 for all."`
}

// igsearch makes IG-Search.
func (f methodFlags) igsearch() (grpo.Method, error) {
	return checked(igsearch.Method{
		Outcome:         searchr1.Method{Group: f.Group, Sampling: f.sampling(), Normalisation: grpo.Normalisation(f.Normalisation)},
		Counterfactuals: f.Counterfactuals,
		Likelihood:      likelihood.Options{Opening: f.Opening, HeadTokens: f.HeadTokens, HeadWeight: f.HeadWeight, MaxAliases: f.Aliases},
		Normalisation:   igsearch.Normalisation{Centre: igsearch.Set(f.Centre), Scale: igsearch.Set(f.Scale), Floor: f.Floor},
		Modulation:      igsearch.Modulation{Form: igsearch.Form(f.Form), Alpha: f.Alpha, Clip: f.Clip},
	})
}
