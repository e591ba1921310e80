package model

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"searchrl/checkpoint"
)

// masked is what is added to the score of a key that must not be seen. exp of it is 0 in float32.
const masked = -1e30

func shapeF32(dims ...int) shapes.Shape { return shapes.Make(dtypes.Float32, dims...) }

// blockAttention returns grouped-query attention within a row, block by block: keys is [blocks, K] int32, the key blocks
// of each query block, visible [blocks, blockSize, K·blockSize] bool.
func blockAttention(cfg checkpoint.Config, keys, visible *Node) attention {
	g := keys.Graph()
	blocks, width := keys.Shape().Dim(0), visible.Shape().Dim(2)
	group := cfg.Heads / cfg.KVHeads
	batch, queries := cfg.KVHeads*blocks, group*blockSize

	// Keys are looked up in [KVHeads·blocks, …], so that every product below is one batched matrix product.
	offsets := MulScalar(Iota(g, shapes.Make(dtypes.Int32, cfg.KVHeads, blocks, keys.Shape().Dim(1)), 0), blocks)
	at := Reshape(Add(InsertAxes(keys, 0), offsets), -1, 1)
	zero := ScalarZero(g, dtypes.Float32)
	bias := Where(visible, zero, Scalar(g, dtypes.Float32, masked))
	bias = BroadcastToDims(Reshape(bias, 1, blocks, 1, blockSize, width), cfg.KVHeads, blocks, group, blockSize, width)
	bias = Reshape(bias, batch, queries, width)

	byBlock := func(x *Node) *Node { // [tokens, KVHeads, d] → [KVHeads·blocks, keys, d]
		dim := x.Shape().Dim(-1)
		x = TransposeAllAxes(Reshape(x, blocks, blockSize, cfg.KVHeads, dim), 2, 0, 1, 3)
		return Reshape(Gather(Reshape(x, batch, blockSize*dim), at), batch, width, dim)
	}
	return func(_ int, q, k, v *Node) *Node {
		dim := cfg.HeadDim
		q = TransposeAllAxes(Reshape(q, blocks, blockSize, cfg.KVHeads, group, dim), 2, 0, 3, 1, 4)
		q = Reshape(q, batch, queries, dim)
		score := Add(DotGeneral(q, []int{2}, []int{0}, byBlock(k), []int{2}, []int{0}), bias)
		top := StopGradient(ReduceAndKeep(score, ReduceMax, -1)) // for numerical range only: it cancels out
		weight := Exp(Sub(score, top))
		// A column of ones makes the product give the softmax's denominator as well.
		values := Concatenate([]*Node{byBlock(v), Ones(g, shapeF32(batch, width, 1))}, -1)
		mixed := DotGeneral(weight, []int{2}, []int{0}, values, []int{1}, []int{0})
		out := Div(Slice(mixed, AxisRange(), AxisRange(), AxisRange(0, dim)), Slice(mixed, AxisRange(), AxisRange(), AxisRange(dim)))
		out = TransposeAllAxes(Reshape(out, cfg.KVHeads, blocks, group, blockSize, dim), 1, 3, 0, 2, 4)
		return Reshape(out, blocks*blockSize, cfg.Heads*dim)
	}
}

// placeAttention is blockAttention for queries at a few places of the row, at [places] int32: each attends to the key blocks of
// its own block. Keys are gathered for each place, not for each block, so it costs less only where places are few.
func placeAttention(cfg checkpoint.Config, keys, visible, at *Node) attention {
	g := keys.Graph()
	blocks, count, width := keys.Shape().Dim(0), keys.Shape().Dim(1), visible.Shape().Dim(2)
	places, group, dim := at.Shape().Dim(0), cfg.Heads/cfg.KVHeads, cfg.HeadDim
	batch := places * cfg.KVHeads
	at = InsertAxes(at, -1)

	perToken := BroadcastToDims(InsertAxes(keys, 1), blocks, blockSize, count)
	mine := InsertAxes(Gather(Reshape(perToken, blocks*blockSize, count), at), -1) // [places, K, 1]
	zero := ScalarZero(g, dtypes.Float32)
	bias := Where(Gather(Reshape(visible, blocks*blockSize, width), at), zero, Scalar(g, dtypes.Float32, masked))
	bias = Reshape(BroadcastToDims(InsertAxes(bias, 1), places, cfg.KVHeads, width), batch, 1, width)
	byPlace := func(x *Node) *Node { // [tokens, KVHeads, d] → [places·KVHeads, keys, d]
		x = Reshape(Gather(Reshape(x, blocks, blockSize*cfg.KVHeads*dim), mine), places, width, cfg.KVHeads, dim)
		return Reshape(TransposeAllAxes(x, 0, 2, 1, 3), batch, width, dim)
	}
	return func(_ int, q, k, v *Node) *Node {
		q = Reshape(q, batch, group, dim)
		score := Add(DotGeneral(q, []int{2}, []int{0}, byPlace(k), []int{2}, []int{0}), bias)
		weight := Exp(Sub(score, ReduceAndKeep(score, ReduceMax, -1)))
		mixed := DotGeneral(weight, []int{2}, []int{0}, byPlace(v), []int{1}, []int{0})
		return Reshape(Div(mixed, ReduceAndKeep(weight, ReduceSum, -1)), places, cfg.Heads*dim)
	}
}
