package interval

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"
	"pgregory.net/rapid"
)

// table draws values with an effect of each row, of each column, and noise.
func table(rng *rand.Rand, rows, columns int, mean, ofRow, ofColumn, noise float64) [][]float64 {
	column := make([]float64, columns)
	for q := range column {
		column[q] = ofColumn * rng.NormFloat64()
	}
	values := make([][]float64, rows)
	for s := range values {
		row := ofRow * rng.NormFloat64()
		values[s] = make([]float64, columns)
		for q := range values[s] {
			values[s][q] = mean + row + column[q] + noise*rng.NormFloat64()
		}
	}
	return values
}

// The closed form is what drawing rows and columns gives. The seeds are fixed: there is no chance of a false alarm.
func TestCrossedIsTheBootstrap(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for _, c := range []struct {
		rows, columns            int
		ofRow, ofColumn, ofNoise float64
	}{{5, 40, 1, 1, 1}, {3, 7, 0, 0, 1}, {2, 9, 2, 0, 0.1}, {8, 8, 0, 3, 0.5}} {
		values := table(rng, c.rows, c.columns, 0.7, c.ofRow, c.ofColumn, c.ofNoise)
		mean, ci, _, err := Crossed(values)
		require.NoError(t, err)
		require.InDelta(t, mean, (ci.Low+ci.High)/2, 1e-12)
		const resamples = 40_000
		means := make([]float64, resamples)
		for i := range means {
			columns := make([]int, c.columns)
			for q := range columns {
				columns[q] = rng.IntN(c.columns)
			}
			for range c.rows {
				row := values[rng.IntN(c.rows)]
				for _, q := range columns {
					means[i] += row[q] / float64(c.rows*c.columns)
				}
			}
		}
		// Standard error from the interval: its half is t·sqrt(V·S/(S−1)).
		quantile := map[int]float64{2: 12.7062, 3: 4.30265, 5: 2.77645, 8: 2.36462}[c.rows]
		se := (ci.High - ci.Low) / 2 / quantile / math.Sqrt(float64(c.rows)/float64(c.rows-1))
		require.InEpsilon(t, stat.StdDev(means, nil), se, 0.02)
	}
}

// Whatever varies, rows, columns or single values, the interval covers the mean at least as often as it says. Seeds fixed.
func TestCrossedCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for _, c := range [][3]float64{{1, 0, 0.5}, {0, 1, 0.5}, {1, 1, 1}, {0, 0, 1}} {
		covered, rejected := 0, 0
		const trials = 2000
		for range trials {
			values := table(rng, 5, 30, 0, c[0], c[1], c[2])
			_, ci, p, err := Crossed(values)
			require.NoError(t, err)
			if ci.Contains(0) {
				covered++
			}
			if p < 0.05 {
				rejected++
			}
		}
		require.Greater(t, covered, 1880, "of 2000, with effects %v", c)
		require.Equal(t, trials-covered, rejected, "test and interval say the same")
	}
}

// With many columns without effects of their own it is Student's t over the rows' means; and the cases without a spread.
func TestCrossedLimits(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	values := table(rng, 5, 2000, 0.3, 1, 0, 0.1)
	var means []float64
	for _, row := range values {
		means = append(means, stat.Mean(row, nil))
	}
	wantMean, want := Mean(means)
	mean, ci, _, err := Crossed(values)
	require.NoError(t, err)
	require.InDelta(t, wantMean, mean, 1e-12)
	require.InEpsilon(t, want.High-want.Low, ci.High-ci.Low, 0.01)

	for name, c := range map[string]struct {
		values  [][]float64
		mean, p float64
		known   bool
	}{
		"all zero":  {[][]float64{{0, 0}, {0, 0}}, 0, 1, true},
		"all alike": {[][]float64{{1, 1}, {1, 1}}, 1, 0, true},
		"0.1 alike": {[][]float64{{0.1, 0.1, 0.1}, {0.1, 0.1, 0.1}}, 0.1, 0, true},
		"one seed":  {[][]float64{{0, 1}}, 0.5, math.NaN(), false},
		"no column": {[][]float64{{}, {}}, math.NaN(), math.NaN(), false},
		"nothing":   {nil, math.NaN(), math.NaN(), false},
	} {
		mean, ci, p, err := Crossed(c.values)
		require.NoError(t, err, name)
		require.Equal(t, c.known, ci.Known(), name)
		if math.IsNaN(c.mean) {
			require.True(t, math.IsNaN(mean), name)
		} else {
			require.InDelta(t, c.mean, mean, 1e-15, name)
		}
		require.Equal(t, math.IsNaN(c.p), math.IsNaN(p), name)
		if !math.IsNaN(c.p) {
			require.Equal(t, c.p, p, name)
		}
	}
	_, _, _, err = Crossed([][]float64{{1, 2}, {1}})
	require.ErrorContains(t, err, "row 1 has 1 columns, expected 2")
}

func TestHolm(t *testing.T) {
	// Holm's procedure by hand: sorted 0.005 0.01 0.03 0.04, factors 4 3 2 1; 0.04 is raised to 0.06.
	require.InDeltaSlice(t, []float64{0.03, 0.06, 0.06, 0.02}, Holm([]float64{0.01, 0.04, 0.03, 0.005}), 1e-15)
	require.Equal(t, []float64{0.7}, Holm([]float64{0.7}))
	require.Equal(t, []float64{1, 1}, Holm([]float64{0.9, 0.8}))
	require.Empty(t, Holm(nil))
	got := Holm([]float64{math.NaN(), 0.5, 0.01})
	require.True(t, math.IsNaN(got[0]), "not in the family")
	require.InDeltaSlice(t, []float64{0.5, 0.02}, got[1:], 1e-15)
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 9).Draw(t, "p")
		for i, c := range Holm(p) {
			require.GreaterOrEqual(t, c, p[i])
			require.LessOrEqual(t, c, min(1, float64(len(p))*p[i]), "never more than Bonferroni's")
			for j := range p {
				if p[j] < p[i] {
					require.LessOrEqual(t, Holm(p)[j], c, "the order stays")
				}
			}
		}
	})
}
