package credit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/verify"
	"searchrl/verify/credit"
	"searchrl/verify/verifytest"
)

func TestClaims(t *testing.T) {
	found, cases := verifytest.Claims(t, credit.Claims()), 0
	for _, claim := range credit.Claims() {
		if claim.Layer == verify.Kernel {
			cases += found[claim.ID].Checks
		}
	}
	require.GreaterOrEqual(t, cases, 50000)
}

func TestMutants(t *testing.T) { verifytest.Mutants(t, credit.Claims(), credit.Mutants()) }
