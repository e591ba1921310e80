package exact

import "math/big"

// Moments returns mean and variance of the value that is x[i] with probability p[i]; what p lacks to one is probability of 0.
func Moments(p, x []*big.Rat) (mean, variance *big.Rat) { return common(p).moments(x) }

// fractions are rational numbers over one denominator. Sums of them need no greatest common divisor until the end, which is
// what nearly all of the time goes into otherwise.
type fractions struct {
	over []big.Int // numerators
	by   big.Int   // the denominator
}

// common brings xs to their least common denominator.
func common(xs []*big.Rat) fractions {
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

// moments are those of x[i] with probability f[i].
func (f fractions) moments(x []*big.Rat) (mean, variance *big.Rat) {
	values := common(x)
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
