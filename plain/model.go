package plain

import (
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"

	"searchrl/checkpoint"
	"searchrl/tokenizer"
)

// Model is a Qwen2 decoder. It is safe for concurrent use.
type Model struct {
	cfg       checkpoint.Config
	embedding matrix // [V, D]
	layers    []layer
	norm      []float32 // [D]
	output    matrix    // [V, D], the output head; the embedding itself if tied
	omega     []float32 // [d/2], the rotary frequencies
	tok       *tokenizer.Tokenizer
	eos       []int
	workers   int
	cache     *cache
	computed  atomic.Int64
}

// Computed returns how many tokens [Model.Generate] and [Model.Score] have put through the transformer so far. Tokens whose keys
// and values were shared or cached do not count.
func (m *Model) Computed() int64 { return m.computed.Load() }

// layer holds one transformer block's parameters.
type layer struct {
	inputNorm, postNorm []float32 // [D]
	q, k, v, o          matrix    // [H·d, D], [K·d, D], [K·d, D], [D, H·d]
	qBias, kBias, vBias []float32
	gate, up, down      matrix // [F, D], [F, D], [D, F]
}

// matrix is [rows, cols], row-major: y = W·x reads it row by row.
type matrix struct {
	rows, cols int
	data       []float32
}

// row returns row i.
func (w matrix) row(i int) []float32 { return w.data[i*w.cols : (i+1)*w.cols] }

// Option adjusts a [Model].
type Option func(*Model)

// DefaultPrefixCache is the bound of a new model's prefix cache, in bytes.
const DefaultPrefixCache = 256 << 20

// WithPrefixCache bounds the keys and values that are kept from call to call, in bytes; 0 keeps none. Results do not
// depend on it.
func WithPrefixCache(bytes int64) Option {
	return func(m *Model) { m.cache.limit = bytes }
}

// WithWorkers sets the number of goroutines that a call uses; by default one per processor. Results do not depend on it.
func WithWorkers(n int) Option {
	return func(m *Model) { m.workers = max(1, n) }
}

// New makes a model of the weights, which it shares and which must not change any more. tok finds stop texts; it may be nil
// where none are used. Samples end at cfg's end-of-sequence tokens, or, if it has none, at the tokenizer's.
func New(cfg checkpoint.Config, w checkpoint.Weights, tok *tokenizer.Tokenizer, options ...Option) (*Model, error) {
	if err := w.CheckShapes(cfg); err != nil {
		return nil, fmt.Errorf("plain: %w", err)
	}
	m := &Model{
		cfg: cfg, tok: tok, eos: slices.Clone(cfg.EOS), workers: runtime.GOMAXPROCS(0),
		embedding: matrixOf(w["model.embed_tokens.weight"]),
		omega:     cfg.RotaryFrequencies(),
		norm:      w["model.norm.weight"].Data,
		cache:     newCache(int64(cfg.Layers*2*cfg.KVHeads*cfg.HeadDim*BlockSize)*4, DefaultPrefixCache),
	}
	m.output = m.embedding
	if !cfg.TieEmbeddings {
		m.output = matrixOf(w["lm_head.weight"])
	}
	if len(m.eos) == 0 && tok != nil {
		if id, ok := tok.EOS(); ok {
			m.eos = []int{id}
		}
	}
	for n := range cfg.Layers {
		param := func(name string) *checkpoint.Tensor { return w[fmt.Sprintf("model.layers.%d.%s", n, name)] }
		m.layers = append(m.layers, layer{
			inputNorm: param("input_layernorm.weight").Data,
			q:         matrixOf(param("self_attn.q_proj.weight")), qBias: param("self_attn.q_proj.bias").Data,
			k: matrixOf(param("self_attn.k_proj.weight")), kBias: param("self_attn.k_proj.bias").Data,
			v: matrixOf(param("self_attn.v_proj.weight")), vBias: param("self_attn.v_proj.bias").Data,
			o:        matrixOf(param("self_attn.o_proj.weight")),
			postNorm: param("post_attention_layernorm.weight").Data,
			gate:     matrixOf(param("mlp.gate_proj.weight")),
			up:       matrixOf(param("mlp.up_proj.weight")),
			down:     matrixOf(param("mlp.down_proj.weight")),
		})
	}
	for _, option := range options {
		option(m)
	}
	return m, nil
}

func matrixOf(t *checkpoint.Tensor) matrix { return matrix{t.Shape[0], t.Shape[1], t.Data} }

// checkTokens reports the first token that is not in the vocabulary, or that there are none.
func (m *Model) checkTokens(tokens []int) error {
	if len(tokens) == 0 {
		return fmt.Errorf("no tokens, want at least one")
	}
	for i, id := range tokens {
		if id < 0 || id >= m.cfg.VocabSize {
			return fmt.Errorf("token %d is %d, want 0 to %d", i, id, m.cfg.VocabSize-1)
		}
	}
	return nil
}

// checkLength reports a sequence that is longer than the model's positions.
func (m *Model) checkLength(n int) error {
	if n > m.cfg.MaxPositions {
		return fmt.Errorf("sequence of %d tokens is longer than the model's %d positions", n, m.cfg.MaxPositions)
	}
	return nil
}
