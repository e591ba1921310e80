package critic

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/grpo"
	"searchrl/rollout"
	"searchrl/verify"
	"searchrl/verify/verifytest"
)

func TestClaims(t *testing.T) {
	verifytest.Claims(t, Claims())
	require.GreaterOrEqual(t, recursion.Cases, 50000)
}

func TestMutants(t *testing.T) { verifytest.Mutants(t, Claims(), Mutants()) }

// TestFramesOfFaults: what the faults are planted in is right without them, so that it is the fault that is caught.
func TestFramesOfFaults(t *testing.T) {
	verifytest.Fixed(t)
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
			evidence, err := c.Run(context.Background(), k, verify.Effort{}.Rand(0), max(c.Cases/20, 20), nil)
			require.NoError(t, err)
			require.Equal(t, c.Status, evidence.Status, "%s: %s: %s", name, c.ID, evidence.Worst)
		}
	}
}

func TestCancelled(t *testing.T) { verifytest.Cancelled(t, Claims()) }
