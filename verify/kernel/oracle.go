package kernel

import (
	"math"
	"math/big"

	"searchrl/grpo"
)

// prec is the oracle's precision in bits: thrice that of float64, so that its own rounding is never seen.
const prec = 160

func float(x float64) *big.Float { return new(big.Float).SetPrec(prec).SetFloat64(x) }

func newFloat() *big.Float { return new(big.Float).SetPrec(prec) }

func value(x *big.Float) float64 {
	f, _ := x.Float64()
	return f
}

// inverses are 1/n!: the coefficients of exp's series, 24 of them, since 2^(−6·24)/24! < 2^−160.
var inverses = func() []*big.Float {
	out := []*big.Float{float(1)}
	for n := 1; n < 24; n++ {
		out = append(out, newFloat().Quo(out[n-1], float(float64(n))))
	}
	return out
}()

// exp is e^x by its series, after halving x until it is small.
func exp(x *big.Float) *big.Float {
	y, halved := newFloat().Set(x), 0
	if y.Sign() != 0 {
		halved = max(y.MantExp(nil)+6, 0)
		y.SetMantExp(y, -halved)
	}
	sum := newFloat()
	for n := len(inverses) - 1; n >= 0; n-- { // Horner's scheme
		sum.Add(sum.Mul(sum, y), inverses[n])
	}
	for range halved {
		sum.Mul(sum, sum)
	}
	return sum
}

// rats are the exact values of floats.
func rats(xs []float64) []*big.Rat {
	out := make([]*big.Rat, len(xs))
	for i, x := range xs {
		out[i] = new(big.Rat).SetFloat64(x)
	}
	return out
}

// Advantages are the group advantages of exact rewards, written apart from those that train: mean and variance in whole
// numbers, the root in 160 bits. dead says that the group has no signal; its advantages are 0.
//
// Source: Shao et al. (2024), §4.1.2; SLATE, Eq. 5.
func Advantages(rewards []*big.Rat, norm grpo.Normalisation) (out []float64, dead bool) {
	out = make([]float64, len(rewards))
	n := int64(len(rewards))
	if n < 2 {
		return out, true
	}
	// n times the distance from the mean, for rewards over their common denominator: whole numbers.
	by, rest := big.NewInt(1), new(big.Int)
	for _, r := range rewards {
		if d := r.Denom(); rest.Rem(by, d).Sign() != 0 {
			by.Mul(by, rest.Quo(d, rest.GCD(nil, nil, by, d)))
		}
	}
	over, total := make([]*big.Int, n), new(big.Int)
	for i, r := range rewards {
		over[i] = new(big.Int).Mul(r.Num(), new(big.Int).Quo(by, r.Denom()))
		total.Add(total, over[i])
	}
	squares, scale := new(big.Int), new(big.Int).Mul(by, big.NewInt(n))
	for i := range over {
		over[i].Sub(over[i].Mul(over[i], big.NewInt(n)), total)
		squares.Add(squares, new(big.Int).Mul(over[i], over[i]))
	}
	// variance = squares / (scale² (n−1))
	std := newFloat().SetInt(squares)
	std.Quo(std, newFloat().SetInt(new(big.Int).Mul(new(big.Int).Mul(scale, scale), big.NewInt(n-1))))
	std.Sqrt(std)
	epsilon := float(1e-6)
	if std.Cmp(epsilon) < 0 {
		return out, true
	}
	for i := range over {
		a := newFloat().SetInt(over[i])
		a.Quo(a, newFloat().SetInt(scale))
		if norm == grpo.Standardised {
			a.Quo(a, newFloat().Add(std, epsilon))
		}
		out[i] = value(a)
	}
	return out, false
}

// Absolute are the advantages of exact rewards against the baseline 0.
func Absolute(rewards []*big.Rat, norm grpo.Normalisation) []float64 {
	out, square := make([]float64, len(rewards)), new(big.Rat)
	for _, r := range rewards {
		square.Add(square, new(big.Rat).Mul(r, r))
	}
	by := float(1)
	if norm == grpo.Standardised && len(rewards) > 0 {
		root := newFloat().SetRat(square.Quo(square, big.NewRat(int64(len(rewards)), 1)))
		by = newFloat().Add(root.Sqrt(root), float(1e-6))
	}
	for i, r := range rewards {
		out[i] = value(newFloat().Quo(newFloat().SetRat(r), by))
	}
	return out
}

// softmax is exp(x/eta) over its sum.
func softmax(xs []float64, eta float64) []float64 {
	weights, total := make([]*big.Float, len(xs)), newFloat()
	for i, x := range xs {
		weights[i] = exp(newFloat().Quo(float(x), float(eta)))
		total.Add(total, weights[i])
	}
	out := make([]float64, len(xs))
	for i := range xs {
		out[i] = value(weights[i].Quo(weights[i], total))
	}
	return out
}

// token is the oracle's view of one token's loss.
type token struct {
	policy, policySlope *big.Float // J and dJ/d log π
	kl, klSlope         *big.Float
	ratio               *big.Float
	clipped, kink       bool // kink: so close to a bound that rounding decides
	size                float64
}

// evaluate computes one token's clipped surrogate and KL estimator from their definitions, case by case.
func evaluate(s grpo.Surrogate, logProb float64, t grpo.Target) token {
	var out token
	out.ratio = exp(newFloat().Sub(float(logProb), float(t.OldLogProb)))
	a, low, high := float(t.Advantage), newFloat().Sub(float(1), float(s.ClipLow)), newFloat().Add(float(1), float(s.ClipHigh))
	r := value(out.ratio)
	out.kink = t.Advantage != 0 && (math.Abs(r-value(low)) < 1e-9 || math.Abs(r-value(high)) < 1e-9)
	bound := newFloat()
	switch {
	case t.Advantage > 0 && out.ratio.Cmp(high) > 0: // pushed up enough
		out.clipped, bound = true, high
	case t.Advantage < 0 && out.ratio.Cmp(low) < 0: // pushed down enough
		out.clipped, bound = true, low
	}
	if out.clipped {
		out.policy, out.policySlope = newFloat().Mul(bound, a), newFloat()
	} else {
		out.policy = newFloat().Mul(out.ratio, a)
		out.policySlope = out.policy
	}
	logR := newFloat().Sub(float(t.RefLogProb), float(logProb))
	back := newFloat().Neg(logR) // log π_θ/π_ref
	switch s.KL {
	case grpo.K1:
		out.kl, out.klSlope = back, float(1)
	case grpo.K2:
		out.kl = newFloat().Mul(back, back)
		out.kl.Quo(out.kl, float(2))
		out.klSlope = back
	case grpo.K3:
		q := exp(logR)
		out.kl = newFloat().Add(newFloat().Sub(q, float(1)), back)
		out.klSlope = newFloat().Sub(float(1), q)
	default:
		out.kl, out.klSlope = newFloat(), newFloat()
	}
	x := math.Abs(value(logR))
	out.size = 1 + x + math.Exp(value(logR)) // k3's terms; where they cancel, the value is as exact as they are
	return out
}
