package kernel

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/grpo"
	"searchrl/rollout"
	"searchrl/verify"
	"searchrl/verify/verifytest"
)

// TestFramesOfFaults: what the faults are planted in is right without them, so that it is the fault that is caught.
func TestFramesOfFaults(t *testing.T) {
	verifytest.Fixed(t)
	for name, plant := range map[string]func(*Kernels){
		"group":     group{}.plant,
		"truncated": truncated(group{}),
		"choose":    choose(func(free, bounded float64) bool { return bounded < free }).plant,
		"kl":        kl(func(k grpo.KL, p, ref float64) (float64, float64) { return k.Estimate(p, ref) }),
		"losing":    losing{}.plant,
		"keep":      keep(func([]*rollout.Tree, grpo.Target) bool { return true }),
		"each":      each(func([]*rollout.Tree, *grpo.Target) {}),
		"inserted":  inserted(func(rollout.Kind) bool { return false }),
		"rebatch":   rebatch(func(*grpo.Batch, grpo.Surrogate) {}),
		"regraded":  regraded(func([]*rollout.Tree, grpo.Normalisation) {}),
		"full":      full(whole(func(row []float64, _ int) float64 { return from(row, 0, all) })),
		"to go":     togo(whole(func(row []float64, t int) float64 { return from(row, t, all) })),
	} {
		k := Real()
		plant(&k)
		for _, c := range Checks() {
			evidence, err := c.Run(context.Background(), k, verify.Effort{}.Rand(0), max(c.Cases/20, 20))
			require.NoError(t, err)
			require.Equal(t, verify.Holds, evidence.Status, "%s: %s: %s", name, c.ID, evidence.Worst)
		}
	}
}
