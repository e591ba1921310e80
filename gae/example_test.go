package gae_test

import (
	"fmt"

	"searchrl/gae"
)

// Three tokens, a reward at the end, and a critic that grows more hopeful. λ says how far the surprise of the last token (it
// had expected 0.6) reaches back; with λ = 1 each token is compared with what was expected before it.
func ExampleAdvantages() {
	rewards, values := []float64{0, 0, 1}, []float64{0.2, 0.4, 0.6}
	for _, lambda := range []float64{0, 0.5, 1} {
		fmt.Printf("λ = %.1f: %+.2f\n", lambda, gae.Advantages(rewards, values, 1, lambda))
	}
	// Output:
	// λ = 0.0: [+0.20 +0.20 +0.40]
	// λ = 0.5: [+0.40 +0.40 +0.40]
	// λ = 1.0: [+0.80 +0.60 +0.40]
}
