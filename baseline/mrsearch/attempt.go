package mrsearch

import (
	"cmp"
	"context"
	"math/rand/v2"

	"searchrl/baseline/searchr1"
	"searchrl/qa"
	"searchrl/rollout"
)

// course is one trajectory with its attempts so far.
type course struct {
	tree     *rollout.Tree
	last     rollout.Trajectory // up to the end of the last attempt that was made
	made     int                // attempts
	outcomes []float64          // r_n of each attempt; that of the last one made for those that were not
	answers  []string           // of each attempt; "" without one
	seeds    *rand.Rand         // gives each further attempt its number
}

// attempted notes that an attempt ended as trajectory i of the tree.
func (c *course) attempted(i int) {
	c.last = c.tree.Trajectories[i]
	c.made++
	c.note(searchr1.Outcome(c.tree, i), c.last.Answer)
	leaf := &c.tree.Segments[c.last.Leaf]
	leaf.Rewards = append(leaf.Rewards, rollout.Reward{Name: "attempt", Value: c.outcomes[len(c.outcomes)-1], Source: "exact match"})
}

// stopped notes that there is no room for another attempt: what was answered stands.
func (c *course) stopped() { c.note(c.outcomes[c.made-1], c.answers[c.made-1]) }

func (c *course) note(outcome float64, answer string) {
	c.outcomes, c.answers = append(c.outcomes, outcome), append(c.answers, answer)
}

// sample lets n trajectories of each question make their attempts and returns them by tree, in the order of the tree's
// Trajectories. The first attempts are those of the plain agent loop, with one number from first for each question; each further
// attempt takes one of the question's stream for each trajectory, made or not.
func (m Method) sample(ctx context.Context, env *rollout.Env, questions []qa.Question, n int, sampling rollout.Sampling, first *rand.Rand, streams []*rand.Rand) ([]*rollout.Tree, [][]*course, error) {
	trees, err := env.Rollout(ctx, questions, n, sampling, first)
	if err != nil {
		return nil, nil, err
	}
	courses := make([][]*course, len(trees))
	var all []*course
	for i, tree := range trees {
		for j := range tree.Trajectories {
			c := &course{tree: tree, seeds: streams[i]}
			c.attempted(j)
			courses[i], all = append(courses[i], c), append(all, c)
		}
	}
	whole := m.widened(env)
	for range m.Attempts - 1 {
		if err := m.again(ctx, whole, all, sampling); err != nil {
			return nil, nil, err
		}
	}
	for i, tree := range trees {
		tree.Trajectories = nil
		for _, c := range courses[i] {
			c.last.Reward = c.outcomes[len(c.outcomes)-1]
			tree.Trajectories = append(tree.Trajectories, c.last)
		}
	}
	return trees, courses, nil
}

// widened is env with room for all attempts.
func (m Method) widened(env *rollout.Env) *rollout.Env {
	whole := *env
	whole.Protocol.MaxTokens *= m.Attempts
	if env.Positions > 0 {
		whole.Protocol.MaxTokens = max(min(whole.Protocol.MaxTokens, env.Positions), env.Protocol.MaxTokens)
	}
	return &whole
}

// again lets each course that has room for it make one more attempt.
func (m Method) again(ctx context.Context, env *rollout.Env, courses []*course, sampling rollout.Sampling) error {
	var going []*course
	var from []rollout.Leaf
	var seeds rollout.Seeds
	for _, c := range courses {
		seed := c.seeds.Uint64()
		leaf, ok, err := env.Reflect(c.tree, c.last.Leaf, cmp.Or(m.Reflection, "\n"+env.Protocol.Prompt))
		if err != nil {
			return err
		}
		if !ok {
			c.stopped()
			continue
		}
		going, from, seeds = append(going, c), append(from, rollout.Leaf{Tree: c.tree, Segment: leaf}), append(seeds, seed)
	}
	if len(going) == 0 {
		return nil
	}
	ends, err := env.Continue(ctx, from, 1, sampling, rand.New(&seeds))
	if err != nil {
		return err
	}
	for i, c := range going {
		c.attempted(ends[i][0])
	}
	return nil
}
