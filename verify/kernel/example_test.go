package kernel_test

import (
	"context"
	"fmt"

	"searchrl/verify"
	"searchrl/verify/kernel"
)

// A planted fault and the check that catches it.
func ExampleMutants() {
	for _, m := range kernel.Mutants() {
		if m.ID != "truncated/leave-one-out" {
			continue
		}
		check, caught, err := m.Catch(context.Background(), verify.Effort{Seed: 1})
		fmt.Println(m.Text)
		fmt.Println(check, caught, err)
	}
	// Output:
	// the mean of the others as the baseline
	// kernel/truncated true <nil>
}
