package sampling_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/rollout"
	"searchrl/sampling"
)

// distribution is the definition in the package comment, spelled out: sort, cut, renormalise.
func distribution(logits []float32, s rollout.Sampling) []float64 {
	p := make([]float64, len(logits))
	ids := make([]int, len(logits))
	for i, l := range logits {
		p[i] = math.Exp(float64(l-slices.Max(logits)) / s.Temperature)
		ids[i] = i
	}
	slices.SortStableFunc(ids, func(a, b int) int {
		switch {
		case p[a] > p[b]:
			return -1
		case p[a] < p[b]:
			return 1
		}
		return 0
	})
	normalise := func() {
		sum := 0.0
		for _, v := range p {
			sum += v
		}
		for i := range p {
			p[i] /= sum
		}
	}
	if s.TopK > 0 && s.TopK < len(ids) {
		for _, id := range ids[s.TopK:] {
			p[id] = 0
		}
	}
	normalise()
	if s.TopP > 0 && s.TopP < 1 {
		sum := 0.0
		for _, id := range ids {
			if sum >= s.TopP-1e-12 && sum > 0 {
				p[id] = 0
			}
			sum += p[id]
		}
	}
	normalise()
	return p
}

// fine makes logits whose ties are exact, and whose cumulative sums stay clear of the top-p used.
func fine(t *rapid.T) ([]float32, rollout.Sampling) {
	logits := make([]float32, rapid.IntRange(1, 30).Draw(t, "vocabulary"))
	for i := range logits {
		logits[i] = float32(rapid.IntRange(-12, 12).Draw(t, "logit")) / 4
	}
	return logits, rollout.Sampling{
		Temperature: rapid.SampledFrom([]float64{0.3, 0.7, 1, 1.5}).Draw(t, "temperature"),
		TopK:        rapid.IntRange(0, 32).Draw(t, "top-k"),
		TopP:        rapid.SampledFrom([]float64{0, 0.1003, 0.3337, 0.7001, 0.9009, 1}).Draw(t, "top-p"),
	}
}

// Every drawn token has the log-probability that the definition gives, and tokens that are cut are never drawn.
func TestLogProbIsThatOfTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logits, s := fine(t)
		want := distribution(logits, s)
		sampler, err := sampling.New(s)
		require.NoError(t, err)
		rng := sampling.Stream(rapid.Uint64().Draw(t, "seed"), 0)
		for range 20 {
			id, logprob := sampler.Draw(logits, rng)
			require.Positive(t, want[id], "token %d was cut", id)
			require.InDelta(t, math.Log(want[id]), logprob, 1e-9)
		}
	})
}

// The draws follow the definition: a chi-square statistic far below any alarm (fixed seed).
func TestFrequencies(t *testing.T) {
	logits := []float32{0, 1, 2, 2, -1, 0.5, 1.5, -3}
	for _, s := range []rollout.Sampling{
		{Temperature: 1}, {Temperature: 0.5}, {Temperature: 2, TopK: 3}, {Temperature: 1, TopP: 0.7},
		{Temperature: 1.5, TopK: 5, TopP: 0.8},
	} {
		t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) {
			want := distribution(logits, s)
			sampler, err := sampling.New(s)
			require.NoError(t, err)
			rng := sampling.Stream(1, 2)
			const draws = 200_000
			count := make([]int, len(logits))
			for range draws {
				id, _ := sampler.Draw(logits, rng)
				count[id]++
			}
			chi2 := 0.0
			for id, p := range want {
				if p == 0 {
					require.Zero(t, count[id])
					continue
				}
				chi2 += math.Pow(float64(count[id])-p*draws, 2) / (p * draws)
			}
			require.Less(t, chi2, 30.0) // 7 degrees of freedom: p < 1e-4
		})
	}
}

func TestLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logits, s := fine(t)
		rng := rand.New(rand.NewPCG(1, 1))
		draw := func(s rollout.Sampling) (int, float64) {
			sampler, err := sampling.New(s)
			require.NoError(t, err)
			return sampler.Draw(logits, rng)
		}
		greedy, logprob := draw(rollout.Sampling{TopK: 3, TopP: 0.5})
		require.Equal(t, slices.Index(logits, slices.Max(logits)), greedy, "ties go to the smaller id")
		require.Equal(t, sampling.LogProb(logits, greedy), logprob)
		require.InDelta(t, math.Log(distribution(logits, rollout.Sampling{Temperature: 1})[greedy]), logprob, 1e-9)

		id, logprob := draw(rollout.Sampling{Temperature: s.Temperature, TopK: 1})
		require.Equal(t, greedy, id, "top-k 1 is greedy")
		require.Zero(t, logprob)
		id, logprob = draw(rollout.Sampling{Temperature: s.Temperature, TopP: 1e-9})
		require.Equal(t, greedy, id, "top-p → 0 is greedy")
		require.Zero(t, logprob)
	})
}

// At temperature → 0 all weight is on the largest logits.
func TestLowTemperature(t *testing.T) {
	sampler, err := sampling.New(rollout.Sampling{Temperature: 1e-300})
	require.NoError(t, err)
	id, logprob := sampler.Draw([]float32{1, 3, 2}, sampling.Stream(0, 0))
	require.Equal(t, 1, id)
	require.Zero(t, logprob)
}

func TestDivergedLogits(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, temperature := range []float64{0, 1} {
		sampler, err := sampling.New(rollout.Sampling{Temperature: temperature})
		require.NoError(t, err)
		for _, logits := range [][]float32{{nan, 1}, {1, nan}, {1, inf}, {-inf, -inf}, {nan}} {
			_, logprob := sampler.Draw(logits, sampling.Stream(0, 0))
			require.True(t, math.IsNaN(logprob), "%v", logits)
		}
	}
}

func TestStreamsDiffer(t *testing.T) {
	seen := map[uint64]bool{}
	for seed := range uint64(10) {
		for n := range 10 {
			seen[sampling.Stream(seed, n).Uint64()] = true
		}
	}
	require.Len(t, seen, 100)
	require.Equal(t, sampling.Stream(3, 4).Uint64(), sampling.Stream(3, 4).Uint64())
}

func TestInvalidSampling(t *testing.T) {
	for _, s := range []rollout.Sampling{
		{Temperature: -1}, {Temperature: math.NaN()}, {Temperature: math.Inf(1)}, {Temperature: 1, TopK: -1},
		{Temperature: 1, TopP: -0.1}, {Temperature: 1, TopP: 1.1}, {Temperature: 1, TopP: math.NaN()},
	} {
		_, err := sampling.New(s)
		require.Error(t, err, "%+v", s)
	}
}

func TestDrawDoesNotAllocate(t *testing.T) {
	logits := make([]float32, 700)
	for i := range logits {
		logits[i] = float32(i%13) / 3
	}
	rng := sampling.Stream(1, 1)
	for _, s := range []rollout.Sampling{{}, {Temperature: 1}, {Temperature: 1, TopK: 20, TopP: 0.9}} {
		sampler, err := sampling.New(s)
		require.NoError(t, err)
		sampler.Draw(logits, rng)
		require.Zero(t, testing.AllocsPerRun(20, func() { sampler.Draw(logits, rng) }))
	}
}

func BenchmarkDraw(b *testing.B) {
	logits := make([]float32, 700)
	rng := sampling.Stream(1, 1)
	for i := range logits {
		logits[i] = float32(rng.NormFloat64() * 3)
	}
	for _, s := range []rollout.Sampling{{}, {Temperature: 1}, {Temperature: 1, TopK: 20}, {Temperature: 1, TopP: 0.95}} {
		b.Run(fmt.Sprintf("%+v", s), func(b *testing.B) {
			sampler, err := sampling.New(s)
			require.NoError(b, err)
			for b.Loop() {
				sampler.Draw(logits, rng)
			}
		})
	}
}

func ExampleSampler() {
	sampler, err := sampling.New(rollout.Sampling{Temperature: 1, TopK: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sampler.Draw([]float32{0.5, 2, 1}, sampling.Stream(42, 0)))
	// Output: 1 0
}
