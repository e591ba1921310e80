package flat

import (
	"encoding/binary"
	"fmt"
	"math"

	"searchrl/safetensors"
)

// Precision says how the elements of vectors are stored.
type Precision string

// The precisions.
const (
	F32  Precision = "f32"  // IEEE 754 binary32
	F16  Precision = "f16"  // IEEE 754 binary16, rounded to nearest
	Int8 Precision = "int8" // one byte, and one scale in float32 for each vector
)

// ParsePrecision reads "f32", "f16" or "int8".
func ParsePrecision(text string) (Precision, error) {
	p := Precision(text)
	if p.size() == 0 {
		return "", fmt.Errorf("flat: precision %q, expected f32, f16 or int8", text)
	}
	return p, nil
}

// size returns the bytes of an element, 0 for what is no precision.
func (p Precision) size() int {
	switch p {
	case F32:
		return 4
	case F16:
		return 2
	case Int8:
		return 1
	}
	return 0
}

// rowBytes returns the bytes of a stored vector of d elements.
func (p Precision) rowBytes(d int) int64 {
	n := int64(d) * int64(p.size())
	if p == Int8 {
		n += 4
	}
	return n
}

func (p Precision) dtype() string {
	return map[Precision]string{F32: safetensors.F32, F16: safetensors.F16, Int8: safetensors.I8}[p]
}

// check reports whether v is a vector of dim elements that p can hold.
func (p Precision) check(v []float32, dim int) error {
	if err := checkVector(v, dim); err != nil {
		return err
	}
	for i, x := range v {
		if p == F16 && math.Abs(float64(x)) > 65504 {
			return fmt.Errorf("element %d is %v, beyond f16, which ends at 65504", i, x)
		}
	}
	return nil
}

// appendRow appends the stored form of v, and for Int8 its scale to scales.
func (p Precision) appendRow(data []byte, scales []float32, v []float32) ([]byte, []float32) {
	switch p {
	case F32:
		for _, x := range v {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
		}
	case F16:
		for _, x := range v {
			data = binary.LittleEndian.AppendUint16(data, safetensors.HalfFromFloat32(x))
		}
	case Int8:
		top := float32(0)
		for _, x := range v {
			top = max(top, float32(math.Abs(float64(x))))
		}
		scale := top / 127
		scales = append(scales, scale)
		for _, x := range v {
			n := 0.0
			if scale > 0 {
				n = math.RoundToEven(float64(x) / float64(scale))
			}
			data = append(data, byte(int8(max(-127, min(127, n)))))
		}
	}
	return data, scales
}

// decode writes the elements of data, without any scale, into out.
func (p Precision) decode(out []float32, data []byte) {
	switch p {
	case F32:
		for i := range out {
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
	case F16:
		// Sign, exponent and fraction at their places in binary32; the product makes up for the other bias of the exponent,
		// for numbers below the normal ones, too. There is neither infinity nor NaN.
		data = data[:2*len(out)]
		for i := range out {
			h := uint32(binary.LittleEndian.Uint16(data[2*i:]))
			out[i] = math.Float32frombits(h&0x8000<<16|h&0x7fff<<13) * 0x1p112
		}
	case Int8:
		data = data[:len(out)]
		for i := range out {
			out[i] = float32(int8(data[i]))
		}
	}
}
