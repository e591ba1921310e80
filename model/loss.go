package model

import (
	. "github.com/gomlx/gomlx/core/graph"

	"searchrl/grpo"
)

// predictions holds what the loss needs of each target, all [targets].
type predictions struct {
	logProb *Node // log π(target) at the given temperature
	entropy *Node // entropy of π there
}

// predict evaluates the targets at the hidden states of their predecessors, h [targets, HiddenSize]: ids are [targets] int32,
// temperature is a scalar. Only these rows go through the output head.
func (d *decoder) predict(h, ids, temperature *Node) predictions {
	h = Div(h, temperature)
	logits := linear(h, d.head()) // [targets, V]
	top := StopGradient(ReduceAndKeep(logits, ReduceMax, -1))
	shifted := Sub(logits, top)
	weight := Exp(shifted)
	ones := Ones(h.Graph(), shapeF32(1, logits.Shape().Dim(1)))
	total := linear(weight, ones) // [targets, 1]
	logTotal := Log(total)
	chosen := ReduceAndKeep(Mul(h, Gather(d.head(), InsertAxes(ids, -1))), ReduceSum, -1)
	entropy := Sub(logTotal, Div(linear(Mul(weight, shifted), ones), total))
	flat := func(x *Node) *Node { return Reshape(x, -1) }
	return predictions{logProb: flat(Sub(Sub(chosen, top), logTotal)), entropy: flat(entropy)}
}

// objective holds the targets' data, all [targets] float32, padding with weight 0, and the loss's settings as scalars.
type objective struct {
	advantage, oldLogProb, refLogProb, weight *Node
	clipLow, clipHigh, klCoef, entropyCoef    *Node
}

// surrogate builds the loss of grpo.Surrogate. Which terms exist is decided when the graph is built, their coefficients are inputs.
func (o objective) surrogate(p predictions, kl grpo.KL, withKL, withEntropy bool) *Node {
	one := ScalarOne(p.logProb.Graph(), p.logProb.DType())
	ratio := Exp(Sub(p.logProb, o.oldLogProb))
	free := Mul(ratio, o.advantage)
	bounded := Mul(Clip(ratio, Sub(one, o.clipLow), Add(one, o.clipHigh)), o.advantage)
	// Where, not Min: at a tie the gradient is that of the unclipped term, all of it.
	loss := Neg(Where(LessThan(bounded, free), StopGradient(bounded), free))
	if withKL {
		logR := Sub(o.refLogProb, p.logProb)
		var estimate *Node
		switch kl {
		case grpo.K1:
			estimate = Neg(logR)
		case grpo.K2:
			estimate = MulScalar(Square(logR), 0.5)
		default:
			estimate = Sub(Sub(Exp(logR), one), logR)
		}
		loss = Add(loss, Mul(o.klCoef, estimate))
	}
	if withEntropy {
		loss = Sub(loss, Mul(o.entropyCoef, p.entropy))
	}
	return ReduceAllSum(Mul(o.weight, loss))
}
