package credit_test

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/verify"
	"searchrl/verify/credit"
)

// seed is 1 unless SEARCHRL_SEED names another one, or "random".
func seed(t testing.TB) uint64 {
	switch s := os.Getenv("SEARCHRL_SEED"); s {
	case "":
		return 1
	case "random":
		n := rand.Uint64()
		t.Logf("SEARCHRL_SEED=%d", n)
		return n
	default:
		n, err := strconv.ParseUint(s, 10, 64)
		require.NoError(t, err, "SEARCHRL_SEED")
		return n
	}
}

func TestClaims(t *testing.T) {
	kernel := 0
	for _, claim := range credit.Claims() {
		evidence, err := claim.Check(context.Background(), verify.Effort{Seed: seed(t)})
		require.NoError(t, err, claim.ID)
		require.NotEqual(t, verify.Broken, evidence.Status, "%s: %s", claim.ID, evidence.Worst)
		t.Logf("%-30s %6d checks, worst %s", claim.ID, evidence.Checks, evidence.Worst)
		if claim.Layer == verify.Kernel {
			kernel += evidence.Checks
		}
	}
	require.GreaterOrEqual(t, kernel, 50000)
}

// TestMutants: every planted fault is caught.
func TestMutants(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range credit.Mutants() {
		require.False(t, seen[m.ID], "two mutants are called %s", m.ID)
		seen[m.ID] = true
		check, caught, err := m.Catch(context.Background(), verify.Effort{Seed: seed(t)})
		require.NoError(t, err, m.ID)
		require.True(t, caught, "%s (%s) was not caught by %s", m.ID, m.Text, check)
	}
	require.GreaterOrEqual(t, len(seen), 20)
}
