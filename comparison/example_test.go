package comparison_test

import (
	"fmt"

	"searchrl/comparison"
	"searchrl/evaluate"
)

// Two methods, two seeds, the same two questions: the first method is right on both, the second on one of them.
func ExampleNewTable() {
	run := func(em ...float64) comparison.Run {
		return comparison.Run{Answers: []evaluate.Result{{ID: "p", EM: em[0]}, {ID: "q", EM: em[1]}}}
	}
	data := &comparison.Data{
		Methods: []string{"first", "second"}, Seeds: []uint64{0, 1},
		Runs: map[string][]comparison.Run{"first": {run(1, 1), run(1, 1)}, "second": {run(1, 0), run(0, 1)}},
	}
	table, err := comparison.NewTable(data, "second")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("first: EM %.2f, %+.2f against %s\n", table.Methods["first"].EMMean, table.AgainstBaseline[0].Mean, table.Baseline)
	// Output: first: EM 1.00, +0.50 against second
}
