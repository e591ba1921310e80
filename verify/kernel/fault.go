package kernel

import (
	"context"
	"slices"

	"searchrl/verify"
)

// fault is a wrong version of one kernel.
type fault struct {
	id, text string
	plant    func(k *Kernels)
}

// planted are the faults that one check must catch.
type planted struct {
	by     Check
	faults []fault
}

func allFaults() []planted {
	return slices.Concat(advantageFaults(), surrogateFaults(), targetFaults(), searchR1Faults(), estimatorFaults())
}

// Mutants lists the planted faults, each with the check that must catch it.
func Mutants() []verify.Mutant {
	var mutants []verify.Mutant
	for _, p := range allFaults() {
		for _, f := range p.faults {
			mutants = append(mutants, verify.Mutant{
				ID: f.id, Text: f.text,
				Catch: func(ctx context.Context, effort verify.Effort) (string, bool, error) {
					k := Real()
					f.plant(&k)
					evidence, err := p.by.Run(ctx, k, effort.Rand(0), p.by.Cases)
					return p.by.ID, evidence.Status == verify.Broken, err
				},
			})
		}
	}
	return mutants
}
