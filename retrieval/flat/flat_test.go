package flat

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"searchrl/accel"
	"searchrl/safetensors"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var precisions = []Precision{F32, F16, Int8}

func openXLA(t testing.TB) *accel.Backend {
	b, err := accel.Open("xla:cpu")
	if err != nil {
		t.Skipf("XLA for the CPU is not installed: %v", err)
	}
	t.Cleanup(b.Close)
	return b
}

// brute scores every stored vector in float64 and sorts them all: what Search must equal to the last bit.
func brute(p Precision, vectors [][]float32, q []float32, k int) []Match {
	var all []Match
	for i, v := range vectors {
		data, scales := p.appendRow(nil, nil, v)
		row := make([]float32, len(v))
		p.decode(row, data)
		sum := 0.0
		for j := range q {
			sum += float64(q[j]) * float64(row[j])
		}
		if p == Int8 {
			sum *= float64(scales[0])
		}
		all = append(all, Match{Row: i, Score: sum})
	}
	slices.SortFunc(all, func(a, b Match) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Row, b.Row)) })
	return all[:min(k, len(all))]
}

// drawVectors draws vectors of which many are equal or nearly so: there float32 orders rows otherwise than float64.
func drawVectors(t *rapid.T, n, d int) [][]float32 {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	kind := rapid.IntRange(0, 3).Draw(t, "kind")
	base := make([]float32, d)
	for j := range base {
		base[j] = float32(rng.NormFloat64())
	}
	vectors := make([][]float32, n)
	for i := range vectors {
		v := make([]float32, d)
		for j := range v {
			switch kind {
			case 0: // many exact ties
				v[j] = float32(rng.IntN(3) - 1)
			case 1: // all alike but for the last bits
				v[j] = math.Float32frombits(math.Float32bits(base[j]) + uint32(rng.IntN(3)))
			case 2:
				v[j] = float32(rng.NormFloat64())
			case 3: // of very different lengths
				v[j] = float32(rng.NormFloat64() * math.Exp(max(-8, min(8, 4*rng.NormFloat64()))))
			}
		}
		vectors[i] = v
	}
	return vectors
}

// TestEqualsBruteForce: rows and scores, to the last bit, in every precision, at every size of batch.
func TestEqualsBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, d := rapid.SampledFrom([]int{1, 2, 7, 100, 300, hostRows + 5}).Draw(t, "n"), rapid.IntRange(1, 40).Draw(t, "d")
		p := rapid.SampledFrom(precisions).Draw(t, "precision")
		vectors := drawVectors(t, n, d)
		queries := drawVectors(t, rapid.SampledFrom([]int{1, 2, 5, batchSize + 1}).Draw(t, "queries"), d)
		k := rapid.IntRange(1, 30).Draw(t, "k")
		x, err := New(vectors, p, Options{})
		require.NoError(t, err)
		defer x.Close()
		found, err := x.Search(context.Background(), queries, k)
		require.NoError(t, err)
		for i, q := range queries {
			require.Equal(t, brute(p, vectors, q, k), found[i])
		}
	})
}

// TestNominees: where thousands of vectors differ in their last bits only, float32 orders them wrongly, and only the margin
// 2ε keeps the best among the nominees.
func TestNominees(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	base := gaussian(rng, 1, 384)[0]
	vectors := make([][]float32, 1500)
	for i := range vectors {
		vectors[i] = make([]float32, len(base))
		for j := range base {
			vectors[i][j] = math.Float32frombits(math.Float32bits(base[j]) + uint32(rng.IntN(3)))
		}
	}
	queries := gaussian(rng, 10, len(base))
	x, err := New(vectors, F32, Options{})
	require.NoError(t, err)
	defer x.Close()
	for _, batch := range []int{1, len(queries)} { // by matrix–vector and by matrix products
		found, err := x.Search(context.Background(), queries[:batch], 10)
		require.NoError(t, err)
		for i, q := range queries[:batch] {
			require.Equal(t, brute(F32, vectors, q, 10), found[i])
		}
	}
}

// TestDeviceEqualsHost: the backend cannot show in the result.
func TestDeviceEqualsHost(t *testing.T) {
	b := openXLA(t)
	rng := rand.New(rand.NewPCG(3, 4))
	vectors, queries := gaussian(rng, deviceRows(48)+17, 48), gaussian(rng, batchSize+3, 48)
	for i := range 500 { // near and exact ties
		vectors[2*i+1] = slices.Clone(vectors[2*i])
		vectors[2*i+1][7] = math.Float32frombits(math.Float32bits(vectors[2*i][7]) ^ uint32(i&1))
	}
	for _, p := range precisions {
		t.Run(string(p), func(t *testing.T) {
			onHost, err := New(vectors, p, Options{})
			require.NoError(t, err)
			defer onHost.Close()
			onDevice, err := New(vectors, p, Options{Backend: b})
			require.NoError(t, err)
			defer onDevice.Close()
			for _, batch := range []int{1, 3, len(queries)} {
				want, err := onHost.Search(context.Background(), queries[:batch], 25)
				require.NoError(t, err)
				found, err := onDevice.Search(context.Background(), queries[:batch], 25)
				require.NoError(t, err)
				require.Equal(t, want, found)
			}
		})
	}
}

func gaussian(rng *rand.Rand, n, d int) [][]float32 {
	out := make([][]float32, n)
	for i := range out {
		out[i] = make([]float32, d)
		square := 0.0
		for j := range out[i] {
			x := rng.NormFloat64()
			out[i][j] = float32(x)
			square += x * x
		}
		for j := range out[i] {
			out[i][j] /= float32(math.Sqrt(square))
		}
	}
	return out
}

func TestBadInput(t *testing.T) {
	x, err := New([][]float32{{1, 0}, {0, 1}}, F32, Options{})
	require.NoError(t, err)
	ctx := context.Background()
	nan := float32(math.NaN())
	for name, test := range map[string]struct {
		queries [][]float32
		k       int
		want    string
	}{
		"k":         {[][]float32{{1, 2}}, 0, "k is 0"},
		"length":    {[][]float32{{1, 2}, {1}}, 1, "query 1: 1 elements, expected 2"},
		"nan":       {[][]float32{{1, nan}}, 1, "query 0: element 1 is NaN"},
		"too large": {[][]float32{{3e38, 3e38}}, 1, "beyond float32"},
	} {
		_, err := x.Search(ctx, test.queries, test.k)
		assert.ErrorContains(t, err, test.want, name)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = x.Search(cancelled, [][]float32{{1, 2}}, 1)
	assert.ErrorIs(t, err, context.Canceled)
	found, err := x.Search(ctx, nil, 1)
	require.NoError(t, err)
	assert.Empty(t, found)
	require.NoError(t, x.Close())
	require.NoError(t, x.Close())
	_, err = x.Search(ctx, [][]float32{{1, 2}}, 1)
	assert.ErrorContains(t, err, "used after Close")

	_, err = New([][]float32{{1, 0}, {nan, 1}}, F32, Options{})
	assert.ErrorContains(t, err, "vector 1: element 0 is NaN")
	_, err = New([][]float32{{1, 0}, {0, 1e5}}, F16, Options{})
	assert.ErrorContains(t, err, "vector 1: element 1 is 100000, beyond f16, which ends at 65504")
	_, err = New(nil, F32, Options{})
	assert.ErrorContains(t, err, "no vectors")
	_, err = ParsePrecision("f64")
	assert.ErrorContains(t, err, `precision "f64", expected f32, f16 or int8`)
}

// TestLimit: an index that does not fit is refused, with what would fit.
func TestLimit(t *testing.T) {
	need := Estimate(1000, 64, F32, nil)
	assert.Greater(t, need, int64(1000*64*4))
	vectors := gaussian(rand.New(rand.NewPCG(1, 1)), 1000, 64)
	_, err := New(vectors, F32, Options{Limit: need - 1})
	require.ErrorContains(t, err, "1000 vectors of 64 elements in f32 need about")
	require.ErrorContains(t, err, "in int8 they would need")
	x, err := New(vectors, F32, Options{Limit: need})
	require.NoError(t, err)
	require.NoError(t, x.Close())
}

// TestHalves: every finite float16 is decoded to what it is.
func TestHalves(t *testing.T) {
	for h := range 1 << 16 {
		if h&0x7c00 == 0x7c00 {
			continue // infinities and NaNs are not stored
		}
		var out [1]float32
		F16.decode(out[:], []byte{byte(h), byte(h >> 8)})
		require.Equal(t, math.Float32bits(safetensors.HalfToFloat32(uint16(h))), math.Float32bits(out[0]), "%#x", h)
	}
}

// TestRoundingError: float16 within 2⁻¹¹ of an element, int8 within half a step.
func TestRoundingError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawVectors(t, 1, 32)[0]
		for i := range v {
			v[i] = max(-6e4, min(6e4, v[i]))
		}
		row := make([]float32, len(v))
		data, _ := F16.appendRow(nil, nil, v)
		F16.decode(row, data)
		for i := range v {
			require.InDelta(t, v[i], row[i], math.Abs(float64(v[i]))*0x1p-11+0x1p-25)
		}
		data, scales := Int8.appendRow(nil, nil, v)
		Int8.decode(row, data)
		for i := range v {
			require.InDelta(t, v[i], row[i]*scales[0], float64(scales[0])*0.5001)
		}
	})
}
