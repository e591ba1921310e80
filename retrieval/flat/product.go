package flat

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// batchSize is the most queries that are multiplied at once.
const batchSize = 64

// The rows that a batch is multiplied with at a time: on the host a block and its scores stay within a processor's caches;
// on a backend, where every call has its price, blocks are larger, see [deviceRows].
const (
	hostRows      = 2048
	maxDeviceRows = 1 << 14
	deviceBytes   = 24 << 20 // of a block as float32, which it becomes on its way to the product
	deviceStep    = 1 << 10  // blocks are filled up to a multiple of it: every size needs a program of its own
)

// deviceRows returns the rows of a block on a backend, a multiple of deviceStep.
func deviceRows(dim int) int {
	fit := deviceBytes / (4 * dim) / deviceStep * deviceStep
	return min(max(fit, deviceStep), maxDeviceRows)
}

// block is a run of rows, as they are stored.
type block struct {
	first  int // row
	rows   int
	data   []byte
	scales []float32 // of Int8
}

// products multiplies blocks with batches of queries.
type products interface {
	// scores gives to visit the inner products of the rows of block i with queries [batch, d], flat, in float32:
	// [rows, stride], flat, stride ≥ batch. They are valid during the call.
	scores(worker, i int, queries []float32, batch int, visit func(scores []float32, stride int)) error
	// unit is the relative error of one product of elements.
	unit() float64
	close()
}

// host computes on the processor by gonum: matrix products for batches, matrix–vector products for single queries.
type host struct {
	dim       int
	precision Precision
	blocks    []block
	work      []hostWork
}

type hostWork struct{ rows, scores []float32 }

func newHost(dim int, p Precision, blocks []block, workers int) *host {
	return &host{dim: dim, precision: p, blocks: blocks, work: make([]hostWork, workers)}
}

func (h *host) unit() float64 { return 0x1p-24 }
func (h *host) close()        {}

func (h *host) scores(worker, i int, queries []float32, batch int, visit func([]float32, int)) error {
	b, w := h.blocks[i], &h.work[worker]
	rows, ok := asFloats(b.data, h.precision)
	if !ok {
		if w.rows == nil {
			w.rows = make([]float32, hostRows*h.dim)
		}
		rows = w.rows[:b.rows*h.dim]
		h.precision.decode(rows, b.data)
	}
	if w.scores == nil {
		w.scores = make([]float32, batchSize*hostRows)
	}
	scores := w.scores[:b.rows*batch]
	a := blas32.General{Rows: b.rows, Cols: h.dim, Stride: h.dim, Data: rows}
	if batch == 1 {
		blas32.Gemv(blas.NoTrans, 1, a, blas32.Vector{N: h.dim, Inc: 1, Data: queries}, 0, blas32.Vector{N: b.rows, Inc: 1, Data: scores})
	} else {
		q := blas32.General{Rows: batch, Cols: h.dim, Stride: h.dim, Data: queries}
		blas32.Gemm(blas.NoTrans, blas.Trans, 1, a, q, 0, blas32.General{Rows: b.rows, Cols: batch, Stride: batch, Data: scores})
	}
	for i, s := range b.scales {
		for j := range batch {
			scores[i*batch+j] *= s
		}
	}
	visit(scores, batch)
	return nil
}
