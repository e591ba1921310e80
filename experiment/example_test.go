package experiment_test

import (
	"fmt"

	"searchrl/experiment"
)

func ExampleParseBudget() {
	budget, err := experiment.ParseBudget("tokens=40000")
	if err != nil {
		fmt.Println(err)
		return
	}
	for steps, tokens := range []int{0, 18_000, 41_000} {
		fmt.Printf("%s, %d steps: %.2f of it\n", budget, steps, budget.Done(steps, tokens, 0))
	}
	// Output:
	// tokens=40000, 0 steps: 0.00 of it
	// tokens=40000, 1 steps: 0.45 of it
	// tokens=40000, 2 steps: 1.02 of it
}
