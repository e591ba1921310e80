package exact

import (
	"math"
	"math/big"
	"math/bits"
)

// Moments returns mean and variance of the value that is x[i] with probability p[i]; what p lacks to one is probability of 0.
func Moments(p, x []*big.Rat) (mean, variance *big.Rat) { return common(p).moments(x) }

// fractions are rational numbers over one denominator. Sums of them need no greatest common divisor until the end, which is
// what nearly all of the time goes into otherwise.
// Nearly all of them fit into machine words, in which sums take no memory; the others are big.Ints.
type fractions struct {
	over  []big.Int // numerators
	by    big.Int   // the denominator
	small []int64   // numerators, where all are machine words; then over and by are not set
	unit  int64     // their denominator
}

// common brings xs to their least common denominator.
func common(xs []*big.Rat) fractions {
	if f, ok := words(xs); ok {
		return f
	}
	f := fractions{over: make([]big.Int, len(xs))}
	f.by.SetInt64(1)
	var rest, factor big.Int
	for _, x := range xs {
		if d := x.Denom(); rest.Rem(&f.by, d).Sign() != 0 {
			factor.Quo(d, rest.GCD(nil, nil, &f.by, d))
			f.by.Mul(&f.by, &factor)
		}
	}
	for i, x := range xs {
		f.over[i].Mul(x.Num(), factor.Quo(&f.by, x.Denom()))
	}
	return f
}

// word bounds what [words] computes with, so that no product of two such numbers overflows.
const word = math.MaxInt32

// words is common in machine words; ok is false where the numbers are too large for that.
func words(xs []*big.Rat) (f fractions, ok bool) {
	f.small = make([]int64, len(xs))
	f.unit = 1
	for _, x := range xs {
		if !x.Num().IsInt64() || !x.Denom().IsInt64() || x.Denom().Int64() > word {
			return f, false
		}
		if d := x.Denom().Int64(); f.unit%d != 0 {
			if f.unit *= d / gcd(f.unit, d); f.unit > word {
				return f, false
			}
		}
	}
	for i, x := range xs {
		n := x.Num().Int64()
		if n > word || n < -word {
			return f, false
		}
		if f.small[i] = n * (f.unit / x.Denom().Int64()); f.small[i] > word || f.small[i] < -word {
			return f, false
		}
	}
	return f, true
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// large is f without machine words.
func (f *fractions) large() {
	if f.small == nil {
		return
	}
	f.over = make([]big.Int, len(f.small))
	for i, n := range f.small {
		f.over[i].SetInt64(n)
	}
	f.by.SetInt64(f.unit)
	f.small = nil
}

// moments are those of x[i] with probability f[i].
func (f fractions) moments(x []*big.Rat) (mean, variance *big.Rat) {
	values := common(x)
	if f.small != nil && values.small != nil {
		if mean, variance, ok := f.quick(values); ok {
			return mean, variance
		}
	}
	f.large()
	values.large()
	var first, second, term, scale big.Int
	for i := range f.over {
		if values.over[i].Sign() == 0 {
			continue
		}
		first.Add(&first, term.Mul(&f.over[i], &values.over[i]))
		second.Add(&second, term.Mul(&term, &values.over[i]))
	}
	// With denominators D and d: mean = first/(D d), variance = second/(D d²) − mean² = (second·D − first²)/(D d)².
	scale.Mul(&f.by, &values.by)
	mean = new(big.Rat).SetFrac(&first, &scale)
	second.Sub(second.Mul(&second, &f.by), term.Mul(&first, &first))
	return mean, new(big.Rat).SetFrac(&second, scale.Mul(&scale, &scale))
}

// quick is moments in machine words; ok is false if one overflows.
func (f fractions) quick(values fractions) (mean, variance *big.Rat, ok bool) {
	var first, second int64
	for i, p := range f.small {
		v := values.small[i]
		once, fits1 := times(p, v)
		twice, fits2 := times(once, v)
		if !fits1 || !fits2 || !adds(&first, once) || !adds(&second, twice) {
			return nil, nil, false
		}
	}
	scale, fits1 := times(f.unit, values.unit)
	left, fits2 := times(second, f.unit)
	right, fits3 := times(first, first)
	square, fits4 := times(scale, scale)
	if !fits1 || !fits2 || !fits3 || !fits4 || !adds(&left, -right) {
		return nil, nil, false
	}
	return reduced(first, scale), reduced(left, square), true
}

// reduced is a/b; big.Rat's own reduction is slow on machine words.
func reduced(a, b int64) *big.Rat {
	g := gcd(b, max(a, -a))
	if b == g {
		return new(big.Rat).SetInt64(a / g)
	}
	return new(big.Rat).SetFrac64(a/g, b/g)
}

// times is a·b, and whether that is a machine word.
func times(a, b int64) (int64, bool) {
	high, low := bits.Mul64(uint64(max(a, -a)), uint64(max(b, -b)))
	return a * b, high == 0 && low <= math.MaxInt64
}

// adds adds b to a, and reports whether the sum is a machine word.
func adds(a *int64, b int64) bool {
	sum := *a + b
	fits := (b >= 0) == (sum >= *a)
	*a = sum
	return fits
}
