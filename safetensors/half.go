package safetensors

import "math"

// HalfToFloat32 converts an IEEE 754 binary16 number: 1 bit sign, 5 bits exponent (bias 15), 10 bits fraction.
func HalfToFloat32(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent := uint32(h>>10) & 0x1f
	fraction := uint32(h) & 0x3ff
	switch exponent {
	case 0: // zero or subnormal: fraction · 2⁻²⁴, which float32 holds as a normal number
		v := float32(fraction) * 0x1p-24
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 0x1f: // infinity or NaN
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// HalfFromFloat32 rounds to the nearest IEEE 754 binary16 number, ties to even; beyond ±65504 that is an infinity.
func HalfFromFloat32(v float32) uint16 {
	bits := math.Float32bits(v)
	sign := uint16(bits >> 16 & 0x8000)
	switch a := math.Abs(float64(v)); {
	case a != a:
		return sign | 0x7e00
	case a >= 65520: // halfway between 65504 and what would come next
		return sign | 0x7c00
	case a < 0x1p-14: // subnormal: a multiple of 2⁻²⁴
		return sign | uint16(math.RoundToEven(a*0x1p24))
	}
	// Normal: drop 13 bits of the fraction. A carry moves on into the exponent, as it should.
	bits = bits&0x7fffffff - (127-15)<<23
	return sign | uint16((bits+0xfff+bits>>13&1)>>13)
}
