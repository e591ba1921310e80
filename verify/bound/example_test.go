package bound_test

import (
	"context"
	"fmt"

	"searchrl/verify"
	"searchrl/verify/bound"
)

// The smallest process with trajectories of one length on which whole trajectories have less variance than truncated steps.
func ExampleClaims() {
	for _, claim := range bound.Claims() {
		if claim.ID != "bound/negative-covariance" {
			continue
		}
		evidence, err := claim.Check(context.Background(), verify.Effort{Seed: 1})
		fmt.Println(evidence.Status, err)
		fmt.Println(evidence.Worst)
		fmt.Print(evidence.Figures[0].Text)
	}
	// Output:
	// fails as stated <nil>
	// ratio 0·T with total covariance -1/2
	// question
	// ├─ 1/2: reward 0
	// │  └─ 1: reward 1   G = 1
	// └─ 1/2: reward 1
	//    └─ 1: reward 0   G = 1
}
