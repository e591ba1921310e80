package rollout_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/rollout"
)

func TestSeeds(t *testing.T) {
	seeds := rollout.Seeds{7, 5}
	rng := rand.New(&seeds)
	require.Equal(t, []uint64{7, 5, 0, 0}, []uint64{rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64()})
}
