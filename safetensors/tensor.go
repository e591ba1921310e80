package safetensors

import (
	"fmt"
	"math"
	"math/bits"
)

// Tensor is a dense array.
type Tensor struct {
	// DType is the element type as the header spells it: "F32", "BF16", "I64" …
	DType string
	// Shape is the extent along each axis, outermost first; empty for a scalar.
	Shape []int
	// Data holds the elements, little-endian, row-major.
	Data []byte
}

// Info describes a tensor of a file without its data.
type Info struct {
	DType string
	Shape []int
	// Begin and End are the tensor's place in the file's data section, in bytes.
	Begin, End int64
}

// check reports whether shape and dtype match the length of the data.
func (t Tensor) check() error {
	want, err := byteLen(t.DType, t.Shape)
	if err != nil {
		return err
	}
	if want != int64(len(t.Data)) {
		return fmt.Errorf("%s of shape %v takes %d bytes, found %d", t.DType, t.Shape, want, len(t.Data))
	}
	return nil
}

// byteLen returns the bytes that a tensor takes, or an error if the dtype is unknown, an extent negative, or the product
// beyond int64. A zero extent makes the tensor empty however large the others are, but they are still checked.
func byteLen(dtype string, shape []int) (int64, error) {
	r := rank(dtype)
	if r == unknown {
		return 0, fmt.Errorf("unknown dtype %q", dtype)
	}
	n := dtypes[r].size
	for _, extent := range shape {
		if extent < 0 {
			return 0, fmt.Errorf("negative extent in shape %v", shape)
		}
		hi, lo := bits.Mul64(n, uint64(extent))
		if hi != 0 || lo > math.MaxInt64 {
			return 0, fmt.Errorf("shape %v overflows", shape)
		}
		n = lo
	}
	return int64(n), nil
}
