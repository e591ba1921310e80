package gain_test

import (
	"testing"

	"searchrl/verify/gain"
	"searchrl/verify/verifytest"
)

func TestClaims(t *testing.T) { verifytest.Claims(t, gain.Claims()) }

func TestMutants(t *testing.T) { verifytest.Mutants(t, gain.Claims(), gain.Mutants()) }
