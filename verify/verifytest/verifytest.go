package verifytest

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/verify"
)

// Variable is the environment variable with the seed: a number, or "random" for a new one, as if it were not set.
const Variable = "SEARCHRL_SEED"

// Seed is the seed of the test's random numbers.
func Seed(t testing.TB) uint64 {
	t.Helper()
	text := os.Getenv(Variable)
	if text == "" || text == "random" {
		seed := rand.Uint64()
		t.Logf("%s=%d", Variable, seed)
		return seed
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, "%s is %q, expected a number or random", Variable, text)
	return seed
}

// Fixed says that a test takes the same numbers whatever the seed. It is skipped where a seed is asked for.
func Fixed(t testing.TB) {
	t.Helper()
	if os.Getenv(Variable) != "" {
		t.Skipf("%s is set, and this test does not depend on it", Variable)
	}
}

// Claims checks each claim: it must hold, or fail as stated if it is about a limit, on one check at least. It returns the
// evidence by ID.
func Claims(t *testing.T, claims []verify.Claim) map[string]verify.Evidence {
	t.Helper()
	seed, found := Seed(t), map[string]verify.Evidence{}
	for _, claim := range claims {
		t.Run(claim.ID, func(t *testing.T) {
			require.NotContains(t, found, claim.ID, "another claim has this ID")
			told := 0.0
			evidence, err := claim.Check(context.Background(), verify.Effort{Seed: verify.SeedOf(seed, claim.ID), Progress: func(share float64) {
				require.True(t, share >= told && share <= 1, "%v of the work is done after %v was", share, told)
				told = share
			}})
			require.NoError(t, err)
			require.NoError(t, claim.Sound(evidence))
			t.Logf("%s, %d checks, %s. %s", evidence.Status, evidence.Checks, evidence.Worst, evidence.Power)
			if evidence.Status == verify.Broken {
				for _, figure := range evidence.Figures {
					t.Log(figure.Title + "\n" + figure.Text)
				}
				t.Fatalf("broken: searchrl verify --seed %d --only %s", seed, claim.ID)
			}
			found[claim.ID] = evidence
		})
	}
	return found
}

// Mutants checks that each planted fault is caught by one of the claims.
func Mutants(t *testing.T, claims []verify.Claim, mutants []verify.Mutant) {
	t.Helper()
	known, seen := map[string]bool{}, map[string]bool{}
	for _, claim := range claims {
		known[claim.ID] = true
	}
	seed := Seed(t)
	for _, mutant := range mutants {
		require.False(t, seen[mutant.ID], "two faults are called %s", mutant.ID)
		seen[mutant.ID] = true
		check, caught, err := mutant.Catch(context.Background(), verify.Effort{Seed: verify.SeedOf(seed, mutant.ID)})
		require.NoError(t, err, mutant.ID)
		require.True(t, known[check], "%s is given to %q, expected a claim's ID", mutant.ID, check)
		require.True(t, caught, "%s did not catch %s (%s): searchrl verify --seed %d --only %s", check, mutant.ID, mutant.Text, seed, mutant.ID)
	}
	t.Logf("%d planted faults, all caught", len(seen))
}

// Cancelled checks that the claims' checks end with the context's error when it is cancelled.
func Cancelled(t *testing.T, claims []verify.Claim) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, claim := range claims {
		_, err := claim.Check(ctx, verify.Effort{})
		require.ErrorIs(t, err, context.Canceled, claim.ID)
	}
}
