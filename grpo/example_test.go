package grpo_test

import (
	"fmt"

	"searchrl/grpo"
)

// One of four trajectories answered correctly: it is pushed up three times as hard as each of the others is pushed down.
func ExampleGroupAdvantages() {
	for _, a := range grpo.GroupAdvantages([]float64{1, 0, 0, 0}, grpo.Standardised) {
		fmt.Printf("%+.3f\n", a)
	}
	for _, a := range grpo.GroupAdvantages([]float64{1, 1, 1, 1}, grpo.Standardised) {
		fmt.Printf("%+.3f\n", a)
	}
	// Output:
	// +1.500
	// -0.500
	// -0.500
	// -0.500
	// +0.000
	// +0.000
	// +0.000
	// +0.000
}
