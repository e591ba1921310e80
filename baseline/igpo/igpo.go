package igpo

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"searchrl/grpo"
	"searchrl/likelihood"
	"searchrl/qa"
	"searchrl/rollout"
)

// Method is IGPO; it implements grpo.Method.
type Method struct {
	// Group is G, the trajectories a question. The paper uses 16.
	Group int `json:"group"`
	// Sampling is the behaviour policy's distribution; the paper samples at temperature 1.
	Sampling rollout.Sampling `json:"sampling"`
	// Normalisation of each kind of reward within a group; the paper standardises.
	Normalisation grpo.Normalisation `json:"normalisation"`
	// Gamma is γ, the discount from turn to turn.
	Gamma float64 `json:"gamma"`
	// Opening is the text after which the gold answer is scored; "" is the protocol's forced answer (see likelihood.Options).
	Opening string `json:"opening,omitempty"`
}

// Names of the metrics that IGPO reports beside those of every method; docs/metrics.md explains each.
const (
	MetricGain  = "gain"    // mean g over turns
	MetricFirst = "p_first" // mean p_0: the gold answer's probability after the question
	MetricLast  = "p_last"  // mean p_{T−1}: before the last turn
)

// Name returns "igpo".
func (Method) Name() string { return "igpo" }

// Validate reports the first setting that is out of its range.
func (m Method) Validate() error {
	switch {
	case m.Group < 1:
		return fmt.Errorf("igpo: group is %d, expected 1 or more (2 for any signal)", m.Group)
	case !(m.Gamma >= 0 && m.Gamma <= 1):
		return fmt.Errorf("igpo: γ is %v, expected 0 to 1", m.Gamma)
	}
	if err := cmp.Or(grpo.ValidateBehaviour(m.Sampling), m.Normalisation.Validate()); err != nil {
		return fmt.Errorf("igpo: %w", err)
	}
	return nil
}

// Collect samples one tree of G trajectories for each question, as Search-R1 does, scores the gold answer after every turn but the
// last in one call of the policy, and sets rewards and advantages.
func (m Method) Collect(ctx context.Context, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, grpo.Metrics, error) {
	if err := m.Validate(); err != nil {
		return nil, nil, err
	}
	trees, err := env.Rollout(ctx, questions, m.Group, m.Sampling, rng)
	if err != nil {
		return nil, nil, err
	}
	p, computed, err := m.probabilities(ctx, env, trees)
	if err != nil {
		return nil, nil, fmt.Errorf("igpo: %w", err)
	}
	var t tally
	for i, tree := range trees {
		m.assign(tree, p[i], &t)
	}
	metrics := t.metrics()
	metrics[grpo.MetricScoredTokens] = float64(computed)
	return trees, metrics, nil
}

// probabilities returns p_0 … p_{T−1} of each trajectory of each tree, and the number of tokens computed for them.
func (m Method) probabilities(ctx context.Context, env *rollout.Env, trees []*rollout.Tree) ([][][]float64, int, error) {
	var contexts []likelihood.Context
	for _, tree := range trees {
		for _, leaf := range after(tree) {
			contexts = append(contexts, likelihood.Context{Prefix: tree.PathTokens(leaf), Answers: tree.Question.Answers})
		}
	}
	scores, err := likelihood.Options{Opening: m.Opening, MaxAliases: 1}.Score(ctx, env, contexts)
	if err != nil {
		return nil, 0, err
	}
	out := make([][][]float64, len(trees))
	next := 0
	value := func() float64 {
		next++
		return math.Exp(scores.LogLik[next-1][0])
	}
	for i, tree := range trees {
		root := value()
		for j := range tree.Trajectories {
			p := []float64{root}
			for range scored(tree, j) {
				p = append(p, value())
			}
			out[i] = append(out[i], p)
		}
	}
	return out, scores.Computed, nil
}

// after lists the segments of a tree after which the gold answer is scored: the prompt, then the ends of each trajectory's turns
// but the last.
func after(tree *rollout.Tree) []int {
	leaves := []int{0}
	for i := range tree.Trajectories {
		for _, span := range scored(tree, i) {
			leaves = append(leaves, span.Last)
		}
	}
	return leaves
}

// scored are the turns of trajectory i but the last.
func scored(tree *rollout.Tree, i int) []rollout.StepSpan {
	steps := tree.Steps(tree.Trajectories[i].Leaf)
	return steps[:max(len(steps)-1, 0)]
}

// assign sets the rewards and advantages of one question's group from p_0 … p_{T−1} of each trajectory.
func (m Method) assign(tree *rollout.Tree, p [][]float64, t *tally) {
	group := make([]Episode, len(tree.Trajectories))
	for i := range group {
		group[i] = Episode{Gains: Gains(p[i]), Outcome: Outcome(tree, i)}
		tree.Trajectories[i].Reward = group[i].Outcome
	}
	advantages := Advantages(group, m.Gamma, m.Normalisation)
	for i, trajectory := range tree.Trajectories {
		for step, span := range tree.Steps(trajectory.Leaf) {
			grpo.SetStepAdvantage(tree, span, advantages[i][step])
			reward := rollout.Reward{Name: "outcome", Value: group[i].Outcome, Source: "F1"}
			if step < len(group[i].Gains) {
				reward = rollout.Reward{Name: "gain", Value: group[i].Gains[step], Source: "likelihood"}
			}
			action := &tree.Segments[span.Action]
			action.Rewards = append(action.Rewards, reward)
		}
	}
	t.add(p, advantages)
}

// Outcome is the F1 of the answer of trajectory i with the gold answer that it agrees best with; 0 without an answer.
func Outcome(tree *rollout.Tree, i int) float64 {
	if tree.Trajectories[i].End != rollout.Answered {
		return 0
	}
	return qa.F1(tree.Trajectories[i].Answer, tree.Question.Answers)
}

// tally adds up what the metrics are made of.
type tally struct {
	groups, dead, trajectories, turns int
	first, last                       float64
}

func (t *tally) add(p, advantages [][]float64) {
	t.groups++
	dead := true
	for i := range p {
		t.trajectories++
		t.turns += len(p[i]) - 1
		t.first += p[i][0]
		t.last += p[i][len(p[i])-1]
		for _, a := range advantages[i] {
			dead = dead && a == 0
		}
	}
	if dead {
		t.dead++
	}
}

// metrics returns the figures; those that have nothing to be a mean of are left out.
func (t *tally) metrics() grpo.Metrics {
	out := grpo.Metrics{}
	ratio := func(name string, x float64, n int) {
		if n > 0 {
			out[name] = x / float64(n)
		}
	}
	ratio(grpo.MetricDeadGroups, float64(t.dead), t.groups)
	ratio(MetricFirst, t.first, t.trajectories)
	ratio(MetricLast, t.last, t.trajectories)
	ratio(MetricGain, t.last-t.first, t.turns) // they telescope
	return out
}
