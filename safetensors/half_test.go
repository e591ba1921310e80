package safetensors

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestHalfRoundTrip: every binary16 number survives; NaNs stay NaNs.
func TestHalfRoundTrip(t *testing.T) {
	for i := range 1 << 16 {
		v := HalfToFloat32(uint16(i))
		if v != v {
			back := HalfToFloat32(HalfFromFloat32(v))
			require.True(t, back != back)
			continue
		}
		require.Equal(t, uint16(i), HalfFromFloat32(v), "%#x", i)
	}
}

// TestHalfIsNearest: no binary16 number is nearer, and of two as near the even one is taken.
func TestHalfIsNearest(t *testing.T) {
	check := func(t require.TestingT, v float32) {
		h := HalfFromFloat32(v)
		near := math.Abs(float64(HalfToFloat32(h)) - float64(v))
		for _, other := range []uint16{h - 1, h + 1} {
			o := HalfToFloat32(other)
			if o != o || math.IsInf(float64(o), 0) || (other^h)&0x8000 != 0 {
				continue
			}
			d := math.Abs(float64(o) - float64(v))
			if d < near || d == near && h&1 == 1 {
				require.Failf(t, "not nearest", "%v became %v; %v is nearer or even", v, HalfToFloat32(h), o)
			}
		}
	}
	for i := range uint16(0x7bff) { // halfway, and either side of it
		mid := (HalfToFloat32(i) + HalfToFloat32(i+1)) / 2
		for _, v := range []float32{mid, math.Nextafter32(mid, 0), math.Nextafter32(mid, 1e6), -mid} {
			check(t, v)
		}
	}
	rapid.Check(t, func(t *rapid.T) { check(t, float32(rapid.Float64Range(-65519, 65519).Draw(t, "v"))) })
	require.Equal(t, uint16(0x7c00), HalfFromFloat32(65520))
	require.Equal(t, uint16(0xfbff), HalfFromFloat32(-65519))
	require.Equal(t, uint16(0x7c00), HalfFromFloat32(float32(math.Inf(1))))
}
