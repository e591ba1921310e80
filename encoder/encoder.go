package encoder

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"sync"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"searchrl/accel"
	"searchrl/checkpoint"
	"searchrl/tokenizer/wordpiece"
)

// Encoder maps texts to vectors. Its weights live on a backend's device. It is safe for concurrent use.
type Encoder struct {
	cfg     Config
	tok     *wordpiece.Tokenizer
	backend compute.Backend
	budget  int // tokens of a batch, padding included
	workers int // batches computed at the same time
	digest  string

	names   []string // of the parameters, sorted; params are in this order
	params  []any
	embed   *Exec
	mu      sync.RWMutex // Close waits for running batches
	closed  bool
	shapes  sync.Mutex // guards batches
	batches map[[2]int]bool
}

// Open loads the model folder at the root of fsys, tokenizer included, and puts it on the backend. change, which may be
// nil, may set what the folder does not say: the prefixes, the longest text. The caller closes the encoder before the
// backend.
func Open(backend *accel.Backend, fsys fs.FS, change func(*Config)) (*Encoder, error) {
	cfg, w, err := Load(fsys)
	if err != nil {
		return nil, err
	}
	if change != nil {
		change(&cfg)
	}
	tok, err := wordpiece.Load(fsys)
	if err != nil {
		return nil, fmt.Errorf("encoder: loading a model: %w", err)
	}
	return New(backend, cfg, w, tok)
}

// New puts the weights on the backend's device. They are copied; tok is kept. The caller closes the encoder before the
// backend.
func New(backend *accel.Backend, cfg Config, w checkpoint.Weights, tok *wordpiece.Tokenizer) (*Encoder, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("encoder: %w", err)
	}
	if tok != nil && tok.VocabSize() > cfg.VocabSize {
		return nil, fmt.Errorf("encoder: the tokenizer has %d ids, the model %d", tok.VocabSize(), cfg.VocabSize)
	}
	e := &Encoder{cfg: cfg, tok: tok, backend: backend.Compute(), budget: 16384, workers: 1, batches: map[[2]int]bool{}}
	if backend.IsCPU() {
		e.budget = 2048 // larger batches outgrow a processor's caches
	}
	if backend.Kind() == accel.Go {
		e.workers = 2 // one batch does not use all cores
	}
	shapes := ParamShapes(cfg)
	e.names = w.Names()
	if len(e.names) != len(shapes) {
		return nil, fmt.Errorf("encoder: %d tensors, expected %d", len(w), len(shapes))
	}
	for _, name := range e.names {
		if !slices.Equal(w[name].Shape, shapes[name]) {
			return nil, fmt.Errorf("encoder: tensor %q has shape %v, expected %v", name, w[name].Shape, shapes[name])
		}
	}
	e.digest = digest(cfg, w)
	err := contain(func() error {
		for _, name := range e.names {
			t := tensors.FromFlatDataAndDimensions(w[name].Data, w[name].Shape...)
			e.params = append(e.params, t)
			if err := t.ToDevice(e.backend, 0); err != nil {
				return fmt.Errorf("copying %s to the device: %w", name, err)
			}
		}
		var err error
		if e.embed, err = NewExec(e.backend, e.build); err != nil {
			return err
		}
		e.embed.WithName("embed").SetMaxCache(-1)
		return nil
	})
	if err != nil {
		e.Close()
		return nil, fmt.Errorf("encoder: %w", err)
	}
	return e, nil
}

// build is the program: tokens [B, T], lengths [B] and the weights to embeddings [B, D] and hidden states [B, T, D].
func (e *Encoder) build(in []*Node) []*Node {
	n := &network{cfg: e.cfg, w: map[string]*Node{}}
	for i, name := range e.names {
		n.w[name] = in[2+i]
	}
	hidden := n.hidden(in[0], in[1])
	return []*Node{n.pool(hidden, in[0], in[1]), hidden}
}

// Config returns the configuration.
func (e *Encoder) Config() Config { return e.cfg }

// Dim returns the length of a vector.
func (e *Encoder) Dim() int { return e.cfg.HiddenSize }

// Digest identifies what vectors depend on: weights, pooling, limits and prefixes. Vectors of encoders with different digests
// cannot be compared.
func (e *Encoder) Digest() string { return e.digest }

func digest(cfg Config, w checkpoint.Weights) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %v %s %v %d %q %q\n", cfg.Heads, cfg.LayerNormEps, cfg.Pooling, cfg.Normalise, cfg.MaxTokens, cfg.QueryPrefix, cfg.PassagePrefix)
	for _, name := range w.Names() {
		fmt.Fprintf(h, "%s %v\n", name, w[name].Shape)
		block := make([]byte, 0, 1<<16)
		for part := range slices.Chunk(w[name].Data, 1<<14) {
			block = block[:0]
			for _, v := range part {
				block = binary.LittleEndian.AppendUint32(block, math.Float32bits(v))
			}
			h.Write(block)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Queries returns the vectors of queries, each with the query prefix in front.
func (e *Encoder) Queries(ctx context.Context, queries []string) ([][]float32, error) {
	return e.encode(ctx, e.cfg.QueryPrefix, queries)
}

// Passages returns the vectors of passages, each with the passage prefix in front.
func (e *Encoder) Passages(ctx context.Context, passages []string) ([][]float32, error) {
	return e.encode(ctx, e.cfg.PassagePrefix, passages)
}

var errClosed = errors.New("encoder: used after Close")

// Close frees what the encoder holds on the device, after the batches that are being computed. A second Close does nothing.
func (e *Encoder) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	e.closed = true
	for _, p := range e.params {
		release(p.(*tensors.Tensor))
	}
	e.params = nil
	if e.embed != nil {
		e.embed.Finalize()
	}
}
