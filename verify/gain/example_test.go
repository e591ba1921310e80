package gain_test

import (
	"context"
	"fmt"

	"searchrl/verify"
	"searchrl/verify/gain"
)

// Where the gain misleads: an answer that is likely after any documents.
func ExampleClaims() {
	for _, claim := range gain.Claims() {
		if claim.ID != "gain/likely-anyway" {
			continue
		}
		evidence, err := claim.Check(context.Background(), verify.Effort{Seed: 1})
		fmt.Println(evidence.Status, err)
		fmt.Print(evidence.Figures[0].Text)
	}
	// Output:
	// fails as stated <nil>
	// search    V after   exp ℓ after   gain
	// useful     1.00      0.90          -0.033
	// useless    0.50      0.95          +0.021
}
