package model

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"searchrl/grpo"
)

// apply takes an AdamW step along the gradient, which it frees, and returns the gradient's norm before clipping. If the
// norm is not finite nothing changes and an error is returned. The caller holds mu for writing.
func (m *Model) apply(gradient []*tensors.Tensor, o grpo.AdamW) (float64, error) {
	defer release(gradient...)
	if m.moments == nil {
		for range 2 {
			for _, p := range m.params {
				dims := p.Shape().Dimensions
				zero, err := m.upload(make([]float32, p.Size()), dims...)
				if err != nil {
					return 0, fmt.Errorf("model: %w", err)
				}
				m.moments = append(m.moments, zero)
			}
		}
	}
	t := float64(m.steps + 1)
	settings := []float32{
		float32(o.LearningRate / (1 - math.Pow(o.Beta1, t))), // step size with the first moment's bias correction
		float32(math.Sqrt(1 - math.Pow(o.Beta2, t))),         // the second moment's
		float32(1 - o.LearningRate*o.WeightDecay),
		float32(o.Beta1), float32(1 - o.Beta1), float32(o.Beta2), float32(1 - o.Beta2),
		float32(o.Epsilon), float32(o.MaxGradNorm),
	}
	out, err := m.call("adamw", "weights", m.adamWGraph, append(anys(m.params, m.moments, gradient), settings))
	if err != nil {
		return 0, err
	}
	n := len(m.params)
	norm := float64(tensors.ToScalar[float32](out[3*n]))
	release(out[3*n])
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		release(out[:3*n]...)
		return norm, fmt.Errorf("model: step: the gradient's norm is %v; the weights are as they were", norm)
	}
	release(m.params...)
	release(m.moments...)
	m.params, m.moments = out[:n:n], out[n:3*n]
	m.steps++
	m.version++
	return norm, nil
}

// adamWGraph maps parameters, first moments, second moments, gradients and settings to the new parameters and moments and
// the gradient's norm: Loshchilov and Hutter (2019), Algorithm 2, with decay on every parameter.
func (m *Model) adamWGraph(in []*Node) []*Node {
	n := len(m.names)
	params, first, second, gradient, settings := in[:n], in[n:2*n], in[2*n:3*n], in[3*n:4*n], in[4*n]
	setting := func(i int) *Node { return Reshape(Slice(settings, AxisElem(i))) }
	var squares *Node
	for _, g := range gradient {
		s := ReduceAllSum(Square(g))
		if squares == nil {
			squares = s
		} else {
			squares = Add(squares, s)
		}
	}
	norm, limit := Sqrt(squares), setting(8)
	one := ScalarOne(settings.Graph(), norm.DType())
	// As torch.nn.utils.clip_grad_norm_: limit/(norm + 1e-6), at most 1.
	scale := Where(GreaterThan(limit, ZerosLike(limit)), Min(one, Div(limit, AddScalar(norm, 1e-6))), one)
	out := make([]*Node, 3*n+1)
	for i := range n {
		g := Mul(gradient[i], scale)
		m1 := Add(Mul(first[i], setting(3)), Mul(g, setting(4)))
		m2 := Add(Mul(second[i], setting(5)), Mul(Square(g), setting(6)))
		change := Mul(Div(m1, Add(Div(Sqrt(m2), setting(1)), setting(7))), setting(0))
		out[i], out[n+i], out[2*n+i] = Sub(Mul(params[i], setting(2)), change), m1, m2
	}
	out[3*n] = norm
	return out
}
