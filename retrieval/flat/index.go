package flat

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"searchrl/accel"
)

// Index holds vectors and searches them exactly. It is safe for concurrent use.
type Index struct {
	dim       int
	rows      int
	precision Precision
	maxNorm   float64 // of the stored vectors
	about     map[string]string
	blocks    []block
	shards    []block // the same rows as the blocks, by file
	unmap     []func() error

	mu       sync.RWMutex // Close waits for searches
	closed   bool
	products products
	workers  chan int // tokens: which worker's buffers are free
}

// Options change how an index is opened. The zero value computes on the processor, without a limit.
type Options struct {
	// Limit is the most memory, in bytes, that the index may take by [Estimate]; 0 is no limit.
	Limit int64
	// Backend computes the products where it is not nil and not the pure Go backend: the vectors are copied to its device.
	// The caller closes it after the index.
	Backend *accel.Backend
}

// New makes an index of vectors in memory; about may be nil.
func New(vectors [][]float32, p Precision, opts Options) (*Index, error) {
	if p.size() == 0 {
		return nil, fmt.Errorf("flat: unknown precision %q", p)
	}
	if len(vectors) == 0 || len(vectors[0]) == 0 {
		return nil, errors.New("flat: no vectors")
	}
	x := &Index{dim: len(vectors[0]), rows: len(vectors), precision: p}
	if err := checkLimit(x.rows, x.dim, p, opts); err != nil {
		return nil, err
	}
	all := block{rows: x.rows, data: make([]byte, 0, x.rows*x.dim*p.size())}
	for i, v := range vectors {
		if err := p.check(v, x.dim); err != nil {
			return nil, fmt.Errorf("flat: vector %d: %w", i, err)
		}
		all.data, all.scales = p.appendRow(all.data, all.scales, v)
		x.maxNorm = max(x.maxNorm, x.storedNorm(all, i))
	}
	x.shards = []block{all}
	return x, x.start(opts)
}

// start cuts the shards into blocks and makes ready what multiplies.
func (x *Index) start(opts Options) error {
	size := x.dim * x.precision.size()
	onDevice := opts.Backend != nil && opts.Backend.Kind() != accel.Go
	blockRows := hostRows
	if onDevice {
		blockRows = deviceRows(x.dim)
	}
	for _, s := range x.shards {
		for at := 0; at < s.rows; at += blockRows {
			b := block{first: s.first + at, rows: min(blockRows, s.rows-at)}
			b.data = s.data[at*size : (at+b.rows)*size]
			if s.scales != nil {
				b.scales = s.scales[at : at+b.rows]
			}
			x.blocks = append(x.blocks, b)
		}
	}
	workers := runtime.GOMAXPROCS(0)
	if onDevice {
		workers = 2 // one product is computed while the scores of another are looked through
		d, err := newDevice(opts.Backend, x.dim, x.precision, x.blocks)
		if err != nil {
			return fmt.Errorf("flat: %w", err)
		}
		x.products = d
	} else {
		x.products = newHost(x.dim, x.precision, x.blocks, workers)
	}
	x.workers = make(chan int, workers)
	for w := range workers {
		x.workers <- w
	}
	return nil
}

// Rows returns the number of vectors, Dim their length, Precision how they are stored.
func (x *Index) Rows() int { return x.rows }

// Dim returns the length of a vector.
func (x *Index) Dim() int { return x.dim }

// Precision says how the vectors are stored.
func (x *Index) Precision() Precision { return x.precision }

// About returns what the builder noted about the vectors.
func (x *Index) About(key string) string { return x.about[key] }

// Search returns for each query the k stored vectors of the highest inner product with it, best first, ties in favour of
// the earlier row; fewer where the index has fewer. k must be at least 1.
func (x *Index) Search(ctx context.Context, queries [][]float32, k int) ([][]Match, error) {
	if k < 1 {
		return nil, fmt.Errorf("flat: k is %d, expected 1 or more", k)
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.closed {
		return nil, errors.New("flat: used after Close")
	}
	flat := make([]float32, 0, len(queries)*x.dim)
	slack := make([]float64, len(queries))
	n := float64(x.dim + 2)
	for i, q := range queries {
		if err := checkVector(q, x.dim); err != nil {
			return nil, fmt.Errorf("flat: query %d: %w", i, err)
		}
		length := norm(q) * x.maxNorm
		if length > 1e37 {
			return nil, fmt.Errorf("flat: query %d: its products with the stored vectors are beyond float32", i)
		}
		const u = 0x1p-24
		slack[i] = 2*length*(n*u/(1-n*u)+2*(x.products.unit()-u)) + 1e-37
		flat = append(flat, q...)
	}
	out := make([][]Match, 0, len(queries))
	for at := 0; at < len(queries); at += batchSize {
		end := min(at+batchSize, len(queries))
		found, err := x.batch(ctx, flat[at*x.dim:end*x.dim], slack[at:end], min(k, x.rows))
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// batch searches for at most batchSize queries.
func (x *Index) batch(ctx context.Context, queries []float32, slack []float64, k int) ([][]Match, error) {
	var next atomic.Int64
	var mu sync.Mutex
	var all []*nominees
	group, ctx := errgroup.WithContext(ctx)
	for range min(cap(x.workers), len(x.blocks)) {
		group.Go(func() error {
			var worker int
			select {
			case worker = <-x.workers:
			case <-ctx.Done():
				return ctx.Err()
			}
			defer func() { x.workers <- worker }()
			mine := make([]*nominees, len(slack))
			for i, s := range slack {
				mine[i] = newNominees(k, s)
			}
			for i := int(next.Add(1)) - 1; i < len(x.blocks); i = int(next.Add(1)) - 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
				b := x.blocks[i]
				err := x.products.scores(worker, i, queries, len(slack), func(scores []float32, stride int) {
					offer(mine, b.first, scores[:b.rows*stride], stride)
				})
				if err != nil {
					return fmt.Errorf("flat: multiplying: %w", err)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if all == nil {
				all = mine
				return nil
			}
			for i, n := range mine {
				all[i].merge(n)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	out := make([][]Match, len(slack))
	row := make([]float32, x.dim)
	for i, n := range all {
		q := queries[i*x.dim:][:x.dim]
		out[i] = n.settle(func(r int) float64 { return x.exact(q, r, row) })
	}
	return out, nil
}

// exact is the inner product of q with a row in float64; buffer holds the row.
func (x *Index) exact(q []float32, row int, buffer []float32) float64 {
	b := x.blockOf(row)
	size := x.dim * x.precision.size()
	x.precision.decode(buffer, b.data[(row-b.first)*size:][:size])
	sum := 0.0
	for i, v := range buffer {
		sum += float64(q[i]) * float64(v)
	}
	if b.scales != nil {
		sum *= float64(b.scales[row-b.first])
	}
	return sum
}

// blockOf returns the block of a row. All blocks of a shard but its last are full.
func (x *Index) blockOf(row int) block {
	low, high := 0, len(x.blocks)
	for high-low > 1 {
		if middle := (low + high) / 2; x.blocks[middle].first <= row {
			low = middle
		} else {
			high = middle
		}
	}
	return x.blocks[low]
}

// storedNorm returns ‖v‖ of a row of s as it is stored.
func (x *Index) storedNorm(s block, row int) float64 {
	return storedNorm(x.precision, x.dim, s, row)
}

func storedNorm(p Precision, dim int, s block, row int) float64 {
	v := make([]float32, dim)
	p.decode(v, s.data[row*dim*p.size():])
	n := norm(v)
	if s.scales != nil {
		n *= float64(s.scales[row])
	}
	return n
}

func checkVector(v []float32, dim int) error {
	if len(v) != dim {
		return fmt.Errorf("%d elements, expected %d", len(v), dim)
	}
	for i, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return fmt.Errorf("element %d is %v", i, x)
		}
	}
	return nil
}

// Close releases the files and what is on the device, after the searches under way. A second Close does nothing.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil
	}
	x.closed = true
	if x.products != nil {
		x.products.close()
	}
	var errs []error
	for _, unmap := range x.unmap {
		errs = append(errs, unmap())
	}
	x.blocks, x.shards = nil, nil
	return errors.Join(errs...)
}
