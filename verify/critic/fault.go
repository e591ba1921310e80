package critic

import (
	"context"

	"searchrl/verify"
)

// fault is a wrong version of one kernel, with the check that must catch it.
type fault struct {
	by       Check
	id, text string
	plant    func(k *Kernels)
}

// Mutants lists the planted faults.
func Mutants() []verify.Mutant {
	var mutants []verify.Mutant
	for _, list := range [][]fault{advantageFaults(), assignmentFaults(), rewardFaults()} {
		for _, f := range list {
			mutants = append(mutants, verify.Mutant{
				ID: "critic/" + f.id, Text: f.text,
				Catch: func(ctx context.Context, effort verify.Effort) (string, bool, error) {
					k := Real()
					f.plant(&k)
					evidence, err := f.by.Run(ctx, k, effort.Rand(0), f.by.Cases, nil)
					return f.by.ID, evidence.Status == verify.Broken, err
				},
			})
		}
	}
	return mutants
}
