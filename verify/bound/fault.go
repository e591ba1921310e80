package bound

import (
	"context"
	"errors"
	"math"

	"searchrl/estimator"
	"searchrl/grpo"
	"searchrl/verify"
)

// fault is a wrong version of one estimator, with the claim that must catch it.
type fault struct {
	id, text, by string
	plant        func(e *Estimators)
}

// Mutants lists the planted faults.
func Mutants() []verify.Mutant {
	var mutants []verify.Mutant
	for _, f := range faults() {
		mutants = append(mutants, verify.Mutant{ID: "bound/" + f.id, Text: f.text,
			Catch: func(ctx context.Context, effort verify.Effort) (string, bool, error) {
				e := Real()
				f.plant(&e)
				effort.Long = false
				evidence, err := claimOf(e, f.by).Check(ctx, effort)
				return f.by, evidence.Status == verify.Broken, err
			}})
	}
	return mutants
}

// claimOf is the claim with the ID about the given estimators.
func claimOf(e Estimators, id string) verify.Claim {
	for _, claim := range ClaimsOf(e) {
		if claim.ID == id {
			return claim
		}
	}
	return verify.Claim{}
}

func faults() []fault {
	const factor, gradient, standardised, selection = "bound/group-factor", "bound/whole-trajectories-estimate-Q-minus-V", "bound/standardised", "bound/selection"
	return []fault{
		{"leave-one-out", "the mean of the others as the baseline of a step", factor, candidates(func(r []float64, norm grpo.Normalisation) []float64 {
			return scaled(estimator.Truncated(r, norm), float64(len(r))/float64(len(r)-1))
		})},
		{"no-baseline", "a step's own reward", factor, candidates(func(r []float64, _ grpo.Normalisation) []float64 { return r })},
		{"not-finite", "one advantage is not a number", factor, candidates(func(r []float64, _ grpo.Normalisation) []float64 {
			r[0] = math.NaN()
			return r
		})},
		{"sign", "the baseline minus the return", factor, full(negated)},
		{"full-for-to-go", "the full return for the reward to go", factor, func(e *Estimators) { e.RewardToGo = e.Full }},
		{"to-go-from-the-next-step", "the reward to go leaves out the step's own", gradient, func(e *Estimators) { e.RewardToGo = late }},
		{"sign-of-Q-minus-V", "the baseline minus the return, given prefix and action", gradient, full(negated)},
		{"immediate-for-return", "each step's own reward for the return", gradient, full(myopic)},
		{"std-with-n", "the standard deviation of a step has n in the denominator", standardised, candidates(func(r []float64, norm grpo.Normalisation) []float64 {
			return scaled(estimator.Truncated(r, norm), math.Sqrt(float64(len(r))/float64(len(r)-1)))
		})},
		{"full-not-standardised", "standardised is ignored for whole trajectories", standardised, full(func(r [][]float64, _ grpo.Normalisation) [][]float64 {
			return estimator.Full(r, grpo.MeanOnly)
		})},
		{"step-not-standardised", "standardised is ignored at a prefix", standardised, candidates(func(r []float64, _ grpo.Normalisation) []float64 {
			return estimator.Truncated(r, grpo.MeanOnly)
		})},
		{"eta-inverted", "η for 1/η in the selection", selection, selecting(func(a []float64, eta float64) ([]float64, error) { return estimator.Selection(a, 1/eta) })},
		{"best-selected", "the best candidate is selected always", selection, selecting(func(a []float64, _ float64) ([]float64, error) { return estimator.Selection(a, 0) })},
		{"selection-fails", "there is no selection", selection, selecting(func([]float64, float64) ([]float64, error) { return nil, errors.New("no") })},
	}
}

func candidates(f func(rewards []float64, norm grpo.Normalisation) []float64) func(*Estimators) {
	return func(e *Estimators) { e.Truncated = f }
}

func full(f func(rewards [][]float64, norm grpo.Normalisation) [][]float64) func(*Estimators) {
	return func(e *Estimators) { e.Full = f }
}

func selecting(f func(advantages []float64, eta float64) ([]float64, error)) func(*Estimators) {
	return func(e *Estimators) { e.Selection = f }
}

func scaled(xs []float64, by float64) []float64 {
	for i := range xs {
		xs[i] *= by
	}
	return xs
}

func negated(rewards [][]float64, norm grpo.Normalisation) [][]float64 {
	rows := estimator.Full(rewards, norm)
	for _, row := range rows {
		scaled(row, -1)
	}
	return rows
}

// late takes the rewards after the step.
func late(rewards [][]float64, norm grpo.Normalisation) [][]float64 {
	moved := make([][]float64, len(rewards))
	for i, row := range rewards {
		moved[i] = append(append([]float64(nil), row[1:]...), 0)
	}
	return estimator.RewardToGo(moved, norm)
}

// myopic centres each step's own rewards over whole trajectories.
func myopic(rewards [][]float64, norm grpo.Normalisation) [][]float64 {
	out := make([][]float64, len(rewards))
	for i := range out {
		out[i] = make([]float64, len(rewards[i]))
	}
	for t := range rewards[0] {
		column := make([]float64, len(rewards))
		for i := range rewards {
			column[i] = rewards[i][t]
		}
		for i, a := range estimator.Truncated(column, norm) {
			out[i][t] = a
		}
	}
	return out
}
