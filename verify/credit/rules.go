package credit

import (
	"context"
	"math/rand/v2"

	"searchrl/baseline/gigpo"
	"searchrl/baseline/igpo"
	"searchrl/baseline/mrsearch"
	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/rollout"
)

// Rules are the functions that assign credit, as values, so that a check can be run on the real ones and on versions with a planted
// fault. Their contracts are those of the functions that [Real] puts in.
type Rules struct {
	// GiGPO: A_{i,t} of a question's episodes.
	Episodes func(c gigpo.Credit, group []gigpo.Episode) [][]float64
	// Collect samples trees by GiGPO and sets their advantages.
	Collect func(m gigpo.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error)

	// MR-Search: A_{i,n} of a question's trajectories, and where they go in a tree.
	Attempts    func(rewards [][]float64, discount float64) [][]float64
	SetAttempts func(tree *rollout.Tree, leaf int, advantages []float64)

	// IGPO: the turns' gains, and A_t of a question's trajectories.
	Gains func(p []float64) []float64
	Turns func(group []igpo.Episode, gamma float64, norm grpo.Normalisation) [][]float64
}

// Real returns the functions that train.
func Real() Rules {
	return Rules{
		Episodes: gigpo.Credit.Advantages,
		Collect: func(m gigpo.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
			trees, _, err := m.Collect(context.Background(), env, questions, rng)
			return trees, err
		},
		Attempts:    mrsearch.Advantages,
		SetAttempts: mrsearch.Set,
		Gains:       igpo.Gains,
		Turns:       igpo.Advantages,
	}
}
