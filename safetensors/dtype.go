package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The dtypes, as they are spelled in a header.
const (
	Bool    = "BOOL"
	U8      = "U8"
	I8      = "I8"
	F8E5M2  = "F8_E5M2"
	F8E4M3  = "F8_E4M3"
	F8E8M0  = "F8_E8M0"
	I16     = "I16"
	U16     = "U16"
	F16     = "F16"
	BF16    = "BF16"
	I32     = "I32"
	U32     = "U32"
	F32     = "F32"
	C64     = "C64"
	F64     = "F64"
	I64     = "I64"
	U64     = "U64"
	unknown = -1
)

// dtypes lists name and bytes per element in the order of the reference implementation; files hold the last one first.
// Its sub-byte types (F4, F6) are not supported.
var dtypes = []struct {
	name string
	size uint64
}{
	{Bool, 1}, {U8, 1}, {I8, 1}, {F8E5M2, 1}, {F8E4M3, 1}, {F8E8M0, 1}, {I16, 2}, {U16, 2}, {F16, 2}, {BF16, 2},
	{I32, 4}, {U32, 4}, {F32, 4}, {C64, 8}, {F64, 8}, {I64, 8}, {U64, 8},
}

// rank returns the dtype's index in dtypes, or unknown.
func rank(dtype string) int {
	for i, d := range dtypes {
		if d.name == dtype {
			return i
		}
	}
	return unknown
}

// Float32s returns the elements of an F32, BF16, F16 or F64 tensor as float32, in row-major order. All but F64 are exact;
// F64 is rounded.
func (t Tensor) Float32s() ([]float32, error) {
	switch t.DType {
	case F32:
		return elements(t, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) })
	case BF16: // the upper half of an F32
		return elements(t, func(b []byte) float32 {
			return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16)
		})
	case F16:
		return elements(t, func(b []byte) float32 { return HalfToFloat32(binary.LittleEndian.Uint16(b)) })
	case F64:
		return elements(t, func(b []byte) float32 {
			return float32(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		})
	}
	return nil, fmt.Errorf("dtype %s where F32, BF16, F16 or F64 was expected", t.DType)
}

// Float64s returns the elements of an F64, F32, BF16 or F16 tensor as float64, in row-major order, exactly.
func (t Tensor) Float64s() ([]float64, error) {
	if t.DType == F64 {
		return elements(t, func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) })
	}
	narrow, err := t.Float32s()
	if err != nil {
		return nil, err
	}
	wide := make([]float64, len(narrow))
	for i, v := range narrow {
		wide[i] = float64(v)
	}
	return wide, nil
}

// Ints returns the elements of an I64 or I32 tensor, in row-major order.
func (t Tensor) Ints() ([]int, error) {
	switch t.DType {
	case I64:
		return elements(t, func(b []byte) int { return int(binary.LittleEndian.Uint64(b)) })
	case I32:
		return elements(t, func(b []byte) int { return int(int32(binary.LittleEndian.Uint32(b))) })
	}
	return nil, fmt.Errorf("dtype %s where I64 or I32 was expected", t.DType)
}

// FromFloat32s makes an F32 tensor of the given shape.
func FromFloat32s(shape []int, values []float32) Tensor {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return Tensor{DType: F32, Shape: shape, Data: data}
}

// elements decodes t's data one element at a time.
func elements[T any](t Tensor, decode func([]byte) T) ([]T, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	size := int(dtypes[rank(t.DType)].size)
	out := make([]T, len(t.Data)/size)
	for i := range out {
		out[i] = decode(t.Data[i*size:])
	}
	return out, nil
}
