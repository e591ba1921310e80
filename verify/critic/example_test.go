package critic_test

import (
	"context"
	"fmt"

	"searchrl/verify"
	"searchrl/verify/critic"
)

// The limit that the methods' λ = 1 avoids: what a wrong critic does to the policy gradient when it is trusted.
func ExampleClaims() {
	for _, claim := range critic.Claims() {
		if claim.ID != "critic/lambda-below-one-biased" {
			continue
		}
		evidence, err := claim.Check(context.Background(), verify.Effort{Seed: 1})
		fmt.Println(evidence.Status, err)
		fmt.Println(evidence.Worst)
	}
	// Output:
	// fails as stated <nil>
	// λ = 1: +1/4 (right), λ = 1/2: 0, λ = 0: −1/4
}
