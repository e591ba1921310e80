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

func TestStreams(t *testing.T) {
	drafts, streams := rollout.Streams(3, rng(1))
	want := rng(1)
	for i, stream := range streams {
		seed := want.Uint64()
		require.Equal(t, seed, drafts.Uint64())
		next := stream.Uint64()
		require.NotEqual(t, seed, next)
		_, later := rollout.Streams(1, rand.New(&rollout.Seeds{seed}))
		require.Equal(t, next, later[0].Uint64(), "stream %d depends on its own number alone", i)
	}
	require.Equal(t, want.Uint64(), func() uint64 { r := rng(1); rollout.Streams(3, r); return r.Uint64() }(), "a number a question")
}
