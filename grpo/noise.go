package grpo

import (
	"context"
	"fmt"

	"searchrl/rollout"
)

// GradientMeter is a learner that can tell the norm of a gradient without taking a step. Package model implements it.
type GradientMeter interface {
	// GradNorm returns the global Euclidean norm of the surrogate's gradient over the batch.
	GradNorm(ctx context.Context, batch Batch, surrogate Surrogate) (float64, error)
}

// GradientNoise is how much of a step's gradient is chance: the choice of questions and what was sampled for them.
type GradientNoise struct {
	// Squared is |g|², the squared norm of the gradient of the whole step.
	Squared float64
	// Variance estimates tr Cov(g), the variance of g summed over its components.
	Variance float64
}

// halvesNoise returns the noise from three norms: of the gradient g = a + b and of its halves a and b, whose questions
// are different.
//
//	Variance = |a − b|² = 2|a|² + 2|b|² − |a + b|²
//
// Where g = Σ_i g_i over n independent questions, a and b have the same mean for even n and E|a − b|² = n·tr Cov(g_i) =
// tr Cov(g); for odd n it is larger by |E g|²/n². Only norms are needed, no gradient leaves the device.
//
// Source: the parallelogram identity; the estimator is the one of two halves (McCandlish et al., "An empirical model of
// large-batch training", 2018, appendix A.1, compares norms of a small and a large batch in the same spirit).
func halvesNoise(whole, a, b float64) GradientNoise {
	return GradientNoise{Squared: whole * whole, Variance: max(0, 2*a*a+2*b*b-whole*whole)}
}

// GradientNoise measures the noise of the gradient that the first optimiser step of a pass over all rollouts would have at
// the present weights. Every question keeps the weight that it has in the whole step. It computes two passes beside the
// training, which count nowhere, and changes nothing. ok is false where the learner cannot tell norms. Advantages that are
// standardised within a group, and weights that share out the loss over all tokens, make questions nearly but not quite
// independent terms.
func (t *Trainer) GradientNoise(ctx context.Context, rollouts *Rollouts) (noise GradientNoise, ok bool, err error) {
	meter, ok := t.learner.(GradientMeter)
	if !ok {
		return GradientNoise{}, false, nil
	}
	all := make([]int, len(rollouts.Trees))
	for i := range all {
		all[i] = i
	}
	batch, err := t.batch(ctx, rollouts.Trees, all)
	if err != nil {
		return GradientNoise{}, true, fmt.Errorf("step %d: the gradient's noise: %w", t.step+1, err)
	}
	inA := t.halve(batch.Trees)
	var norms [3]float64
	for i, part := range []func(Target) bool{
		func(Target) bool { return true },
		func(target Target) bool { return inA[batch.Trees[target.Tree].Question.ID] },
		func(target Target) bool { return !inA[batch.Trees[target.Tree].Question.ID] },
	} {
		if norms[i], err = gradNorm(ctx, meter, batch, part, t.config.Surrogate); err != nil {
			return GradientNoise{}, true, fmt.Errorf("step %d: the gradient's noise: %w", t.step+1, err)
		}
	}
	return halvesNoise(norms[0], norms[1], norms[2]), true, nil
}

// halve picks half of the trees' questions at random; the trees of one question stay together.
func (t *Trainer) halve(trees []*rollout.Tree) map[string]bool {
	var ids []string
	seen := map[string]bool{}
	for _, tree := range trees {
		if id := tree.Question.ID; !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	half := make(map[string]bool, len(ids)/2)
	for _, i := range t.stream(halving).Perm(len(ids))[:len(ids)/2] {
		half[ids[i]] = true
	}
	return half
}

// gradNorm returns the norm of the gradient of part of the batch, 0 for an empty part.
func gradNorm(ctx context.Context, meter GradientMeter, batch Batch, part func(Target) bool, surrogate Surrogate) (float64, error) {
	some := Batch{Trees: batch.Trees}
	for _, target := range batch.Targets {
		if part(target) {
			some.Targets = append(some.Targets, target)
		}
	}
	if len(some.Targets) == 0 {
		return 0, nil
	}
	return meter.GradNorm(ctx, compact(some), surrogate)
}
