package report

import (
	"math"
	"strconv"
)

// span is the range of the values added.
type span struct {
	low, high float64
	n         int
}

func (s *span) add(x float64) {
	if s.n == 0 {
		s.low, s.high = x, x
	}
	s.low, s.high, s.n = min(s.low, x), max(s.high, x), s.n+1
}

// axis maps values to places.
type axis struct {
	low, high float64 // values at the ends
	from, to  float64 // places of the ends
	step      float64 // between ticks
}

// newAxis returns an axis that holds the span, with a little room at both ends, or 0 to 1 for no values.
func newAxis(s span, from, to float64) axis {
	if s.n == 0 {
		s.low, s.high = 0, 1
	}
	middle, size := (s.low+s.high)/2, (s.high-s.low)/2
	if size <= math.Max(math.Abs(s.low), math.Abs(s.high))*1e-12 {
		size = math.Max(math.Abs(s.low)/4, 1e-9) // one value alone gets some room
		if s.low == 0 {
			size = 0.25
		}
	}
	a := axis{low: middle - 1.04*size, high: middle + 1.04*size, from: from, to: to}
	if s.low >= 0 && a.low < 0 { // what cannot be negative does not look so
		a.low = 0
	}
	a.step = step((a.high - a.low) / 6)
	return a
}

func (a axis) place(x float64) float64 {
	return a.from + (x-a.low)/(a.high-a.low)*(a.to-a.from)
}

// step rounds a distance up to 1, 2 or 5 times a power of ten.
func step(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= x {
			return m * power
		}
	}
	return 10 * power
}

func (a axis) ticks() []tick {
	unit, suffix := 1.0, ""
	for _, u := range []struct {
		size, from float64
		suffix     string
	}{{1e9, 1e9, "G"}, {1e6, 1e6, "M"}, {1e3, 1e4, "k"}} {
		if a.step >= u.size/10 && max(math.Abs(a.low), math.Abs(a.high)) >= u.from {
			unit, suffix = u.size, u.suffix
			break
		}
	}
	var ticks []tick
	first := math.Ceil(a.low / a.step)
	for k := 0; k < 20; k++ {
		x := (first + float64(k)) * a.step
		if x > a.high {
			break
		}
		text := label(x/unit, a.step/unit)
		if text != "0" {
			text += suffix
		}
		ticks = append(ticks, tick{a.place(x), text})
	}
	return ticks
}

// label writes a tick with the decimals that its step needs; far from 1, as a power of ten.
func label(x, step float64) string {
	decimals := int(math.Max(0, -math.Floor(math.Log10(step)+1e-9)))
	if math.Abs(x) < step/2 {
		return "0"
	}
	if math.Abs(x) >= 1e6 || decimals > 5 {
		return strconv.FormatFloat(x, 'g', 3, 64)
	}
	s := strconv.FormatFloat(x, 'f', decimals, 64)
	if s[0] == '-' {
		s = "−" + s[1:]
	}
	return s
}
