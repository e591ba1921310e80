package flat

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// littleEndian says whether the processor's numbers look like those of the files.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// asFloats returns data itself as float32 numbers, without a copy, where the processor can read it so.
func asFloats(data []byte, p Precision) ([]float32, bool) {
	if p != F32 || !littleEndian || len(data) == 0 || uintptr(unsafe.Pointer(&data[0]))%4 != 0 {
		return nil, false
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&data[0])), len(data)/4), true
}

// norm returns ‖v‖, rounded up a little.
func norm(v []float32) float64 {
	square := 0.0
	for _, x := range v {
		square += float64(x) * float64(x)
	}
	return math.Sqrt(square) * (1 + 1e-9)
}
