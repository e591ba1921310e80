package encoder

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// masked is added to the score of a key that is padding; exp of it is 0 in float32.
const masked = -1e30

// network builds BERT into a graph. Its methods map nodes to nodes; they panic on error, as GoMLX expects of graph
// builders, and the encoder turns that into an error.
type network struct {
	cfg Config
	w   map[string]*Node // by Hugging Face name, without "bert."
}

// hidden returns the final hidden states [B, T, D] of tokens [B, T] int32, of which the first lengths [B] int32 count.
func (n *network) hidden(tokens, lengths *Node) *Node {
	g := tokens.Graph()
	batch, width := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	d, heads := n.cfg.HiddenSize, n.cfg.Heads

	x := Gather(n.w["embeddings.word_embeddings.weight"], Reshape(tokens, batch*width, 1))
	positions := Slice(n.w["embeddings.position_embeddings.weight"], AxisRange(0, width))
	kind := Slice(n.w["embeddings.token_type_embeddings.weight"], AxisRange(0, 1))
	x = Reshape(Add(Reshape(x, batch, width, d), InsertAxes(Add(positions, kind), 0)), batch*width, d)
	x = n.norm(x, "embeddings.LayerNorm")

	bias := Where(n.counts(tokens, lengths), ScalarZero(g, dtypes.Float32), Scalar(g, dtypes.Float32, masked)) // [B, T]
	bias = Reshape(BroadcastToDims(Reshape(bias, batch, 1, 1, width), batch, heads, 1, width), batch*heads, 1, width)
	for i := range n.cfg.Layers {
		x = n.block(fmt.Sprintf("encoder.layer.%d.", i), x, batch, bias)
	}
	return Reshape(x, batch, width, d)
}

// block is one transformer layer, norms after the residuals: x = norm(x + attention x), x = norm(x + feed-forward x).
// x is [B·T, D]; bias [B·H, 1, T] is added to the scores.
func (n *network) block(name string, x *Node, batch int, bias *Node) *Node {
	d, heads := n.cfg.HiddenSize, n.cfg.Heads
	split := func(part string) *Node { // [B·T, D] → [B·H, T, D/H]
		y := Reshape(n.linear(x, name+"attention.self."+part), batch, -1, heads, d/heads)
		return Reshape(TransposeAllAxes(y, 0, 2, 1, 3), batch*heads, -1, d/heads)
	}
	q := MulScalar(split("query"), 1/math.Sqrt(float64(d/heads)))
	score := Add(DotGeneral(q, []int{2}, []int{0}, split("key"), []int{2}, []int{0}), bias) // [B·H, T, T]
	mixed := DotGeneral(Softmax(score, -1), []int{2}, []int{0}, split("value"), []int{1}, []int{0})
	mixed = Reshape(TransposeAllAxes(Reshape(mixed, batch, heads, -1, d/heads), 0, 2, 1, 3), -1, d)
	x = n.norm(Add(x, n.linear(mixed, name+"attention.output.dense")), name+"attention.output.LayerNorm")

	h := n.linear(x, name+"intermediate.dense")
	h = MulScalar(Mul(h, AddScalar(Erf(MulScalar(h, math.Sqrt2/2)), 1)), 0.5) // GELU, exact
	return n.norm(Add(x, n.linear(h, name+"output.dense")), name+"output.LayerNorm")
}

// pool makes one vector [B, D] of each text's hidden states [B, T, D].
func (n *network) pool(hidden, tokens, lengths *Node) *Node {
	batch, width, d := hidden.Shape().Dim(0), hidden.Shape().Dim(1), hidden.Shape().Dim(2)
	if n.cfg.Pooling == CLS {
		return Reshape(Slice(hidden, AxisRange(), AxisRange(0, 1), AxisRange()), batch, d)
	}
	weight := ConvertDType(n.counts(tokens, lengths), dtypes.Float32)
	sum := DotGeneral(Reshape(weight, batch, 1, width), []int{2}, []int{0}, hidden, []int{1}, []int{0})
	count := MaxScalar(ConvertDType(lengths, dtypes.Float32), 1) // rows that fill up a batch are empty
	return Div(Reshape(sum, batch, d), Reshape(count, batch, 1))
}

// counts is [B, T], true where a token is not padding.
func (n *network) counts(tokens, lengths *Node) *Node {
	place := Iota(tokens.Graph(), tokens.Shape(), 1)
	return LessThan(place, BroadcastToShape(Reshape(lengths, -1, 1), tokens.Shape()))
}

// linear is x·Wᵀ + b: [tokens, in] gives [tokens, out].
func (n *network) linear(x *Node, name string) *Node {
	return Add(DotGeneral(x, []int{1}, nil, n.w[name+".weight"], []int{1}, nil), InsertAxes(n.w[name+".bias"], 0))
}

// norm is LayerNorm over the last axis of x [tokens, D].
func (n *network) norm(x *Node, name string) *Node {
	// Reductions by matrix product are the faster ones on the pure Go backend.
	size := x.Shape().Dim(1)
	mean := func(x *Node) *Node {
		return DotGeneral(x, []int{1}, nil, MulScalar(Ones(x.Graph(), shapeF32(1, size)), 1/float64(size)), []int{1}, nil)
	}
	x = Sub(x, mean(x))
	x = Div(x, Sqrt(AddScalar(mean(Square(x)), n.cfg.LayerNormEps)))
	return Add(Mul(x, InsertAxes(n.w[name+".weight"], 0)), InsertAxes(n.w[name+".bias"], 0))
}
