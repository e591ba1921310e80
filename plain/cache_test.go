package plain_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/plain"
	"searchrl/rollout"
)

// generate runs the requests and returns the samples with the number of tokens that were computed for them.
func generate(t *testing.T, m *plain.Model, reqs ...rollout.GenerateRequest) ([][]rollout.Completion, int) {
	before := m.Computed()
	out, err := m.Generate(context.Background(), reqs)
	require.NoError(t, err)
	return out, int(m.Computed() - before)
}

func request(prefix []int, n int) rollout.GenerateRequest {
	return rollout.GenerateRequest{Prefix: prefix, N: n, MaxTokens: 20, Sampling: rollout.Sampling{Temperature: 1}}
}

// What is computed: a shared prefix once, and of every sample all tokens but the last.
func TestSharedPrefixIsComputedOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	prefix := randomTokens(rng, 150, small.VocabSize)
	t.Run("samples of a request", func(t *testing.T) {
		_, computed := generate(t, newSmall(t, nil), request(prefix, 5))
		require.Equal(t, 150+5*19, computed)
	})
	t.Run("equal prefixes", func(t *testing.T) {
		_, computed := generate(t, newSmall(t, nil), request(prefix, 2), request(slices.Clone(prefix), 3))
		require.Equal(t, 150+5*19, computed)
	})
	t.Run("prefixes that begin alike share whole blocks, without any cache", func(t *testing.T) {
		m := newSmall(t, nil, plain.WithPrefixCache(0))
		_, computed := generate(t, m, request(slices.Concat(prefix, []int{1}), 1), request(slices.Concat(prefix, []int{2}), 1),
			request(prefix[:140], 1))
		require.Equal(t, 2*plain.BlockSize+2*(151-2*plain.BlockSize)+(140-2*plain.BlockSize)+3*19, computed)
	})
	t.Run("targets of a score request", func(t *testing.T) {
		m := newSmall(t, nil)
		_, err := m.Score(context.Background(), []rollout.ScoreRequest{{Prefix: prefix, Targets: [][]int{{1, 2, 3}, {4, 5}}}})
		require.NoError(t, err)
		require.EqualValues(t, 150+2+1, m.Computed())
	})
}

// The next turn of an agent finds its past in the cache, its own sampled step included.
func TestNextTurnComputesNewTokensOnly(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	m := newSmall(t, nil)
	prefix := randomTokens(rng, 150, small.VocabSize)
	out, _ := generate(t, m, request(prefix, 3))
	documents := randomTokens(rng, 50, small.VocabSize)
	for _, c := range out[0] {
		_, computed := generate(t, m, request(slices.Concat(prefix, c.Tokens, documents), 1))
		require.Equal(t, 1+50+19, computed) // the step's last token was never an input before
	}
	// Again: only the last token, for its logits.
	_, computed := generate(t, m, request(slices.Concat(prefix, out[0][0].Tokens, documents), 1))
	require.Equal(t, 1+19, computed)
}

func TestPrefixCacheIsBounded(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const blocks = 10
	m := newSmall(t, nil, plain.WithPrefixCache(blocks*plain.CacheBlockBytes(small)))
	for range 20 {
		generate(t, m, request(randomTokens(rng, 1+rng.IntN(300), small.VocabSize), 2))
		require.LessOrEqual(t, m.CachedBlocks(), int64(blocks))
		require.Equal(t, m.CachedBlocks(), m.CountCachedBlocks())
	}
	require.Positive(t, m.CachedBlocks())
	m = newSmall(t, nil, plain.WithPrefixCache(0))
	generate(t, m, request([]int{1}, 1))
	require.Zero(t, m.CachedBlocks())
}

// Prefixes that meet the edges of blocks: one that ends where a shared block ends, and equal blocks after different ones.
func TestBlockEdges(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	a, b, c := randomTokens(rng, plain.BlockSize, 700), randomTokens(rng, plain.BlockSize, 700), randomTokens(rng, plain.BlockSize, 700)
	for _, prefixes := range [][][]int{
		{slices.Concat(a, b, c[:1]), a, slices.Concat(a, b)},
		{a, slices.Concat(a, b), slices.Concat(a, b, c[:1])},
		{slices.Concat(a, c, b[:2]), slices.Concat(b, c, b[:2]), slices.Concat(c, b[:2])},
		{slices.Concat(a, a, a), slices.Concat(a, a, a[:63]), a[:63], slices.Concat(a, a[:1])},
	} {
		var reqs []rollout.GenerateRequest
		var want [][]rollout.Completion
		for _, prefix := range prefixes {
			reqs = append(reqs, request(prefix, 2))
			alone, _ := generate(t, newSmall(t, nil), request(prefix, 2))
			want = append(want, alone[0])
		}
		got, _ := generate(t, newSmall(t, nil, plain.WithPrefixCache(0)), reqs...)
		require.Equal(t, want, got)
	}
}

// The blocks that were used last stay.
func TestEvictionKeepsWhatWasUsedLast(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	m := newSmall(t, nil, plain.WithPrefixCache(8*plain.CacheBlockBytes(small)))
	hot := randomTokens(rng, 100, small.VocabSize)
	generate(t, m, request(hot, 1))
	for range 20 {
		generate(t, m, request(randomTokens(rng, 40, small.VocabSize), 1))
		_, computed := generate(t, m, request(hot, 1))
		require.Equal(t, 1+19, computed)
	}
}
