package sampled_test

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"searchrl/verify"
	"searchrl/verify/sampled"
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
	for _, claim := range sampled.Claims() {
		t.Run(claim.ID, func(t *testing.T) {
			start := time.Now()
			e, err := claim.Check(context.Background(), verify.Effort{Seed: seed(t)})
			require.NoError(t, err)
			t.Logf("%d samples, %d ms: %s; %s", e.Checks, time.Since(start).Milliseconds(), e.Worst, e.Power)
			if claim.ID == "sampled/transformer" { // another base policy may well violate the bound
				require.NotEqual(t, verify.Broken, e.Status, e.Worst)
			} else {
				require.Equal(t, verify.Holds, e.Status, e.Worst)
			}
			require.Positive(t, e.FalseAlarm)
			require.LessOrEqual(t, e.FalseAlarm, budget(claim.ID))
			require.NotEmpty(t, e.Power)
		})
	}
}

func TestMutants(t *testing.T) {
	for _, m := range sampled.Mutants() {
		check, caught, err := m.Catch(context.Background(), verify.Effort{Seed: seed(t)})
		require.NoError(t, err, m.ID)
		require.True(t, caught, "%s (%s) was not caught by %s", m.ID, m.Text, check)
	}
}

// budget is the rate that is stated for a claim.
func budget(id string) float64 {
	for _, c := range sampled.Budget() {
		if c.Check == id {
			return c.Rate
		}
	}
	return 0
}

// TestMeasuredRatio: the ratio of the report, and its interval, which covers the exact one for this seed.
func TestMeasuredRatio(t *testing.T) {
	r, err := sampled.MeasureRatio(context.Background(), verify.Effort{Seed: 1})
	require.NoError(t, err)
	t.Logf("%+v", r)
	require.Equal(t, 4, r.T)
	require.Less(t, r.CI.Low, r.CI.High)
	require.True(t, r.CI.Contains(r.Exact))
	require.True(t, r.CI.Contains(r.Measured))
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, claim := range sampled.Claims() {
		_, err := claim.Check(ctx, verify.Effort{Seed: 1})
		require.ErrorIs(t, err, context.Canceled, claim.ID)
	}
}
