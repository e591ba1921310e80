package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"searchrl/grpo"
	"searchrl/judge"
	"searchrl/judge/tinyjudge"
	"searchrl/qa"
	"searchrl/refiner"
	"searchrl/rollout"
	"searchrl/tinyworld"
)

// refinerFlags are Search-R2's.
type refinerFlags struct {
	Rounds    int    `default:"1" help:"Search-R2: most revisions of a trajectory (N_max)."`
	Process   string `default:"judge" enum:"judge,density,none" help:"Search-R2: who says which searches were useful: the judge of --judge (the embedded world's exact one, or openai), evidence that is new (density), or nobody (none: plain EM)."`
	Discarded string `default:"prefix" enum:"none,prefix,all" help:"Search-R2: what of a revised trajectory is trained besides its new suffix: nothing, the kept prefix, or what was cut off, too (all)."`
	Gain      bool   `name:"refine-gain" help:"Search-R2: credit decisions with R(final) - R(draft)."`
	Terms     bool   `name:"refine-terms" default:"true" negatable:"" help:"Search-R2: score decisions while training, to estimate the three terms of the theory."`
	refineActFlags
}

// refineActFlags say how Search-R2 answers questions.
type refineActFlags struct {
	Threshold float64 `default:"0.5" help:"Search-R2: acceptance threshold tau when questions are answered."`
	Suffix    string  `default:"same" enum:"same,greedy,sampled" help:"Search-R2: how suffixes are sampled when questions are answered: as the draft, greedily (which after a greedy draft gives the draft again), or at temperature 1."`
}

// refineVariant says what of Search-R2 is switched off or exchanged.
type refineVariant int

const (
	refineFrozen  refineVariant = 1 << iota // the refiner is not trained
	refineOutcome                           // no process reward
	refineOracle                            // the embedded world's exact judge reviews the drafts
	refineFull    refineVariant = 0
)

// refine makes Search-R2 or one of its variants.
func (f methodFlags) refine(task taskFlags, variant refineVariant) (grpo.Method, error) {
	m := refiner.Method{
		Group: f.Group, Sampling: f.sampling(), Normalisation: grpo.Normalisation(f.Normalisation), Rounds: f.Rounds,
		Discarded: refiner.Discarded(f.Discarded), Gain: f.Gain, Terms: f.Terms, Frozen: variant&refineFrozen != 0,
		Threshold: f.Threshold, Suffix: refiner.Suffix(f.Suffix),
	}
	var err error
	switch {
	case variant&refineOutcome != 0, f.Process == "none":
	case f.Process == "density":
		m.Process = judge.Density{}
	default:
		m.Process, err = f.assessor(task)
	}
	if err == nil && variant&refineOracle != 0 {
		m.Reviewer, err = oracle(task)
	}
	if err != nil {
		return nil, err
	}
	return checked(m)
}

// askRefineFlags let ask review its answer.
type askRefineFlags struct {
	Refine    bool    `help:"Review the draft and, if it is not accepted, do its end again, as Search-R2 does."`
	Threshold float64 `default:"0.5" help:"Acceptance threshold tau."`
	Suffix    string  `default:"sampled" enum:"same,greedy,sampled" help:"How the new end is sampled: as the draft, greedily, or at temperature 1."`
}

// method is Search-R2 as the flags say.
func (f askRefineFlags) method() (refiner.Method, error) {
	m := refiner.Paper(nil)
	m.Threshold, m.Suffix = f.Threshold, refiner.Suffix(f.Suffix)
	return m, unusable(m.Validate())
}

// refineAloud answers as Search-R2 does and tells of the draft, the decision, and what came after what was kept.
func refineAloud(ctx context.Context, m refiner.Method, env *rollout.Env, question qa.Question, sampling rollout.Sampling, rng *rand.Rand, tell *teller) (*rollout.Tree, error) {
	trees, err := m.Act(ctx, env, []qa.Question{question}, sampling, rng)
	if err != nil {
		return nil, err
	}
	tell.tree(trees[0]) // its segments are in the order in which they came
	return trees[0], nil
}

// assessor makes who scores retrieved sets for the task's training questions.
func (f methodFlags) assessor(task taskFlags) (judge.Assessor, error) {
	j, err := f.exact(task)
	if err != nil {
		return nil, err
	}
	assessor, ok := j.(judge.Assessor)
	if !ok {
		return nil, unusable(fmt.Errorf("--judge %s cannot say which searches were useful; expected tinyworld or openai, or --process density or none", f.Judge))
	}
	return assessor, nil
}

// oracle is the embedded world's exact judge as a reviewer.
func oracle(task taskFlags) (refiner.Reviewer, error) {
	own, err := task.own()
	if err != nil {
		return nil, err
	}
	if own {
		return nil, unusable(errors.New("search-r2-oracle knows the embedded world alone"))
	}
	world, err := tinyworld.New(tinyworld.Level(task.Level), tinyworld.Seed(tinyworld.Train, 0))
	if err != nil {
		return nil, fmt.Errorf("drawing the reviewer's world: %w", err)
	}
	return tinyjudge.New(world), nil
}
