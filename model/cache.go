package model

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"searchrl/checkpoint"
)

// The cache of a decoding batch has two parts, each with one tensor of keys and one of values for every layer,
// [samples, KVHeads, places, HeadDim]: the prefixes, which stay as they are, and the new tokens. New tokens are written at
// the same place in every sample, so only the small second part is rewritten from step to step. The pure-Go backend has no
// DynamicUpdateSlice; a Where over the place does it.

// prefillGraph evaluates a row of prefixes: the logits after each prefix, then keys and values of each layer for every
// token of the row, [tokens, KVHeads·HeadDim].
func (m *Model) prefillGraph(params, in []*Node) []*Node {
	d := m.decoderOf(params)
	attend := blockAttention(m.cfg, in[2], in[3])
	caches := make([]*Node, 2*m.cfg.Layers)
	hidden := d.hidden(in[0], in[1], func(n int, q, k, v *Node) *Node {
		caches[2*n], caches[2*n+1] = Reshape(k, k.Shape().Dim(0), -1), Reshape(v, v.Shape().Dim(0), -1)
		return attend(n, q, k, v)
	})
	logits := linear(Gather(hidden, InsertAxes(in[4], -1)), d.head())
	return append([]*Node{logits}, caches...)
}

// spreadGraph gives every sample its prefix: places is [samples, prefix] into the row's tokens.
func spreadGraph(cfg checkpoint.Config, rows []*Node, places *Node) []*Node {
	out := make([]*Node, len(rows))
	for i, x := range rows {
		x = Gather(x, InsertAxes(places, -1)) // [samples, prefix, KVHeads·HeadDim]
		x = Reshape(x, places.Shape().Dim(0), places.Shape().Dim(1), cfg.KVHeads, cfg.HeadDim)
		out[i] = TransposeAllAxes(x, 0, 2, 1, 3)
	}
	return out
}

// stepGraph feeds one token to each sample: tokens and lengths (of the prefixes) are [samples], step is the scalar number of
// new tokens that are in the cache already. It returns the logits [samples, VocabSize] and the new tokens' caches.
func (m *Model) stepGraph(params, prefix, fresh []*Node, tokens, lengths, step *Node) []*Node {
	d := m.decoderOf(params)
	g := tokens.Graph()
	samples, places, room := prefix[0].Shape().Dim(0), prefix[0].Shape().Dim(2), fresh[0].Shape().Dim(2)
	kv, group, dim := m.cfg.KVHeads, m.cfg.Heads/m.cfg.KVHeads, m.cfg.HeadDim
	batch := samples * kv

	zero, never := ScalarZero(g, dtypes.Float32), Scalar(g, dtypes.Float32, masked)
	iota := func(n int) *Node { return Iota(g, shapes.Make(dtypes.Int32, 1, n), 1) }
	old := Where(LessThan(iota(places), InsertAxes(lengths, -1)), zero, never) // [samples, places]
	old = Reshape(BroadcastToDims(InsertAxes(old, 1), samples, kv, places), batch, 1, places)
	recent := Reshape(Where(LessOrEqual(iota(room), Reshape(step, 1, 1)), zero, never), 1, 1, room)
	here := BroadcastToDims(Reshape(Equal(iota(room), Reshape(step, 1, 1)), 1, 1, room, 1), samples, kv, room, dim)

	out := make([]*Node, 1+len(fresh))
	attend := func(n int, q, k, v *Node) *Node {
		write := func(i int, x *Node) *Node {
			x = BroadcastToDims(Reshape(x, samples, kv, 1, dim), samples, kv, room, dim)
			out[1+i] = Where(here, x, fresh[i])
			return Reshape(out[1+i], batch, room, dim)
		}
		q = Reshape(q, batch, group, dim)
		newKeys, newValues := write(2*n, k), write(2*n+1, v)
		oldKeys, oldValues := Reshape(prefix[2*n], batch, places, dim), Reshape(prefix[2*n+1], batch, places, dim)
		scores := func(keys, bias *Node) *Node {
			return Add(DotGeneral(q, []int{2}, []int{0}, keys, []int{2}, []int{0}), bias)
		}
		mix := func(w, values *Node) *Node { return DotGeneral(w, []int{2}, []int{0}, values, []int{1}, []int{0}) }
		a, b := scores(oldKeys, old), scores(newKeys, recent)
		top := Max(ReduceAndKeep(a, ReduceMax, -1), ReduceAndKeep(b, ReduceMax, -1))
		a, b = Exp(Sub(a, top)), Exp(Sub(b, top))
		total := Add(ReduceAndKeep(a, ReduceSum, -1), ReduceAndKeep(b, ReduceSum, -1))
		return Reshape(Div(Add(mix(a, oldValues), mix(b, newValues)), total), samples, m.cfg.Heads*dim)
	}
	hidden := d.hidden(tokens, Add(lengths, step), attend)
	out[0] = linear(hidden, d.head())
	return out
}

// cacheShape is the shape of a decoding batch.
type cacheShape struct {
	samples int // a power of two
	prefix  int // places for the prefix
	room    int // places for new tokens
}

func (c cacheShape) String() string {
	return fmt.Sprintf("%d samples, %d+%d places", c.samples, c.prefix, c.room)
}

// sampleBucket rounds a number of samples up to a power of two of at least 8.
func sampleBucket(n int) int { return powerUp(max(n, 8)) }

// placeBucket rounds a number of places up to a power of two of at least 32.
func placeBucket(n int) int { return powerUp(max(n, 32)) }
