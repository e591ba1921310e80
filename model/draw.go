package model

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// deviceVocab is the vocabulary from which on tokens are drawn on the device rather than from logits on the host: copying
// 64 × 150,000 logits and taking their exponentials in float64 costs more than a step of a small model on a GPU.
const deviceVocab = 8192

// drawsOnDevice reports whether all samples can be drawn on the device, which knows no top-k and top-p.
func (m *Model) drawsOnDevice(samples []*sample) bool {
	if m.cfg.VocabSize < m.deviceVocab {
		return false
	}
	for _, s := range samples {
		r := s.request.Sampling
		// Truncation does not matter to greedy decoding.
		if r.Temperature > 0 && (r.TopK > 0 && r.TopK < m.cfg.VocabSize || r.TopP > 0 && r.TopP < 1) {
			return false
		}
	}
	return true
}

// drawGraph draws a token for each row of logits [samples, V] by inversion of the distribution's cumulative sum: chance is
// uniform in [0, 1) and temperature the divisor, 0 for greedy decoding, both [samples]. It returns ids [samples] and
// their log-probabilities.
//
// The cumulative sum runs over √V groups of √V tokens, first between groups, then within the group that is hit. It is a
// masked reduction, not a matrix product, since some devices round the operands of those.
func drawGraph(logits, chance, temperature *Node) (ids, logProbs *Node) {
	g, samples, vocab := logits.Graph(), logits.Shape().Dim(0), logits.Shape().Dim(1)
	zero := ScalarZero(g, dtypes.Float32)
	greedy := Equal(temperature, ZerosLike(temperature))
	divisor := InsertAxes(Where(greedy, OnesLike(temperature), temperature), -1)
	scaled := Div(logits, divisor)
	shifted := Sub(scaled, ReduceAndKeep(scaled, ReduceMax, -1))

	size := int(math.Ceil(math.Sqrt(float64(vocab))))
	groups := (vocab + size - 1) / size
	weight := Pad(Exp(shifted), zero, PadAxis{}, PadAxis{End: groups*size - vocab})
	weight = Reshape(weight, samples, groups, size)
	// after returns how many leading sums of x [samples, n] are at most the share, and the sum before that place.
	after := func(x, share *Node) (place, before *Node) {
		n := x.Shape().Dim(1)
		shape := shapes.Make(dtypes.Int32, samples, n, n)
		within := LessOrEqual(Iota(g, shape, 2), Iota(g, shape, 1))
		sums := ReduceSum(Where(within, BroadcastToDims(InsertAxes(x, 1), samples, n, n), zero), 2)
		passed := LessOrEqual(sums, InsertAxes(share, -1))
		place = ReduceSum(ConvertDType(passed, dtypes.Int32), 1)
		before = ReduceSum(Where(passed, x, zero), 1)
		return Min(place, Scalar(g, dtypes.Int32, n-1)), before
	}
	rows := Iota(g, shapes.Make(dtypes.Int32, samples, 1), 0)
	at := func(x, place *Node) *Node { return Gather(x, Concatenate([]*Node{rows, InsertAxes(place, -1)}, 1)) }
	inGroup := ReduceSum(weight, 2) // [samples, groups]
	total := ReduceSum(inGroup, 1)
	share := Mul(chance, total)
	group, before := after(inGroup, share)
	member, _ := after(at(weight, group), Sub(share, before))
	ids = Add(MulScalar(group, size), member)
	best := ArgMax(logits, -1, dtypes.Int32)
	// Rounding may hit a place without probability, at the end of a group; the most likely token stands in.
	flat := Reshape(weight, samples, groups*size)
	missed := Equal(at(flat, ids), ZerosLike(total))
	ids = Where(LogicalOr(greedy, missed), best, ids)
	return ids, Sub(at(shifted, ids), Log(total))
}
