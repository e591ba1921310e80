package plain

import (
	"fmt"
	"math"
)

// This file is the model as the papers write it, one token sequence at a time, with nothing done for speed. A sequence of
// hidden states is [][]float32: one row of D numbers for each position t. Sums are accumulated in float64.
//
//	D hidden size, F width of the SwiGLU block, V vocabulary, H query heads, K key/value heads, d head width
//
// Sources: "Attention is all you need" (Vaswani et al. 2017), RMSNorm (Zhang and Sennrich 2019), RoPE (Su et al. 2021),
// SwiGLU (Shazeer 2020), grouped-query attention (Ainslie et al. 2023), put together as in Qwen2 (Yang et al. 2024) and
// computed as in transformers' modeling_qwen2.py.

// Logits returns, for each position t, the unnormalised log-probabilities ℓ_t of the token after it: [len(tokens)][V].
func (m *Model) Logits(tokens []int) ([][]float32, error) {
	if err := m.checkTokens(tokens); err != nil {
		return nil, fmt.Errorf("plain: %w", err)
	}
	if err := m.checkLength(len(tokens)); err != nil {
		return nil, fmt.Errorf("plain: %w", err)
	}
	x := make([][]float32, len(tokens))
	for t, id := range tokens {
		x[t] = append([]float32(nil), m.embedding.row(id)...) // x_t = E[token_t]
	}
	for i := range m.layers {
		l := &m.layers[i]
		for t, a := range m.attention(l, m.rmsNorm(x, l.inputNorm)) { // x ← x + Attention(RMSNorm(x))
			add(x[t], a)
		}
		for t, h := range m.rmsNorm(x, l.postNorm) { // x ← x + SwiGLU(RMSNorm(x))
			add(x[t], swiGLU(l, h))
		}
	}
	logits := make([][]float32, len(tokens))
	for t, h := range m.rmsNorm(x, m.norm) {
		logits[t] = multiply(m.output, h) // ℓ_t = W_head · RMSNorm(x_t); W_head = E if tied
	}
	return logits, nil
}

// rmsNorm scales each row to root mean square 1, then each column by its weight:
//
//	y_i = w_i · x_i / √(1/D · Σ_j x_j² + ε)
func (m *Model) rmsNorm(x [][]float32, w []float32) [][]float32 {
	y := make([][]float32, len(x))
	for t := range x {
		sum := 0.0
		for _, v := range x[t] {
			sum += float64(v) * float64(v)
		}
		scale := 1 / math.Sqrt(sum/float64(len(x[t]))+m.cfg.RMSNormEps)
		y[t] = make([]float32, len(x[t]))
		for i, v := range x[t] {
			y[t][i] = w[i] * float32(float64(v)*scale)
		}
	}
	return y
}

// attention lets each position look at itself and those before it. For query head h, with key/value head g = ⌊h·K/H⌋:
//
//	q_t = RoPE(W_q x_t + b_q, t), k_t = RoPE(W_k x_t + b_k, t), v_t = W_v x_t + b_v      (the slices of head h or g)
//	a_ts = softmax over s ≤ t of (q_t · k_s / √d)
//	o_t = Σ_s≤t a_ts v_s
//
// and the heads' o_t, one after the other, go through W_o.
func (m *Model) attention(l *layer, x [][]float32) [][]float32 {
	d := m.cfg.HeadDim
	q, k, v := make([][]float32, len(x)), make([][]float32, len(x)), make([][]float32, len(x))
	for t := range x {
		q[t] = multiply(l.q, x[t])
		add(q[t], l.qBias)
		k[t] = multiply(l.k, x[t])
		add(k[t], l.kBias)
		v[t] = multiply(l.v, x[t])
		add(v[t], l.vBias)
		for h := range m.cfg.Heads {
			m.rope(q[t][h*d:(h+1)*d], t)
		}
		for g := range m.cfg.KVHeads {
			m.rope(k[t][g*d:(g+1)*d], t)
		}
	}
	out := make([][]float32, len(x))
	for t := range x {
		heads := make([]float32, m.cfg.Heads*d)
		for h := range m.cfg.Heads {
			g := h * m.cfg.KVHeads / m.cfg.Heads
			scores := make([]float64, t+1)
			for s := range scores {
				scores[s] = dot(q[t][h*d:(h+1)*d], k[s][g*d:(g+1)*d]) / math.Sqrt(float64(d))
			}
			softmax(scores)
			for i := range d {
				sum := 0.0
				for s, a := range scores {
					sum += a * float64(v[s][g*d+i])
				}
				heads[h*d+i] = float32(sum)
			}
		}
		out[t] = multiply(l.o, heads)
	}
	return out
}

// rope turns the pair (x_i, x_{i+d/2}) of one head by the angle t·ω_i, ω_i = θ^(−2i/d), for i in [0, d/2): Hugging Face's
// "rotate half" order of the pairs. Frequencies, angles, sines and cosines are rounded to float32, as they are there.
func (m *Model) rope(x []float32, t int) {
	half := len(x) / 2
	for i := range half {
		sin, cos := math.Sincos(float64(float32(t) * m.omega[i]))
		a, b := x[i], x[i+half]
		x[i] = a*float32(cos) - b*float32(sin)
		x[i+half] = b*float32(cos) + a*float32(sin)
	}
}

// swiGLU is the feed-forward block: W_down · (silu(W_gate x) ⊙ W_up x) with silu(z) = z/(1 + e^−z).
func swiGLU(l *layer, x []float32) []float32 {
	gate, up := multiply(l.gate, x), multiply(l.up, x)
	for i, z := range gate {
		up[i] *= float32(float64(z) / (1 + math.Exp(-float64(z))))
	}
	return multiply(l.down, up)
}

// softmax replaces z by e^z_i / Σ_j e^z_j; the largest is subtracted first, which changes nothing but the overflow.
func softmax(z []float64) {
	top := math.Inf(-1)
	for _, v := range z {
		top = max(top, v)
	}
	sum := 0.0
	for i, v := range z {
		z[i] = math.Exp(v - top)
		sum += z[i]
	}
	for i := range z {
		z[i] /= sum
	}
}

// multiply returns W·x.
func multiply(w matrix, x []float32) []float32 {
	y := make([]float32, w.rows)
	for i := range y {
		y[i] = float32(dot(w.row(i), x))
	}
	return y
}

func dot(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// add adds b to a.
func add(a, b []float32) {
	for i := range a {
		a[i] += b[i]
	}
}
