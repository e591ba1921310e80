package experiment

import (
	"context"
	"fmt"
	"math/rand/v2"

	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/rollout"
)

// probeMoments are the shares of the budget at which the probing questions are asked.
var probeMoments = []float64{0, 0.5, 1}

// probeStream keeps the random numbers of probes apart from those of training and evaluation.
const probeStream = 1<<63 + 1

// prober asks a few training questions in the way that the method samples for training, and writes the trees down.
type prober struct {
	run       *Run
	trainer   *grpo.Trainer
	env       *rollout.Env
	questions []qa.Question
	moment    int // the next of probeMoments
}

func (r *Run) prober(trainer *grpo.Trainer, env *rollout.Env) *prober {
	p := &prober{run: r, trainer: trainer, env: env}
	if r.Folder != nil {
		p.questions = probeQuestions(r.Task.Train.Questions, r.Probes)
	}
	return p
}

// probeQuestions picks n questions, of different numbers of hops as far as there are such: the same for every method.
func probeQuestions(questions []qa.Question, n int) []qa.Question {
	var picked []qa.Question
	taken := map[string]bool{}
	for len(picked) < n {
		hops := map[int]bool{}
		before := len(picked)
		for _, q := range questions {
			if len(picked) < n && !taken[q.ID] && !hops[q.Hops] {
				hops[q.Hops], taken[q.ID] = true, true
				picked = append(picked, q)
			}
		}
		if len(picked) == before {
			break // there are no more
		}
	}
	return picked
}

// pass leaves the moments up to the share of the budget behind.
func (p *prober) pass(share float64) {
	for p.moment < len(probeMoments) && share >= probeMoments[p.moment] {
		p.moment++
	}
}

// at asks the questions if the share of the budget has come to the next moment. Random numbers are the same at each.
func (p *prober) at(ctx context.Context, steps int, share float64) error {
	if len(p.questions) == 0 || p.moment == len(probeMoments) || share < probeMoments[p.moment] {
		return nil
	}
	p.pass(share)
	rng := rand.New(rand.NewPCG(p.run.Config.Seed, probeStream))
	var trees []*rollout.Tree
	var err error
	if untrained, ok := p.run.Method.(grpo.Untrained); ok {
		trees, err = untrained.Act(ctx, p.env, p.questions, rollout.Sampling{}, rng)
	} else {
		trees, err = p.trainer.Probe(ctx, p.questions, rng)
	}
	if err != nil {
		return fmt.Errorf("asking the probing questions after step %d: %w", steps, err)
	}
	return p.run.Folder.WriteProbes(steps, trees)
}
