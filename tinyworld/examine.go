package tinyworld

import (
	"context"
	"fmt"
	"math/rand/v2"

	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
)

// Report is how a policy does on questions of a world.
type Report struct {
	EM                float64 // share of trajectories with the right answer
	Answered          float64 // share that ended with an answer
	Invalid           float64 // share that ended with an invalid step
	Turns, Searches   float64 // mean of a trajectory
	SampledTokens     float64 // mean of a trajectory
	SampledStepTokens float64 // mean of a step
	Tokens            float64 // mean of a trajectory, prompt and documents included
	Trees             []*rollout.Tree
}

// Examine puts a policy to g trajectories of each of the first n questions of a world.
func Examine(ctx context.Context, w *World, policy rollout.Policy, n, g int, sampling rollout.Sampling) (*Report, error) {
	tok, err := Tokenizer(w.Level())
	if err != nil {
		return nil, err
	}
	searcher, err := retrieval.NewBM25(w.Documents())
	if err != nil {
		return nil, fmt.Errorf("tinyworld: indexing the world: %w", err)
	}
	env := rollout.Env{Policy: policy, Searcher: searcher, Tokenizer: tok, Protocol: Protocol(w.Level())}
	questions := w.Questions(rand.New(rand.NewPCG(w.Seed(), 2)), n)
	trees, err := env.Rollout(ctx, questions, g, sampling, rand.New(rand.NewPCG(w.Seed(), 3)))
	if err != nil {
		return nil, err
	}
	return grade(trees), nil
}

func grade(trees []*rollout.Tree) *Report {
	r := &Report{Trees: trees}
	all := 0.0
	for _, tree := range trees {
		for _, t := range tree.Trajectories {
			all++
			switch t.End {
			case rollout.Answered:
				r.Answered++
				r.EM += qa.ExactMatch(t.Answer, tree.Question.Answers)
			case rollout.InvalidAction:
				r.Invalid++
			}
			r.Turns += float64(t.Turns)
			r.Searches += float64(t.Searches)
			for _, s := range tree.Path(t.Leaf) {
				r.Tokens += float64(len(tree.Segments[s].Tokens))
				if tree.Segments[s].Sampled() {
					r.SampledTokens += float64(len(tree.Segments[s].Tokens))
				}
			}
		}
	}
	r.SampledStepTokens = r.SampledTokens / max(r.Turns, 1)
	for _, x := range []*float64{&r.EM, &r.Answered, &r.Invalid, &r.Turns, &r.Searches, &r.SampledTokens, &r.Tokens} {
		*x /= max(all, 1)
	}
	return r
}
