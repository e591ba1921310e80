package model

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/gomlx/compute/dtypes"

	"searchrl/checkpoint"
)

// decoder builds the Qwen2 network into a graph. Its methods map nodes to nodes; they panic on error, as GoMLX expects
// of graph builders, and the executor turns that into an error.
type decoder struct {
	cfg checkpoint.Config
	w   map[string]*Node // by Hugging Face name
}

// attention mixes the tokens of layer n: q is [queries, Heads, HeadDim] and already scaled by 1/√HeadDim, k and v are
// [tokens, KVHeads, HeadDim]; the result is [queries, Heads·HeadDim]. The queries are those of all tokens, but where it says
// otherwise.
type attention func(n int, q, k, v *Node) *Node

// hidden returns the final hidden states [tokens, HiddenSize], after the last norm. tokens and positions are [tokens] int32.
func (d *decoder) hidden(tokens, positions *Node, attend attention) *Node {
	return d.hiddenAt(tokens, positions, nil, attend, attend)
}

// hiddenAt is hidden at the places at, [places] int32, alone: [places, HiddenSize]. The last layer needs the keys and values
// of all tokens, but queries and all that follows at these places only; last mixes the tokens there. A nil at means all.
func (d *decoder) hiddenAt(tokens, positions, at *Node, attend, last attention) *Node {
	cos, sin := d.rotary(positions)
	x := Gather(d.w["model.embed_tokens.weight"], InsertAxes(tokens, -1))
	for n := range d.cfg.Layers - 1 {
		x = d.block(n, x, cos, sin, nil, attend)
	}
	x = d.block(d.cfg.Layers-1, x, cos, sin, at, last)
	return d.norm(x, d.w["model.norm.weight"])
}

// block is one transformer layer: x + attention(norm x), then x + SwiGLU(norm x); at the places at, or at all if it is nil.
func (d *decoder) block(n int, x, cos, sin, at *Node, attend attention) *Node {
	weight := func(name string) *Node { return d.w[fmt.Sprintf("model.layers.%d.%s", n, name)] }
	heads := func(h *Node, name string, count int) *Node {
		y := Add(linear(h, weight("self_attn."+name+"_proj.weight")), InsertAxes(weight("self_attn."+name+"_proj.bias"), 0))
		return Reshape(y, -1, count, d.cfg.HeadDim)
	}
	h := d.norm(x, weight("input_layernorm.weight"))
	k := rotate(heads(h, "k", d.cfg.KVHeads), cos, sin)
	v := heads(h, "v", d.cfg.KVHeads)
	if at != nil {
		at = InsertAxes(at, -1)
		x, h, cos, sin = Gather(x, at), Gather(h, at), Gather(cos, at), Gather(sin, at)
	}
	q := rotate(heads(h, "q", d.cfg.Heads), cos, sin)
	q = MulScalar(q, 1/math.Sqrt(float64(d.cfg.HeadDim)))
	x = Add(x, linear(attend(n, q, k, v), weight("self_attn.o_proj.weight")))

	h = d.norm(x, weight("post_attention_layernorm.weight"))
	gate := linear(h, weight("mlp.gate_proj.weight"))
	up := linear(h, weight("mlp.up_proj.weight"))
	return Add(x, linear(Mul(Mul(gate, Sigmoid(gate)), up), weight("mlp.down_proj.weight")))
}

// head returns the output head's matrix [VocabSize, HiddenSize].
func (d *decoder) head() *Node {
	if d.cfg.TieEmbeddings {
		return d.w["model.embed_tokens.weight"]
	}
	return d.w["lm_head.weight"]
}

// linear is x·Wᵀ: [tokens, in] by [out, in] gives [tokens, out].
func linear(x, w *Node) *Node {
	return DotGeneral(x, []int{1}, nil, w, []int{1}, nil)
}

// norm is RMSNorm: x/√(mean x² + ε) · weight.
func (d *decoder) norm(x, weight *Node) *Node {
	size := x.Shape().Dim(-1)
	ones := MulScalar(Ones(x.Graph(), shapeF32(1, size)), 1/float64(size))
	mean := linear(Square(x), ones) // a reduction by matrix product is the faster one on the pure-Go backend
	root := Sqrt(AddScalar(mean, d.cfg.RMSNormEps))
	return Mul(Div(x, root), InsertAxes(weight, 0)) // Rsqrt has no gradient in GoMLX
}

// rotary returns cos and sin of position·θ^(−2i/d), [tokens, 1, HeadDim/2].
func (d *decoder) rotary(positions *Node) (cos, sin *Node) {
	half := d.cfg.HeadDim / 2
	angle := Mul(
		Reshape(ConvertDType(positions, dtypes.Float32), -1, 1, 1),
		Reshape(Const(positions.Graph(), d.cfg.RotaryFrequencies()), 1, 1, half))
	return Cos(angle), Sin(angle)
}

// rotate applies rotary positions to x [tokens, heads, HeadDim]: the pairs (i, i+HeadDim/2) turn by angle i.
func rotate(x, cos, sin *Node) *Node {
	half := x.Shape().Dim(-1) / 2
	a := Slice(x, AxisRange(), AxisRange(), AxisRange(0, half))
	b := Slice(x, AxisRange(), AxisRange(), AxisRange(half))
	return Concatenate([]*Node{
		Sub(Mul(a, cos), Mul(b, sin)),
		Add(Mul(b, cos), Mul(a, sin)),
	}, -1)
}
