package critic

import (
	"context"

	"searchrl/gae"
	"searchrl/grpo"
	"searchrl/rollout"
)

// all is an assignment that looks at every token of a path, inserted ones included, and masks afterwards. Its fields say
// what is done right; all of them together are what [gae.Estimator.Assign] does.
type all struct {
	skip        bool // inserted tokens take no part in the sum
	lastSampled bool // a trajectory's reward is at the last sampled token, not at the last one
	whitenMask  bool // whitening is over sampled tokens
	whole       bool // … of all trajectories together
	lastOfStep  bool // a step's reward is at its last token, not at its first
	adds        bool // the outcome is added to a step reward at the same token, in whose place it is otherwise
	before      bool // a token's value is that of what comes before it
	returnsRaw  bool // returns are made of advantages before whitening
}

var sound = all{true, true, true, true, true, true, true, true}

func (a all) plant(k *Kernels) {
	k.Assign = func(e gae.Estimator, critic grpo.Critic, trees []*rollout.Tree) error {
		var batch []*[]float64
		for i, tree := range trees {
			for _, trajectory := range tree.Trajectories {
				as, err := a.trajectory(e, critic, trees, i, trajectory)
				if err != nil {
					return err
				}
				if e.Whiten && !a.whole {
					*as = gae.Whiten(*as)
				}
				batch = append(batch, as)
			}
		}
		if e.Whiten && a.whole {
			whiten(batch)
		}
		n := 0
		for _, tree := range trees {
			for _, trajectory := range tree.Trajectories {
				a.write(tree, trajectory, *batch[n])
				n++
			}
		}
		return nil
	}
}

// trajectory returns the advantages of the tokens that the whitening is over, and sets values and returns.
func (a all) trajectory(e gae.Estimator, critic grpo.Critic, trees []*rollout.Tree, i int, trajectory rollout.Trajectory) (*[]float64, error) {
	tree := trees[i]
	var targets []grpo.Target
	var rewards []float64
	var sampled []bool
	last := -1
	for _, s := range tree.Path(trajectory.Leaf) {
		segment := &tree.Segments[s]
		if segment.Kind == rollout.Prompt || a.skip && !segment.Sampled() {
			continue
		}
		step := 0.0
		for _, r := range segment.Rewards {
			step += r.Value
		}
		for j := range segment.Tokens {
			targets = append(targets, grpo.Target{Tree: i, Segment: s, Index: j})
			sampled = append(sampled, segment.Sampled())
			reward := 0.0
			if a.lastOfStep && j == len(segment.Tokens)-1 || !a.lastOfStep && j == 0 {
				reward = step
			}
			rewards = append(rewards, reward)
			if segment.Sampled() || !a.lastSampled {
				last = len(rewards) - 1
			}
		}
	}
	values, err := critic.Values(context.Background(), grpo.Batch{Trees: trees, Targets: targets})
	if err != nil {
		return nil, err
	}
	if !a.before && len(values) > 0 {
		values = append(values[1:], 0)
	}
	if last >= 0 {
		if !a.adds && rewards[last] != 0 {
			rewards[last] = 0
		}
		rewards[last] += trajectory.Reward
	}
	as := gae.Advantages(rewards, values, e.Gamma, e.Lambda)
	var kept []float64
	n := 0
	for _, s := range tree.Path(trajectory.Leaf) {
		segment := &tree.Segments[s]
		if segment.Kind == rollout.Prompt || a.skip && !segment.Sampled() {
			continue
		}
		if segment.Sampled() {
			segment.Values, segment.Returns = nil, nil
		}
		for range segment.Tokens {
			if sampled[n] {
				segment.Values = append(segment.Values, values[n])
				segment.Returns = append(segment.Returns, as[n]+values[n])
				kept = append(kept, as[n])
			}
			n++
		}
	}
	if !a.whitenMask { // inserted tokens of the path count as zeros
		for _, s := range tree.Path(trajectory.Leaf) {
			if segment := &tree.Segments[s]; !segment.Sampled() {
				kept = append(kept, make([]float64, len(segment.Tokens))...)
			}
		}
	}
	return &kept, nil
}

// write gives sampled tokens their advantages; zeros of inserted ones are behind them.
func (a all) write(tree *rollout.Tree, trajectory rollout.Trajectory, as []float64) {
	for _, s := range tree.Path(trajectory.Leaf) {
		if segment := &tree.Segments[s]; segment.Sampled() {
			segment.Advantages, as = as[:len(segment.Tokens):len(segment.Tokens)], as[len(segment.Tokens):]
			for j := range segment.Tokens {
				if !a.returnsRaw {
					segment.Returns[j] = segment.Advantages[j] + segment.Values[j]
				}
			}
		}
	}
}

// whiten whitens lists together.
func whiten(lists []*[]float64) {
	var flat []float64
	for _, list := range lists {
		flat = append(flat, *list...)
	}
	flat = gae.Whiten(flat)
	for _, list := range lists {
		n := len(*list)
		*list, flat = flat[:n:n], flat[n:]
	}
}

// assignmentFaults are wrong ways to put advantages onto a tree.
func assignmentFaults() []fault {
	but := func(spoil func(a *all)) func(*Kernels) {
		a := sound
		spoil(&a)
		return a.plant
	}
	return []fault{
		{assignment, "through-documents", "the sum runs through inserted tokens, so credit decays across documents", but(func(a *all) { a.skip = false })},
		{assignment, "reward-on-masked-token", "the trajectory's reward is at the last token of the path, where that was inserted, too: it decays on the way back", but(func(a *all) { a.skip, a.lastSampled = false, false })},
		{assignment, "whitened-over-documents", "inserted tokens count as zeros in mean and deviation", but(func(a *all) { a.whitenMask = false })},
		{assignment, "whitened-by-trajectory", "each trajectory is whitened by itself, which takes its reward away", but(func(a *all) { a.whole = false })},
		{assignment, "reward-at-the-first-token", "a step's reward is at the first token of the query", but(func(a *all) { a.lastOfStep = false })},
		{assignment, "outcome-overwrites", "the outcome replaces the step reward at the last token", but(func(a *all) { a.adds = false })},
		{assignment, "values-after", "a token's value is that of the token after it", but(func(a *all) { a.before = false })},
		{assignment, "returns-of-whitened", "the critic learns whitened advantages plus values", but(func(a *all) { a.returnsRaw = false })},
	}
}
