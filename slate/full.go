package slate

import (
	"context"
	"math/rand/v2"

	"searchrl/baseline/searchr1"
	"searchrl/estimator"
	"searchrl/qa"
	"searchrl/rollout"
)

// full collects whole trajectories whose steps are rewarded as in the truncated groups: the ablation. A step's advantage is
// the group's for its return to go, or for its trajectory's return. What could not be judged takes the mean over the group,
// for a return without some of its steps could not be compared.
func (m Method) full(ctx context.Context, env *rollout.Env, questions []qa.Question, rng *rand.Rand, t *tally) ([]*rollout.Tree, error) {
	trees, err := env.Rollout(ctx, questions, m.Candidates, m.Behaviour, rng)
	if err != nil {
		return nil, err
	}
	steps := make([][][]*step, len(trees)) // of each trajectory of each tree
	var all []*step
	for i, tree := range trees {
		for j := range tree.Trajectories {
			tree.Trajectories[j].Reward = searchr1.Outcome(tree, j)
			of := stepsOf(tree, tree.Trajectories[j].Leaf)
			steps[i], all = append(steps[i], of), append(all, of...)
		}
	}
	if err := m.score(ctx, all, env.Protocol.MaxTurns); err != nil {
		return nil, err
	}
	for i := range trees {
		m.spread(steps[i], t)
	}
	return trees, nil
}

// stepsOf returns the steps of a trajectory.
func stepsOf(tree *rollout.Tree, leaf int) []*step {
	var out []*step
	for _, span := range tree.Steps(leaf) {
		base := span.First
		if tree.Segments[base].Kind != rollout.Opening {
			base = tree.Segments[base].Parent
		}
		out = append(out, newStep(tree, base, span.Action))
	}
	return out
}

// spread sets the advantages of one question's group of trajectories.
func (m Method) spread(trajectories [][]*step, t *tally) {
	var all []*step
	for _, steps := range trajectories {
		all = append(all, steps...)
	}
	settle(all, false)
	rewards := make([][]float64, len(trajectories))
	for i, steps := range trajectories {
		for _, s := range steps {
			rewards[i] = append(rewards[i], s.reward)
		}
	}
	estimate := estimator.RewardToGo
	if m.Credit == Return {
		estimate = estimator.Full
	}
	var flat []float64
	for i, row := range estimate(rewards, m.Normalisation) {
		for j, a := range row {
			trajectories[i][j].set(a)
			flat = append(flat, a)
		}
	}
	t.add(all, flat, m)
}
