package likelihood_test

import (
	"fmt"

	"searchrl/likelihood"
)

// A name of four tokens whose first the policy does not know: with the head's weights that counts for more.
func ExampleOptions_Mean() {
	logProbs := []float64{-6, -.1, -.1, -.1}
	fmt.Printf("plain mean    %.2f\n", likelihood.Options{}.Mean(logProbs))
	fmt.Printf("head weighted %.2f\n", likelihood.Paper().Mean(logProbs))
	// Output:
	// plain mean    -1.57
	// head weighted -1.87
}
