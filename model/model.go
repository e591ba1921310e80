package model

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"searchrl/accel"
	"searchrl/checkpoint"
	"searchrl/grpo"
	"searchrl/plain"
	"searchrl/rollout"
	"searchrl/tokenizer"
)

// Model is a Qwen2 decoder whose weights live on a backend's device. It implements grpo.Learner, hence rollout.Policy.
// It implements grpo.Critic, too, by a second network (see critic.go). It is safe for concurrent use; optimiser steps exclude
// everything else.
type Model struct {
	cfg     checkpoint.Config
	tok     *tokenizer.Tokenizer
	backend compute.Backend
	opts    Options
	cost    cost

	// mu guards the weights: read by evaluation, written by optimiser steps and Close.
	mu      sync.RWMutex
	closed  bool
	names   []string // of the parameters, sorted; params and the moments are in this order
	params  []*tensors.Tensor
	moments []*tensors.Tensor // first moments, then second; nil until the first step
	steps   int               // optimiser steps taken, for the bias correction
	version int               // counts changes of the weights

	programs programs
	decoder  string // DecoderPlain or DecoderCompiled
	eos      []int
	// deviceVocab is the constant of that name but in tests.
	deviceVocab int

	criticMu sync.Mutex // before mu
	critic   *Model     // the network of the critic; nil until it is asked for

	hostMu      sync.Mutex // after mu
	host        *plain.Model
	hostVersion int // the version of the weights that host has
}

var _ grpo.Learner = (*Model)(nil)
var _ grpo.Critic = (*Model)(nil)
var _ rollout.Policy = (*Model)(nil)

// Options tune a Model. The zero value is good.
type Options struct {
	// Decoder says what samples, and what Score runs on: "plain" (package plain, on the host), "compiled" (on the backend), or "auto", the
	// default: the faster of them by a measured rule.
	Decoder string
	// RowTokens is the length of the longest packed row, unless a single path is longer. It bounds the memory that a
	// training step takes. 0 means 1024 where the processor computes (longer rows outgrow its caches: 1024 took the least
	// processor time of 256 to 8192 on both backends), else 8192.
	RowTokens int
	// Workers is the number of rows evaluated at the same time; 0 means 2 on the pure-Go backend, where one evaluation
	// does not use all cores, and 1 elsewhere. Results do not depend on it.
	Workers int
}

// The values of Options.Decoder.
const (
	DecoderAuto     = "auto"
	DecoderPlain    = "plain"
	DecoderCompiled = "compiled"
)

// New puts the weights on the backend's device. They are copied; tok is kept. The caller closes the model before the backend.
func New(backend *accel.Backend, cfg checkpoint.Config, w checkpoint.Weights, tok *tokenizer.Tokenizer, opts Options) (*Model, error) {
	if err := w.Check(cfg); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if !slices.Contains([]string{"", DecoderAuto, DecoderPlain, DecoderCompiled}, opts.Decoder) {
		return nil, fmt.Errorf("model: unknown decoder %q, expected auto, plain or compiled", opts.Decoder)
	}
	if opts.RowTokens < 0 || opts.Workers < 0 {
		return nil, fmt.Errorf("model: row tokens %d and workers %d must not be negative", opts.RowTokens, opts.Workers)
	}
	if opts.RowTokens == 0 {
		opts.RowTokens = 8192
		if backend.IsCPU() {
			opts.RowTokens = 1024
		}
	}
	if opts.Workers == 0 {
		opts.Workers = 1
		if backend.Kind() == accel.Go {
			opts.Workers = 2
		}
	}
	m := &Model{cfg: cfg, tok: tok, backend: backend.Compute(), opts: opts, names: w.Names(), deviceVocab: deviceVocab}
	parameters := 0
	for _, t := range w {
		parameters += len(t.Data)
	}
	m.decoder = chooseDecoder(opts.Decoder, backend, parameters)
	if m.eos = cfg.EOS; len(m.eos) == 0 && tok != nil {
		if id, ok := tok.EOS(); ok {
			m.eos = []int{id}
		}
	}
	m.cost = newCost(cfg, backend.Kind(), opts.Workers)
	for _, name := range m.names {
		t, err := m.upload(w[name].Data, w[name].Shape...)
		if err != nil {
			m.Close()
			return nil, fmt.Errorf("model: copying %s to the device: %w", name, err)
		}
		m.params = append(m.params, t)
	}
	return m, nil
}

// newCost estimates, in units of a multiplication and addition, forward only. The weight of a score is more than its
// two products: exponentials and masks are slow next to matrix products.
func newCost(cfg checkpoint.Config, kind accel.Kind, workers int) cost {
	head := cfg.VocabSize * cfg.HiddenSize
	linear := 0
	for _, shape := range checkpoint.ParamShapes(cfg) {
		if len(shape) == 2 && shape[0] != cfg.VocabSize {
			linear += shape[0] * shape[1]
		}
	}
	score := cfg.Layers * cfg.Heads * (2*cfg.HeadDim + 60)
	return cost{row: 5e6, token: float64(linear), score: float64(score), target: float64(head), workers: workers, coarse: kind != accel.Go}
}

// Config returns the model's configuration.
func (m *Model) Config() checkpoint.Config { return m.cfg }

// Weights returns a copy of the current weights on the host.
func (m *Model) Weights() (checkpoint.Weights, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.download()
}

// download copies the weights to the host. The caller holds mu.
func (m *Model) download() (checkpoint.Weights, error) {
	if m.closed {
		return nil, errClosed
	}
	w := checkpoint.Weights{}
	for i, name := range m.names {
		data, err := tensors.CopyFlatData[float32](m.params[i])
		if err != nil {
			return nil, fmt.Errorf("model: copying %s from the device: %w", name, err)
		}
		w[name] = &checkpoint.Tensor{Shape: slices.Clone(m.params[i].Shape().Dimensions), Data: data}
	}
	return w, nil
}

var errClosed = errors.New("model: used after Close")

// Close frees what the model holds on the device. A second Close does nothing.
func (m *Model) Close() {
	m.criticMu.Lock()
	defer m.criticMu.Unlock()
	if m.critic != nil {
		m.critic.Close()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	m.closed = true
	release(m.params...)
	release(m.moments...)
	m.params, m.moments, m.host = nil, nil, nil
	m.programs.close()
}

// release frees tensors. A failure leaves memory to the garbage collector and has no other consequence.
func release(ts ...*tensors.Tensor) {
	for _, t := range ts {
		if t != nil {
			_ = t.FinalizeAll()
		}
	}
}
