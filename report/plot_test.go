package report

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Any figure is drawn inside its frame, whatever its numbers and the lengths of its slices.
func TestPlotStaysInside(t *testing.T) {
	number := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-10, 10), rapid.Just(math.NaN()), rapid.Just(math.Inf(1)), rapid.Just(3.0), rapid.Just(math.MaxFloat64), rapid.Just(-1e299))
	numbers := rapid.SliceOfN(number, 0, 12)
	rapid.Check(t, func(t *rapid.T) {
		f := Figure{Title: "t"}
		for range rapid.IntRange(0, 8).Draw(t, "series") {
			f.Series = append(f.Series, Series{X: numbers.Draw(t, "x"), Y: numbers.Draw(t, "y"), Low: numbers.Draw(t, "low"),
				High: numbers.Draw(t, "high"), Points: rapid.Bool().Draw(t, "points")})
		}
		p := newPlot(f)
		for _, tick := range append(p.XTicks, p.YTicks...) {
			require.True(t, tick.At >= 0 && tick.At <= width, "tick at %v", tick.At)
		}
		require.NotEmpty(t, p.XTicks)
		for _, c := range p.Curves {
			for _, at := range c.Points {
				require.True(t, at.X >= p.Left-1e-6 && at.X <= p.Right+1e-6 && at.Y >= p.Top-1e-6 && at.Y <= p.Bottom+1e-6, "%+v", at)
			}
			require.NotContains(t, strings.Join(append(c.Lines, c.Bands...), " "), "NaN")
		}
	})
}

func TestPlotGeometry(t *testing.T) {
	p := newPlot(Figure{X: "x", Y: "y", Series: []Series{
		{Name: "gap", X: []float64{0, 1, 2, 3, 4}, Y: []float64{0, 1, math.NaN(), 3, 4}},
		{Name: "band", X: []float64{0, 4}, Y: []float64{2, 2}, Low: []float64{1, 1}, High: []float64{3, 3}},
	}})
	require.Len(t, p.Curves[0].Lines, 2, "what is no number interrupts the line")
	require.Len(t, p.Curves[1].Bands, 1)
	require.Greater(t, p.Curves[0].Points[0].Y, p.Curves[0].Points[3].Y, "upwards is more")
	require.Equal(t, "y from 0 to 4 against x from 0 to 4. Series: gap; band.", p.Summary)

	p = newPlot(Figure{Series: []Series{{Name: "a, exact"}, {Name: "b"}, {Name: "a, measured", Points: true, Low: []float64{1}}, {Name: "a, other"}}})
	require.Equal(t, "s0 s1 s0 dots hollow s2", p.Curves[0].Class+" "+p.Curves[1].Class+" "+p.Curves[2].Class+" "+p.Curves[3].Class)

	var long Series
	for i := range 100_000 {
		long.X, long.Y = append(long.X, float64(i)), append(long.Y, 0)
	}
	long.Y[77_777] = 5
	kept := thin(long)
	require.LessOrEqual(t, len(kept), mostPoints)
	require.Contains(t, kept, 77_777, "a peak is not lost")
	require.IsIncreasing(t, kept)
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{
		{0, 10, "0 2 4 6 8 10"}, {0, 1, "0 0.2 0.4 0.6 0.8 1.0"}, {-1, 1, "−1.0 −0.5 0 0.5 1.0"}, {0, 200_000, "0 50k 100k 150k 200k"},
		{3, 3, "2.5 3.0 3.5"}, {0, 3e6, "0 1M 2M 3M"}, {1e-9, 4e-9, "1e-09 2e-09 3e-09 4e-09"}, {0, 5000, "0 1000 2000 3000 4000 5000"},
	} {
		var got []string
		for _, tick := range newAxis(span{c.low, c.high, 2}, 0, 1).ticks() {
			got = append(got, tick.Text)
		}
		require.Equal(t, c.want, strings.Join(got, " "))
	}
}
