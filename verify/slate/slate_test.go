package slate_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/verify"
	"searchrl/verify/slate"
	"searchrl/verify/verifytest"
)

func TestClaims(t *testing.T) {
	for id, evidence := range verifytest.Claims(t, slate.Claims()) {
		require.Greater(t, evidence.Checks, 50, id)
	}
}

func TestMutants(t *testing.T) { verifytest.Mutants(t, slate.Claims(), slate.Mutants()) }

func ExampleMutants() {
	for _, m := range slate.Mutants() {
		if m.ID != "slate/all-searched" {
			continue
		}
		check, caught, err := m.Catch(context.Background(), verify.Effort{Seed: 1})
		fmt.Println(m.Text, "→", check, caught, err)
	}
	// Output: every candidate's search is executed → slate/retrievals true <nil>
}
