package critic

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/grpo"
	"searchrl/rollout"
	"searchrl/verify"
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
	for i, claim := range Claims() {
		evidence, err := claim.Check(context.Background(), verify.Effort{Seed: seed(t)})
		require.NoError(t, err, claim.ID)
		require.Equal(t, Checks()[i].Status, evidence.Status, "%s: %s", claim.ID, evidence.Worst)
		require.Positive(t, evidence.Checks)
		t.Logf("%-34s %6d cases, worst %s", claim.ID, evidence.Checks, evidence.Worst)
	}
	require.GreaterOrEqual(t, recursion.Cases, 50000)
}

// TestMutants: every planted fault is caught.
func TestMutants(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Mutants() {
		require.False(t, seen[m.ID], "two mutants are called %s", m.ID)
		seen[m.ID] = true
		check, caught, err := m.Catch(context.Background(), verify.Effort{Seed: seed(t)})
		require.NoError(t, err, m.ID)
		require.True(t, caught, "%s (%s) was not caught by %s", m.ID, m.Text, check)
	}
	t.Logf("%d mutants, all caught", len(seen))
}

// TestFramesOfFaults: what the faults are planted in is right without them, so that it is the fault that is caught.
func TestFramesOfFaults(t *testing.T) {
	for name, plant := range map[string]func(*Kernels){
		"assignment": sound.plant,
		"steps":      soundSteps.plant,
		"graded":     graded(func(tree *rollout.Tree, i int) float64 { return tree.Trajectories[i].Reward }),
		"value loss": func(k *Kernels) {
			k.ValueLoss = each(func(l grpo.ValueLoss, t grpo.Target, v float64) (float64, float64) {
				u, slopes := l.Loss([]grpo.Target{t}, []float64{v})
				return u.Loss / t.Weight, slopes[0] / t.Weight
			})
		},
	} {
		k := Real()
		plant(&k)
		for _, c := range Checks() {
			evidence, err := c.Run(context.Background(), k, 1, max(c.Cases/20, 20), nil)
			require.NoError(t, err)
			require.Equal(t, c.Status, evidence.Status, "%s: %s: %s", name, c.ID, evidence.Worst)
		}
	}
}

// TestCancelled: a check that is cancelled says so.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := recursion.Run(ctx, Real(), 1, 10, nil)
	require.ErrorIs(t, err, context.Canceled)
}
