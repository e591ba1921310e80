package gain_test

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"searchrl/verify"
	"searchrl/verify/gain"
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
	limits := 0
	for _, claim := range gain.Claims() {
		start := time.Now()
		e, err := claim.Check(context.Background(), verify.Effort{Seed: seed(t)})
		require.NoError(t, err, claim.ID)
		if e.Status == verify.Limit {
			limits++
		} else {
			require.Equal(t, verify.Holds, e.Status, "%s: %s", claim.ID, e.Worst)
		}
		t.Logf("%-28s %6d checks %6d ms, %s", claim.ID, e.Checks, time.Since(start).Milliseconds(), e.Worst)
	}
	require.Equal(t, 2, limits)
}

// TestMutants: every planted fault is caught.
func TestMutants(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range gain.Mutants() {
		require.False(t, seen[m.ID], "two mutants are called %s", m.ID)
		seen[m.ID] = true
		check, caught, err := m.Catch(context.Background(), verify.Effort{Seed: seed(t)})
		require.NoError(t, err, m.ID)
		require.True(t, caught, "%s (%s) was not caught by %s", m.ID, m.Text, check)
	}
	t.Logf("%d mutants, all caught", len(seen))
}
