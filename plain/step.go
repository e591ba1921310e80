package plain

import (
	"math"

	"gonum.org/v1/gonum/blas"
	blasgo "gonum.org/v1/gonum/blas/gonum"
)

// stepper runs the transformer for one token at a time. It owns the scratch memory and so serves one goroutine.
type stepper struct {
	m                              *Model
	x, h, q, k, v, heads, gate, up []float32
	sin, cos                       []float32 // of the position's rotary angles
	scores                         []float32 // one head's attention over the past
	logits                         []float32
	pushed                         int64 // tokens so far
}

func (m *Model) newStepper() *stepper {
	c := m.cfg
	return &stepper{
		m: m, x: vector(c.HiddenSize), h: vector(c.HiddenSize),
		q: vector(c.Heads * c.HeadDim), k: vector(c.KVHeads * c.HeadDim), v: vector(c.KVHeads * c.HeadDim),
		heads: vector(c.Heads * c.HeadDim), gate: vector(c.IntermediateSize), up: vector(c.IntermediateSize),
		sin: vector(c.HeadDim / 2), cos: vector(c.HeadDim / 2), logits: vector(c.VocabSize),
	}
}

// vector allocates n zeros at an address that is a multiple of 16, as Go's allocator gives for 32 bytes and more: gonum's
// kernels add up in an order that depends on the address modulo 16, and results must not depend on luck.
func vector(n int) []float32 { return make([]float32, n, max(n, 8)) }

// push appends a token to the sequence: it computes its keys and values and, if whole, leaves its last hidden state in s.x
// for next. Where nobody asks for logits the last layer's keys and values are the end of it. The same formulas as in
// forward.go.
func (s *stepper) push(seq *sequence, token int, whole bool) {
	m, d := s.m, s.m.cfg.HeadDim
	t := seq.len()
	own := m.writable(seq)
	column := len(own.tokens)
	own.tokens = append(own.tokens, token)
	s.pushed++
	for i, omega := range m.omega {
		sin, cos := math.Sincos(float64(float32(t) * omega))
		s.sin[i], s.cos[i] = float32(sin), float32(cos)
	}
	if rows := len(seq.blocks) * BlockSize; len(s.scores) < rows {
		s.scores = vector(2 * rows)
	}
	copy(s.x, m.embedding.row(token))
	for i := range m.layers {
		l := &m.layers[i]
		s.rmsNorm(l.inputNorm)
		l.k.timesPlus(s.h, s.k, l.kBias)
		l.v.timesPlus(s.h, s.v, l.vBias)
		for g := range m.cfg.KVHeads {
			s.rope(s.k[g*d : (g+1)*d])
			keys, values := m.component(own, i, 0, g), m.component(own, i, 1, g)
			for j := range d {
				keys[j*BlockSize+column] = s.k[g*d+j]
				values[j*BlockSize+column] = s.v[g*d+j]
			}
		}
		if i == len(m.layers)-1 && !whole {
			return
		}
		l.q.timesPlus(s.h, s.q, l.qBias)
		for h := range m.cfg.Heads {
			s.rope(s.q[h*d : (h+1)*d])
			s.attend(seq, i, h, h*m.cfg.KVHeads/m.cfg.Heads)
		}
		l.o.timesAdd(s.heads, s.x)
		s.rmsNorm(l.postNorm)
		l.gate.times(s.h, s.gate)
		l.up.times(s.h, s.up)
		for j, z := range s.gate {
			s.up[j] *= z / (1 + exp(-z))
		}
		l.down.timesAdd(s.up, s.x)
	}
}

// next computes the logits after the token that was pushed last, whole. They are valid until the next call.
func (s *stepper) next() []float32 {
	s.rmsNorm(s.m.norm)
	s.m.output.times(s.h, s.logits)
	return s.logits
}

// attend computes head h's attention over the whole sequence, block by block, into its part of s.heads.
func (s *stepper) attend(seq *sequence, layer, h, g int) {
	d := s.m.cfg.HeadDim
	q, out := s.q[h*d:(h+1)*d], s.heads[h*d:(h+1)*d]
	scale := float32(1 / math.Sqrt(float64(d)))
	n := 0
	for _, b := range seq.blocks { // scores = Kᵀ q / √d
		count := len(b.tokens)
		kernels.Sgemv(blas.Trans, d, count, scale, s.m.component(b, layer, 0, g), BlockSize, q, 1, 0, s.scores[n:n+count], 1)
		n += count
	}
	scores := s.scores[:n]
	top := scores[0]
	for _, v := range scores {
		top = max(top, v)
	}
	sum := 0.0
	for i, v := range scores {
		scores[i] = exp(v - top)
		sum += float64(scores[i])
	}
	clear(out)
	n = 0
	for _, b := range seq.blocks { // out = V · softmax(scores)
		count := len(b.tokens)
		kernels.Sgemv(blas.NoTrans, d, count, 1, s.m.component(b, layer, 1, g), BlockSize, scores[n:n+count], 1, 1, out, 1)
		n += count
	}
	for i := range out {
		out[i] = float32(float64(out[i]) / sum)
	}
}

// rope turns one head's vector by the position's angles.
func (s *stepper) rope(x []float32) {
	half := len(x) / 2
	for i := range half {
		a, b := x[i], x[i+half]
		x[i] = a*s.cos[i] - b*s.sin[i]
		x[i+half] = b*s.cos[i] + a*s.sin[i]
	}
}

// rmsNorm sets s.h to the normalised s.x.
func (s *stepper) rmsNorm(w []float32) {
	sum := 0.0
	for _, v := range s.x {
		sum += float64(v) * float64(v)
	}
	scale := 1 / math.Sqrt(sum/float64(len(s.x))+s.m.cfg.RMSNormEps)
	for i, v := range s.x {
		s.h[i] = w[i] * float32(float64(v)*scale)
	}
}

// kernels are gonum's BLAS routines: vector instructions on amd64, plain Go elsewhere.
var kernels blasgo.Implementation

// times sets y = W·x.
func (w matrix) times(x, y []float32) {
	kernels.Sgemv(blas.NoTrans, w.rows, w.cols, 1, w.data, w.cols, x, 1, 0, y, 1)
}

// timesPlus sets y = W·x + b.
func (w matrix) timesPlus(x, y, b []float32) {
	copy(y, b)
	w.timesAdd(x, y)
}

// timesAdd adds W·x to y.
func (w matrix) timesAdd(x, y []float32) {
	kernels.Sgemv(blas.NoTrans, w.rows, w.cols, 1, w.data, w.cols, x, 1, 1, y, 1)
}

func exp(x float32) float32 { return float32(math.Exp(float64(x))) }
