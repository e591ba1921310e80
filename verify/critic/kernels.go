package critic

import (
	"context"
	"math/rand/v2"

	"searchrl/baseline/ppo"
	"searchrl/baseline/stepsearch"
	"searchrl/gae"
	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
)

// Kernels are the functions that the methods with a critic train by. Their contracts are those of the functions that [Real] puts in.
type Kernels struct {
	Advantages func(rewards, values []float64, gamma, lambda float64) []float64
	Assign     func(e gae.Estimator, critic grpo.Critic, trees []*rollout.Tree) error
	ValueLoss  func(l grpo.ValueLoss, targets []grpo.Target, values []float64) (grpo.ValueUpdate, []float64)
	// PPO samples trees by Search-R1's PPO and sets their advantages.
	PPO func(m ppo.Method, critic grpo.Critic, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error)
	// Searches returns gain and redundancy of each search of a trajectory.
	Searches func(gold []qa.Support, searches [][]retrieval.Hit) (gains, redundancies []float64)
	KeyScore func(queries []string, keys [][]string) float64
}

// Real returns the functions that train.
func Real() Kernels {
	return Kernels{
		Advantages: gae.Advantages,
		Assign: func(e gae.Estimator, critic grpo.Critic, trees []*rollout.Tree) error {
			_, err := e.Assign(context.Background(), critic, trees)
			return err
		},
		ValueLoss: grpo.ValueLoss.Loss,
		PPO: func(m ppo.Method, critic grpo.Critic, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
			trees, _, err := m.WithCritic(critic).Collect(context.Background(), env, questions, rng)
			return trees, err
		},
		Searches: func(gold []qa.Support, searches [][]retrieval.Hit) (gains, redundancies []float64) {
			p := stepsearch.NewProgress(gold)
			for _, hits := range searches {
				gain, redundancy := p.Search(hits)
				gains, redundancies = append(gains, gain), append(redundancies, redundancy)
			}
			return gains, redundancies
		},
		KeyScore: stepsearch.KeyScore,
	}
}

// table is a critic by table: the value of a token depends on its tree, segment and place alone. It learns nothing.
type table func(tree, segment, index int) float64

// Values implements grpo.Critic.
func (v table) Values(_ context.Context, batch grpo.Batch) ([]float64, error) {
	values := make([]float64, len(batch.Targets))
	for j, t := range batch.Targets {
		values[j] = v(t.Tree, t.Segment, t.Index)
	}
	return values, nil
}

// Fit implements grpo.Critic.
func (table) Fit(context.Context, grpo.Batch, grpo.ValueLoss, grpo.AdamW) (grpo.ValueUpdate, error) {
	return grpo.ValueUpdate{}, nil
}
