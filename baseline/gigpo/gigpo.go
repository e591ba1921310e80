package gigpo

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"searchrl/baseline/searchr1"
	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/rollout"
)

// Method is GiGPO; it implements grpo.Method.
type Method struct {
	// Group is G, the trajectories a question. The paper's search task uses 8.
	Group int `json:"group"`
	// Sampling is the behaviour policy's distribution; the paper samples at temperature 1.
	Sampling rollout.Sampling `json:"sampling"`
	Credit
}

// Names of the metrics that GiGPO reports beside those of every method; docs/metrics.md explains each.
const (
	MetricShared = "anchor_shared" // share of the steps after the first that share their observation with another step
	MetricSignal = "step_signal"   // share of all steps with a step advantage that is not 0
)

// Name returns "gigpo".
func (Method) Name() string { return "gigpo" }

// Validate reports the first setting that is out of its range.
func (m Method) Validate() error {
	switch {
	case m.Group < 1:
		return fmt.Errorf("gigpo: group is %d, expected 1 or more (2 for any signal)", m.Group)
	case !(m.Omega >= 0) || math.IsInf(m.Omega, 0):
		return fmt.Errorf("gigpo: ω is %v, expected 0 or more", m.Omega)
	case !(m.Gamma >= 0 && m.Gamma <= 1):
		return fmt.Errorf("gigpo: γ is %v, expected 0 to 1", m.Gamma)
	case !(m.Similarity > 0 && m.Similarity <= 1):
		return fmt.Errorf("gigpo: similarity is %v, expected above 0 up to 1 (equal observations)", m.Similarity)
	}
	if err := cmp.Or(grpo.ValidateBehaviour(m.Sampling), m.Normalisation.Validate()); err != nil {
		return fmt.Errorf("gigpo: %w", err)
	}
	return nil
}

// Collect samples one tree of G trajectories for each question, as Search-R1 does, and sets rewards and advantages.
func (m Method) Collect(ctx context.Context, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, grpo.Metrics, error) {
	if err := m.Validate(); err != nil {
		return nil, nil, err
	}
	trees, err := env.Rollout(ctx, questions, m.Group, m.Sampling, rng)
	if err != nil {
		return nil, nil, err
	}
	var t tally
	for _, tree := range trees {
		m.assign(tree, &t)
	}
	return trees, t.metrics(), nil
}

// assign sets the rewards and advantages of one question's group.
func (m Method) assign(tree *rollout.Tree, t *tally) {
	group := make([]Episode, len(tree.Trajectories))
	for i := range tree.Trajectories {
		group[i] = Observe(tree, i)
		tree.Trajectories[i].Reward = searchr1.Outcome(tree, i)
	}
	advantages := m.Advantages(group)
	for i, trajectory := range tree.Trajectories {
		for step, span := range tree.Steps(trajectory.Leaf) {
			grpo.SetStepAdvantage(tree, span, advantages[i][step])
		}
	}
	t.add(group, advantages, m.Credit)
}

// Observe returns the steps of trajectory i of tree: a step's anchor is the text of the segment before it, which is the prompt at
// the first step and what the environment returned later; the outcome is the last step's reward.
func Observe(tree *rollout.Tree, i int) Episode {
	var e Episode
	for _, span := range tree.Steps(tree.Trajectories[i].Leaf) {
		e.Anchors = append(e.Anchors, tree.Segments[tree.Segments[span.First].Parent].Text)
		e.Rewards = append(e.Rewards, 0)
	}
	if n := len(e.Rewards); n > 0 {
		e.Rewards[n-1] = searchr1.Outcome(tree, i)
	}
	return e
}

// tally adds up what the metrics are made of.
type tally struct {
	groups, dead                 int
	steps, signal, later, shared int
}

func (t *tally) add(group []Episode, advantages [][]float64, c Credit) {
	t.groups++
	dead := true
	var anchors []string
	var first []bool
	for i, steps := range c.StepAdvantages(group) {
		for s, a := range steps {
			t.steps++
			if a != 0 {
				t.signal++
			}
			dead = dead && advantages[i][s] == 0
			first = append(first, s == 0)
		}
		anchors = append(anchors, group[i].Anchors...)
	}
	for _, members := range Groups(anchors, c.Similarity) {
		for _, s := range members {
			if first[s] {
				continue
			}
			t.later++
			if len(members) > 1 {
				t.shared++
			}
		}
	}
	if dead {
		t.dead++
	}
}

// metrics returns the figures; those that have nothing to be a share of are left out.
func (t *tally) metrics() grpo.Metrics {
	out := grpo.Metrics{}
	for name, share := range map[string][2]int{
		grpo.MetricDeadGroups: {t.dead, t.groups}, MetricSignal: {t.signal, t.steps}, MetricShared: {t.shared, t.later},
	} {
		if share[1] > 0 {
			out[name] = float64(share[0]) / float64(share[1])
		}
	}
	return out
}
