package estimator_test

import (
	"fmt"

	"searchrl/estimator"
	"searchrl/grpo"
)

// Two trajectories of two steps. The second one's first step was the better one, and its last step the worse one: only the
// estimators that look at steps can tell.
func ExampleRewardToGo() {
	rewards := [][]float64{{0, 2}, {1, 1}}
	fmt.Println("full      ", estimator.Full(rewards, grpo.MeanOnly))
	fmt.Println("to go     ", estimator.RewardToGo(rewards, grpo.MeanOnly))
	fmt.Println("first step", estimator.Truncated([]float64{rewards[0][0], rewards[1][0]}, grpo.MeanOnly))
	// Output:
	// full       [[0 0] [0 0]]
	// to go      [[0 0.5] [0 -0.5]]
	// first step [-0.5 0.5]
}

// Three candidates for one step, all of them bad: the group's mean reinforces the best of them, the fixed baseline none.
func ExampleAbsolute() {
	rewards := []float64{-1, -2, -2}
	fmt.Printf("group's mean %+.2f\n", estimator.Truncated(rewards, grpo.Standardised))
	fmt.Printf("absolute     %+.2f\n", estimator.Absolute(rewards, grpo.Standardised))
	// Output:
	// group's mean [+1.15 -0.58 -0.58]
	// absolute     [-0.58 -1.15 -1.15]
}

// Four candidates for one step, judged −1, 0, 0 and 1: the best one is the likeliest to be continued.
func ExampleSelection() {
	advantages := estimator.Truncated([]float64{-1, 0, 0, 1}, grpo.Standardised)
	p, err := estimator.Selection(advantages, 0.7)
	fmt.Printf("%.2f\n%.2f %v\n", advantages, p, err)
	// Output:
	// [-1.22 0.00 0.00 1.22]
	// [0.02 0.13 0.13 0.73] <nil>
}
