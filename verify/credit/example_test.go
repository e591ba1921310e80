package credit_test

import (
	"context"
	"fmt"

	"searchrl/verify"
	"searchrl/verify/credit"
)

// What GiGPO cannot do: the claim is about a limit, and the check shows it.
func ExampleClaims() {
	for _, claim := range credit.Claims() {
		if claim.ID != "credit/gigpo-revisit" {
			continue
		}
		evidence, err := claim.Check(context.Background(), verify.Effort{Seed: 1})
		fmt.Println(evidence.Status, "–", evidence.Worst, err)
	}
	// Output: fails as stated – 0.125000 and 0.083333 for equal values <nil>
}
