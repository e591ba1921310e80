package slate

import (
	"context"
	"math/rand/v2"

	"searchrl/baseline/searchr1"
	"searchrl/qa"
	"searchrl/rollout"
)

// walk is one question under way: the selected path so far.
type walk struct {
	rollout.Leaf
	end rollout.End
	rng *rand.Rand
}

// truncated collects by groups that share a prefix.
func (m Method) truncated(ctx context.Context, env *rollout.Env, questions []qa.Question, rng *rand.Rand, t *tally) ([]*rollout.Tree, error) {
	trees := make([]*rollout.Tree, len(questions))
	walks := make([]*walk, len(questions))
	for i, question := range questions {
		var err error
		if trees[i], err = env.Start(question); err != nil {
			return nil, err
		}
		walks[i] = &walk{Leaf: rollout.Leaf{Tree: trees[i]}, rng: rand.New(rand.NewPCG(rng.Uint64(), 0))}
	}
	for running := walks; len(running) > 0; {
		var err error
		if running, err = m.turn(ctx, env, running, t); err != nil {
			return nil, err
		}
	}
	for i, w := range walks {
		trees[i].Finish(w.Segment, w.end)
		trees[i].Trajectories[0].Reward = searchr1.Outcome(trees[i], 0)
	}
	return trees, nil
}

// turn takes one step on every walk: the environment answers what was selected, k candidates are sampled and judged, one of
// them is selected. It returns the walks that go on.
func (m Method) turn(ctx context.Context, env *rollout.Env, walks []*walk, t *tally) ([]*walk, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	open, err := observe(ctx, env, walks)
	if err != nil {
		return nil, err
	}
	reqs := make([]rollout.StepRequest, len(open))
	for i, w := range open {
		reqs[i] = rollout.StepRequest{Tree: w.Tree, Leaf: w.Segment, N: m.Candidates, Sampling: m.Behaviour, Seed: w.rng.Uint64()}
	}
	sampled, err := env.Sample(ctx, reqs)
	if err != nil {
		return nil, err
	}
	groups := make([][]*step, len(open))
	var all []*step
	for i, w := range open {
		for _, candidate := range sampled[i] {
			s := newStep(w.Tree, w.Segment, w.Tree.Attach(w.Segment, candidate))
			groups[i], all = append(groups[i], s), append(all, s)
		}
	}
	if m.Sampling == Completed {
		err = m.complete(ctx, env, open, groups)
	} else {
		err = m.score(ctx, all, env.Protocol.MaxTurns)
	}
	if err != nil {
		return nil, err
	}
	for i, w := range open {
		settle(groups[i], true)
		in := counted(groups[i])
		compared, trained := m.advantages(in)
		t.add(groups[i], trained, m)
		winner, err := m.next(groups[i], in, compared, w.rng)
		if err != nil {
			return nil, err
		}
		w.Segment = winner.leaf()
	}
	return open, nil
}

// observe lets the environment move on each walk, with one call to the searcher, and returns those that can go on.
func observe(ctx context.Context, env *rollout.Env, walks []*walk) ([]*walk, error) {
	leaves := make([]rollout.Leaf, len(walks))
	for i, w := range walks {
		leaves[i] = w.Leaf
	}
	observed, err := env.Observe(ctx, leaves)
	if err != nil {
		return nil, err
	}
	var open []*walk
	for i, w := range walks {
		w.Segment, w.end = observed[i].Leaf, observed[i].End
		if w.end == "" {
			open = append(open, w)
		}
	}
	return open, nil
}

// complete rewards each candidate with the mean exact match of the trajectories that go on from it. What they sample stays
// in the tree, where it counts as sampled, without advantages.
func (m Method) complete(ctx context.Context, env *rollout.Env, open []*walk, groups [][]*step) error {
	var from []rollout.Leaf
	var steps []*step
	var seeds rollout.Seeds
	for i, w := range open {
		for _, s := range groups[i] {
			steps, from, seeds = append(steps, s), append(from, rollout.Leaf{Tree: w.Tree, Segment: s.leaf()}), append(seeds, w.rng.Uint64())
		}
	}
	ends, err := env.Continue(ctx, from, m.Completions, m.Behaviour, rand.New(&seeds))
	if err != nil {
		return err
	}
	for i, s := range steps {
		value := 0.0
		for _, trajectory := range ends[i] {
			value += searchr1.Outcome(s.tree, trajectory) / float64(m.Completions)
		}
		s.add(part{name: partCompletion, segment: s.leaf(), value: value, source: "exact match"})
	}
	for _, w := range open {
		w.Tree.Trajectories = nil // the trajectory is the selected path
	}
	return nil
}
