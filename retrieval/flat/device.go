package flat

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/float16"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"searchrl/accel"
)

// device computes on a GoMLX backend, which holds the blocks as they are stored, each filled up with zeros to R rows, a
// multiple of deviceStep.
type device struct {
	backend compute.Backend
	dim     int
	u       float64
	blocks  []any // tensors [R, dim]
	scales  []any // tensors [R], of Int8
	exec    *Exec
}

func newDevice(b *accel.Backend, dim int, p Precision, blocks []block) (_ *device, err error) {
	d := &device{backend: b.Compute(), dim: dim, u: 0x1p-24}
	if !b.IsCPU() {
		d.u = 0x1p-10 // tensor cores may round the elements to TF32 before they multiply
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
		if err != nil {
			d.close()
		}
	}()
	for _, b := range blocks {
		t := upload(p, b, dim)
		d.blocks = append(d.blocks, t)
		if err := t.ToDevice(d.backend, 0); err != nil {
			return nil, fmt.Errorf("copying vectors to the device: %w", err)
		}
		if p == Int8 {
			scales := make([]float32, filledUp(b.rows))
			copy(scales, b.scales)
			t := tensors.FromFlatDataAndDimensions(scales, len(scales))
			d.scales = append(d.scales, t)
			if err := t.ToDevice(d.backend, 0); err != nil {
				return nil, fmt.Errorf("copying scales to the device: %w", err)
			}
		}
	}
	d.exec, err = NewExec(d.backend, func(in []*Node) []*Node { // queries [d, batch], block [R, d] → [R, batch]
		scores := DotGeneral(ConvertDType(in[1], dtypes.Float32), []int{1}, nil, in[0], []int{0}, nil)
		if len(in) == 3 {
			scores = Mul(scores, InsertAxes(in[2], -1))
		}
		return []*Node{scores}
	})
	if err != nil {
		return nil, err
	}
	d.exec.WithName("flat").SetMaxCache(-1)
	return d, nil
}

// filledUp is R for a block of so many rows.
func filledUp(rows int) int { return (rows + deviceStep - 1) / deviceStep * deviceStep }

// upload makes the tensor of a block.
func upload(p Precision, b block, dim int) *tensors.Tensor {
	rows := filledUp(b.rows)
	n := rows * dim
	switch p {
	case F16:
		half := make([]float16.Float16, n)
		for i := range b.rows * dim {
			half[i] = float16.FromBits(uint16(b.data[2*i]) | uint16(b.data[2*i+1])<<8)
		}
		return tensors.FromFlatDataAndDimensions(half, rows, dim)
	case Int8:
		bytes := make([]int8, n)
		for i := range b.rows * dim {
			bytes[i] = int8(b.data[i])
		}
		return tensors.FromFlatDataAndDimensions(bytes, rows, dim)
	}
	floats := make([]float32, n)
	p.decode(floats[:b.rows*dim], b.data)
	return tensors.FromFlatDataAndDimensions(floats, rows, dim)
}

func (d *device) unit() float64 { return d.u }

func (d *device) scores(_, i int, queries []float32, batch int, visit func([]float32, int)) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	padded := 1 // a program is compiled for each size of batch: powers of 4
	for padded < batch {
		padded *= 4
	}
	columns := make([]float32, d.dim*padded) // the layout that XLA multiplies fastest
	for j := range batch {
		for l := range d.dim {
			columns[l*padded+j] = queries[j*d.dim+l]
		}
	}
	q := tensors.FromFlatDataAndDimensions(columns, d.dim, padded)
	defer func() { _ = q.FinalizeAll() }()
	args := []any{q, d.blocks[i]}
	if d.scales != nil {
		args = append(args, d.scales[i])
	}
	out, err := d.exec.Call(args...)
	if err != nil {
		return err
	}
	defer func() { _ = out[0].FinalizeAll() }()
	return tensors.ConstFlatData(out[0], func(scores []float32) { visit(scores, padded) })
}

func (d *device) close() {
	for _, list := range [][]any{d.blocks, d.scales} {
		for _, t := range list {
			_ = t.(*tensors.Tensor).FinalizeAll()
		}
	}
	if d.exec != nil {
		d.exec.Finalize()
	}
}
