package flat

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// batchSize is the most queries that are multiplied at once; blockRows the rows that they are multiplied with: the block
// and the scores stay within a processor's caches.
const (
	batchSize = 64
	blockRows = 2048
)

// block is a run of rows, as they are stored.
type block struct {
	first  int // row
	rows   int
	data   []byte
	scales []float32 // of Int8
}

// products multiplies blocks with batches of queries.
type products interface {
	// scores returns the inner products of queries [batch, d], flat, with the rows of block i in float32: [batch, stride],
	// flat, of which the block's rows come first in each line. It is valid until the next call with the same worker.
	scores(worker, i int, queries []float32, batch int) (scores []float32, stride int, err error)
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

func (h *host) scores(worker, i int, queries []float32, batch int) ([]float32, int, error) {
	b, w := h.blocks[i], &h.work[worker]
	rows, ok := asFloats(b.data, h.precision)
	if !ok {
		if w.rows == nil {
			w.rows = make([]float32, blockRows*h.dim)
		}
		rows = w.rows[:b.rows*h.dim]
		h.precision.decode(rows, b.data)
	}
	if w.scores == nil {
		w.scores = make([]float32, batchSize*blockRows)
	}
	scores := w.scores[:batch*b.rows]
	a := blas32.General{Rows: b.rows, Cols: h.dim, Stride: h.dim, Data: rows}
	if batch == 1 {
		blas32.Gemv(blas.NoTrans, 1, a, blas32.Vector{N: h.dim, Inc: 1, Data: queries}, 0, blas32.Vector{N: b.rows, Inc: 1, Data: scores})
	} else {
		q := blas32.General{Rows: batch, Cols: h.dim, Stride: h.dim, Data: queries}
		blas32.Gemm(blas.NoTrans, blas.Trans, 1, q, a, 0, blas32.General{Rows: batch, Cols: b.rows, Stride: b.rows, Data: scores})
	}
	scale(scores, b)
	return scores, b.rows, nil
}

// scale multiplies each line's scores with the rows' scales.
func scale(scores []float32, b block) {
	if b.scales == nil {
		return
	}
	for line := scores; len(line) > 0; line = line[b.rows:] {
		for j, s := range b.scales {
			line[j] *= s
		}
	}
}
