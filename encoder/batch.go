package encoder

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"golang.org/x/sync/errgroup"
)

// widths are the lengths that texts are padded to: each compiles programs of its own, so there are few. Beyond the last one
// they are multiples of it.
var widths = []int{16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512}

// bucket returns the length that a text of n tokens is padded to.
func (e *Encoder) bucket(n int) int {
	for _, w := range widths {
		if n <= w {
			return min(w, e.cfg.MaxPositions)
		}
	}
	last := widths[len(widths)-1]
	return min((n+last-1)/last*last, e.cfg.MaxPositions)
}

// rows returns the number of texts of a batch of the given width in which n of them are to be computed: a power of 4, and
// never more than fill the budget.
func (e *Encoder) rows(width, n int) int {
	rows := 1
	for rows < n && 4*rows*width <= max(e.budget, width) {
		rows *= 4
	}
	return rows
}

// encode tokenizes, sorts by length, computes in batches of equal width and returns the vectors in the order of texts. A
// vector depends on its text alone, up to the rounding of float32.
func (e *Encoder) encode(ctx context.Context, prefix string, texts []string) ([][]float32, error) {
	if e.tok == nil {
		return nil, errors.New("encoder: there is no tokenizer")
	}
	ids := make([][]int, len(texts))
	for i, text := range texts {
		var err error
		if ids[i], err = e.tok.Encode(prefix+text, e.cfg.MaxTokens); err != nil {
			return nil, err
		}
	}
	order := make([]int, len(texts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(ids[b]) - len(ids[a]) })

	out := make([][]float32, len(texts))
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(e.workers)
	for len(order) > 0 && running.Err() == nil {
		width := e.bucket(len(ids[order[0]]))
		rows := e.rows(width, len(order))
		batch := order[:min(rows, len(order))]
		order = order[len(batch):]
		group.Go(func() error {
			if err := running.Err(); err != nil {
				return err
			}
			sequences := make([][]int, len(batch))
			for i, at := range batch {
				sequences[i] = ids[at]
			}
			vectors, _, err := e.compute(sequences, rows, width, false)
			for i, at := range batch {
				if err == nil {
					out[at] = vectors[i*e.cfg.HiddenSize:][:e.cfg.HiddenSize:e.cfg.HiddenSize]
				}
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return out, ctx.Err()
}

// compute returns the vectors of sequences of token ids, flat, padded to [rows, width], and their hidden states
// [rows, width, D] where these are wanted.
func (e *Encoder) compute(sequences [][]int, rows, width int, wantHidden bool) (vectors, hidden []float32, err error) {
	tokens, lengths := make([]int32, rows*width), make([]int32, rows)
	for i, ids := range sequences {
		lengths[i] = int32(len(ids))
		for j, id := range ids {
			if id < 0 || id >= e.cfg.VocabSize {
				return nil, nil, fmt.Errorf("encoder: token id %d is not in the vocabulary of %d", id, e.cfg.VocabSize)
			}
			tokens[i*width+j] = int32(id)
		}
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return nil, nil, errClosed
	}
	e.shapes.Lock()
	e.batches[[2]int{rows, width}] = true
	e.shapes.Unlock()
	err = contain(func() error {
		args := append([]any{
			tensors.FromFlatDataAndDimensions(tokens, rows, width), tensors.FromFlatDataAndDimensions(lengths, rows),
		}, e.params...)
		defer release(args[0].(*tensors.Tensor), args[1].(*tensors.Tensor))
		out, err := e.embed.Call(args...)
		if err != nil {
			return err
		}
		defer release(out...)
		if wantHidden {
			if hidden, err = tensors.CopyFlatData[float32](out[1]); err != nil {
				return err
			}
		}
		vectors, err = tensors.CopyFlatData[float32](out[0])
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("encoder: computing %d texts of up to %d tokens: %w", len(sequences), width, err)
	}
	for i := range sequences {
		vector := vectors[i*e.cfg.HiddenSize:][:e.cfg.HiddenSize]
		if err := finish(vector, e.cfg.Normalise); err != nil {
			return nil, nil, err
		}
	}
	return vectors, hidden, nil
}

// finish checks a vector and scales it to length 1 where that is wanted; 0 stays 0.
func finish(v []float32, normalise bool) error {
	square := 0.0
	for _, x := range v {
		square += float64(x) * float64(x)
	}
	if math.IsNaN(square) || math.IsInf(square, 0) {
		return errors.New("encoder: an embedding is not finite")
	}
	if normalise {
		scale := 1 / max(math.Sqrt(square), 1e-12)
		for i, x := range v {
			v[i] = float32(float64(x) * scale)
		}
	}
	return nil
}

// Programs returns the number of shapes that batches had so far; each is compiled once.
func (e *Encoder) Programs() int {
	e.shapes.Lock()
	defer e.shapes.Unlock()
	return len(e.batches)
}

// contain turns the panics of graph building and of tensors into errors.
func contain(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return f()
}

func shapeF32(dims ...int) shapes.Shape { return shapes.Make(dtypes.Float32, dims...) }

// release frees tensors. A failure leaves memory to the garbage collector and has no other consequence.
func release(ts ...*tensors.Tensor) {
	for _, t := range ts {
		_ = t.FinalizeAll()
	}
}
