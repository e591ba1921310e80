package gain

import (
	"context"
	"math/rand/v2"

	"searchrl/igsearch"
	"searchrl/likelihood"
	"searchrl/qa"
	"searchrl/rollout"
)

// Kernels are the functions that make advantages of gains, as values, so that a check can be run on the real ones and on
// versions with a planted fault. Their contracts are those of the functions that [Real] puts in.
type Kernels struct {
	Mean      func(o likelihood.Options, logProbs []float64) float64
	Gain      func(real []float64, others [][]float64) float64
	Normalise func(steps []igsearch.Step, n igsearch.Normalisation) []float64
	Modulate  func(m igsearch.Modulation, a, r, z float64) float64
	// Collect samples trees by IG-Search and sets their advantages.
	Collect func(m igsearch.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error)
}

// Real returns the functions that train.
func Real() Kernels {
	return Kernels{
		Mean:      likelihood.Options.Mean,
		Gain:      igsearch.Gain,
		Normalise: igsearch.Normalise,
		Modulate:  igsearch.Modulation.Modulate,
		Collect: func(m igsearch.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
			trees, _, err := m.Collect(context.Background(), env, questions, rng)
			return trees, err
		},
	}
}
