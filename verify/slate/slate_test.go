package slate_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/verify"
	"searchrl/verify/slate"
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
	effort := verify.Effort{Seed: seed(t)}
	for _, claim := range slate.Claims() {
		e, err := claim.Check(context.Background(), effort)
		require.NoError(t, err, claim.ID)
		require.Equal(t, verify.Holds, e.Status, "%s: %s", claim.ID, e.Worst)
		require.Greater(t, e.Checks, 50, claim.ID)
		t.Logf("%-20s %4d cases, %s", claim.ID, e.Checks, e.Worst)
	}
}

// TestMutants: every planted fault is caught.
func TestMutants(t *testing.T) {
	effort := verify.Effort{Seed: seed(t)}
	for _, m := range slate.Mutants() {
		check, caught, err := m.Catch(context.Background(), effort)
		require.NoError(t, err, m.ID)
		require.True(t, caught, "%s (%s) was not caught by %s", m.ID, m.Text, check)
	}
}

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
