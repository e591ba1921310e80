package model

import (
	"context"
	"errors"
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"searchrl/grpo"
)

// GradNorm implements grpo.GradientMeter: the global Euclidean norm of the gradient that Step would take its step along,
// before it is clipped. Weights and moments stay as they are.
func (m *Model) GradNorm(ctx context.Context, batch grpo.Batch, surrogate grpo.Surrogate) (float64, error) {
	if err := surrogate.Validate(); err != nil {
		return 0, fmt.Errorf("model: gradient norm: %w", err)
	}
	if len(batch.Targets) == 0 {
		return 0, errors.New("model: gradient norm: the batch has no targets")
	}
	if err := m.check(batch); err != nil {
		return 0, fmt.Errorf("model: gradient norm: %w", err)
	}
	p, err := pack(batch.Trees, batch.Targets, m.cost, m.opts.RowTokens)
	if err != nil {
		return 0, fmt.Errorf("model: gradient norm: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return 0, errClosed
	}
	gradient, _, _, err := m.gradients(ctx, p, surrogateProgram(surrogate), surrogate, batch.Targets)
	if err != nil {
		return 0, err
	}
	defer release(gradient...)
	out, err := m.call("norm", "weights", normGraph, anys(gradient))
	if err != nil {
		return 0, err
	}
	defer release(out...)
	return float64(tensors.ToScalar[float32](out[0])), nil
}

// normGraph maps tensors to the Euclidean norm of all their elements together.
func normGraph(in []*Node) []*Node {
	squares := ReduceAllSum(Square(in[0]))
	for _, x := range in[1:] {
		squares = Add(squares, ReduceAllSum(Square(x)))
	}
	return []*Node{Sqrt(squares)}
}
