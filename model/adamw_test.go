package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/stretchr/testify/require"

	"searchrl/accel"
	"searchrl/grpo"
)

// slowAdamW is Algorithm 2 of Loshchilov and Hutter (2019) in float64, one parameter at a time, after the gradient has been scaled
// down to the largest norm.
type slowAdamW struct {
	x, m, v []float64
	t       int
}

func (s *slowAdamW) step(gradient []float64, o grpo.AdamW) (norm float64) {
	for _, g := range gradient {
		norm += g * g
	}
	norm = math.Sqrt(norm)
	s.t++
	for i, g := range gradient {
		if o.MaxGradNorm > 0 && norm > o.MaxGradNorm {
			g *= o.MaxGradNorm / norm
		}
		s.m[i] = o.Beta1*s.m[i] + (1-o.Beta1)*g
		s.v[i] = o.Beta2*s.v[i] + (1-o.Beta2)*g*g
		m := s.m[i] / (1 - math.Pow(o.Beta1, float64(s.t)))
		v := s.v[i] / (1 - math.Pow(o.Beta2, float64(s.t)))
		s.x[i] -= o.LearningRate*m/(math.Sqrt(v)+o.Epsilon) + o.LearningRate*o.WeightDecay*s.x[i]
	}
	return norm
}

// TestAdamW compares the compiled optimiser with the slow one over some steps, clipped and not: every setting matters in them.
func TestAdamW(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *accel.Backend) {
		m := newModel(t, b, tiny, Options{})
		slow := slowAdamW{}
		for _, p := range m.params {
			data, err := tensors.CopyFlatData[float32](p)
			require.NoError(t, err)
			for _, x := range data {
				slow.x = append(slow.x, float64(x))
			}
		}
		slow.m, slow.v = make([]float64, len(slow.x)), make([]float64, len(slow.x))
		rng := rand.New(rand.NewPCG(3, 4))
		for step := range 6 {
			o := grpo.AdamW{LearningRate: 0.01, Beta1: 0.8, Beta2: 0.95, Epsilon: 0.03, WeightDecay: 0.5, MaxGradNorm: 1}
			size := []float64{0.1, 0.001, 0.02}[step%3] // norms above 1, below it, and again above
			if step == 4 {
				o.MaxGradNorm = 0
			}
			var gradient []*tensors.Tensor
			var flat []float64
			for _, p := range m.params {
				data := make([]float32, p.Size())
				for i := range data {
					data[i] = float32(size * rng.NormFloat64())
					flat = append(flat, float64(data[i]))
				}
				g, err := m.upload(data, p.Shape().Dimensions...)
				require.NoError(t, err)
				gradient = append(gradient, g)
			}
			norm, err := m.apply(gradient, o)
			require.NoError(t, err)
			want := slow.step(flat, o)
			require.InEpsilon(t, want, norm, 1e-5)
			i := 0
			for n, p := range m.params {
				data, err := tensors.CopyFlatData[float32](p)
				require.NoError(t, err)
				for _, x := range data {
					require.InDelta(t, slow.x[i], x, 2e-6*math.Max(1, math.Abs(slow.x[i])), "step %d, %s", step+1, m.names[n])
					i++
				}
			}
		}
	})
}
