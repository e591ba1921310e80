package refiner_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
	"searchrl/grpo"
	"searchrl/plain"
	"searchrl/refiner"
	"searchrl/rollout"
	"searchrl/tinyworld"
)

// The decision reads its draft, and the suffix continues the kept prefix, with the keys and values that sampling left: no token
// of the trees is put through the transformer twice, and beside them only the decisions that are scored. Without a cache each call
// begins at the question. The result is the same, bit for bit.
func TestNothingIsComputedTwice(t *testing.T) {
	env, _, world := embedded(t)
	files, err := tinyworld.Base(tinyworld.Standard)
	require.NoError(t, err)
	config, weights, err := checkpoint.Load(files)
	require.NoError(t, err)
	questions := world.Questions(rand.New(rand.NewPCG(1, 1)), 2)
	m := method(world)
	m.Terms = true
	collect := func(cache int64) (trees []*rollout.Tree, computed, expected int) {
		policy, err := plain.New(config, weights, env.Tokenizer, plain.WithPrefixCache(cache))
		require.NoError(t, err)
		env.Policy = policy
		trees, metrics, err := m.Collect(context.Background(), env, questions, seeded())
		require.NoError(t, err)
		require.Positive(t, metrics[refiner.MetricDiscarded])
		for _, tree := range trees {
			total := tree.Total()
			expected += total.Sampled + total.Inserted
		}
		return trees, int(policy.Computed()), expected + int(metrics[grpo.MetricScoredTokens])
	}
	trees, computed, expected := collect(plain.DefaultPrefixCache)
	require.LessOrEqual(t, computed, expected)
	anew, computed, expected := collect(0)
	require.Greater(t, computed, 2*expected)
	require.Equal(t, anew, trees)
}
