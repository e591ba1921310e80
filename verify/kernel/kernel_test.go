package kernel_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/verify/kernel"
	"searchrl/verify/verifytest"
)

func TestClaims(t *testing.T) {
	cases := 0
	for _, evidence := range verifytest.Claims(t, kernel.Claims()) {
		cases += evidence.Checks
	}
	require.GreaterOrEqual(t, cases, 50000)
}

func TestMutants(t *testing.T) {
	verifytest.Mutants(t, kernel.Claims(), kernel.Mutants())
	require.GreaterOrEqual(t, len(kernel.Mutants()), 40)
}
