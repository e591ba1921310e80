package sampled_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/verify"
	"searchrl/verify/sampled"
	"searchrl/verify/verifytest"
)

func TestClaims(t *testing.T) {
	for id, evidence := range verifytest.Claims(t, sampled.Claims()) {
		require.NotEmpty(t, evidence.Power, id)
	}
}

func TestMutants(t *testing.T) { verifytest.Mutants(t, sampled.Claims(), sampled.Mutants()) }

// TestMeasuredRatio: the ratio of the report, and its interval, which covers the exact one for this seed.
func TestMeasuredRatio(t *testing.T) {
	verifytest.Fixed(t)
	r, err := sampled.MeasureRatio(context.Background(), verify.Effort{Seed: 1})
	require.NoError(t, err)
	t.Logf("%+v", r)
	require.Equal(t, 4, r.T)
	require.Less(t, r.CI.Low, r.CI.High)
	require.True(t, r.CI.Contains(r.Exact))
	require.True(t, r.CI.Contains(r.Measured))
}

func TestCancelled(t *testing.T) { verifytest.Cancelled(t, sampled.Claims()) }
