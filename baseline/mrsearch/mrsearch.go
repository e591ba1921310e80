package mrsearch

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/rollout"
)

// Method is MR-Search; it implements grpo.Method and grpo.Actor.
type Method struct {
	// Group is G, the trajectories a question. The paper uses 5.
	Group int `json:"group"`
	// Attempts is N, the attempts a trajectory. The paper uses 3.
	Attempts int `json:"attempts"`
	// Sampling is the behaviour policy's distribution; the paper samples at temperature 1 and top-p 0.95.
	Sampling rollout.Sampling `json:"sampling"`
	// Discount is γ, the discount from attempt to attempt; the paper's is 1.
	Discount float64 `json:"discount"`
	// Improvement is κ, the shaping by what an attempt adds to the one before, and Repetition is λ, the penalty for giving the
	// same answer again; both are 0 in the paper's runs.
	Improvement float64 `json:"improvement"`
	Repetition  float64 `json:"repetition"`
	// Reflection is what the environment says between two attempts, with {question} for the question; "" puts the question again
	// as the protocol's prompt does.
	Reflection string `json:"reflection,omitempty"`
}

// Names of the metrics that MR-Search reports beside those of every method; docs/metrics.md explains each.
const (
	MetricAttempts = "attempts" // mean attempts made a trajectory
	MetricFirst    = "first_em" // mean exact match of the first attempts
	MetricMended   = "mended"   // share of trajectories whose first answer is wrong and last one right
	MetricSpoiled  = "spoiled"  // share of trajectories whose first answer is right and last one wrong
	MetricRepeated = "repeated" // share of attempts after the first whose answer is that of the one before
)

// Name returns "mr-search".
func (Method) Name() string { return "mr-search" }

// Validate reports the first setting that is out of its range.
func (m Method) Validate() error {
	switch {
	case m.Group < 1:
		return fmt.Errorf("mr-search: group is %d, expected 1 or more (2 for any signal)", m.Group)
	case m.Attempts < 1:
		return fmt.Errorf("mr-search: attempts is %d, expected 1 or more", m.Attempts)
	case !(m.Discount >= 0 && m.Discount <= 1):
		return fmt.Errorf("mr-search: discount is %v, expected 0 to 1", m.Discount)
	case !(m.Improvement >= 0) || math.IsInf(m.Improvement, 0):
		return fmt.Errorf("mr-search: improvement is %v, expected 0 or more", m.Improvement)
	case !(m.Repetition >= 0) || math.IsInf(m.Repetition, 0):
		return fmt.Errorf("mr-search: repetition is %v, expected 0 or more", m.Repetition)
	}
	if err := grpo.ValidateBehaviour(m.Sampling); err != nil {
		return fmt.Errorf("mr-search: %w", err)
	}
	return nil
}

// Collect samples one tree of G trajectories of N attempts for each question and sets rewards and advantages.
func (m Method) Collect(ctx context.Context, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, grpo.Metrics, error) {
	if err := m.Validate(); err != nil {
		return nil, nil, err
	}
	trees, courses, err := m.sample(ctx, env, questions, m.Group, m.Sampling, rng, slices.Repeat([]*rand.Rand{rng}, len(questions)))
	if err != nil {
		return nil, nil, fmt.Errorf("mr-search: %w", err)
	}
	var t tally
	for _, group := range courses {
		m.assign(group, &t)
	}
	return trees, t.metrics(), nil
}

// Act answers each question by the last of N attempts (see grpo.Actor). One number is drawn from rng for each question, and what
// is sampled for the question depends on it alone.
func (m Method) Act(ctx context.Context, env *rollout.Env, questions []qa.Question, sampling rollout.Sampling, rng *rand.Rand) ([]*rollout.Tree, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	first, streams := rollout.Streams(len(questions), rng)
	trees, _, err := m.sample(ctx, env, questions, 1, sampling, first, streams)
	if err != nil {
		return nil, fmt.Errorf("mr-search: %w", err)
	}
	return trees, nil
}

// assign sets the advantages of one question's group.
func (m Method) assign(group []*course, t *tally) {
	rewards := make([][]float64, len(group))
	for i, c := range group {
		rewards[i] = m.rewards(c)
	}
	advantages := Advantages(rewards, m.Discount)
	for i, c := range group {
		Set(c.tree, c.last.Leaf, advantages[i])
	}
	t.add(group, advantages)
}

// rewards are those of a trajectory's attempts, with shaping and penalty.
func (m Method) rewards(c *course) []float64 {
	rewards := Shape(c.outcomes, m.Improvement)
	different := map[string]bool{}
	for _, answer := range c.answers {
		different[qa.Normalize(answer)] = true
	}
	n := len(rewards)
	rewards[n-1] -= m.Repetition * (1 - float64(len(different))/float64(n))
	return rewards
}

// Set gives every token that the policy sampled in attempt n (from 0) of the path to leaf the advantage advantages[n].
func Set(tree *rollout.Tree, leaf int, advantages []float64) {
	attempt := 0
	for _, s := range tree.Path(leaf) {
		segment := &tree.Segments[s]
		if segment.Kind == rollout.Reflection {
			attempt++
		}
		if !segment.Sampled() || attempt >= len(advantages) {
			continue
		}
		segment.Advantages = make([]float64, len(segment.Tokens))
		for j := range segment.Advantages {
			segment.Advantages[j] = advantages[attempt]
		}
	}
}

// tally adds up what the metrics are made of.
type tally struct {
	groups, dead                   int // groups are of a question and a number of attempt
	courses, made, mended, spoiled int
	first                          float64
	later, repeated                int
}

func (t *tally) add(group []*course, advantages [][]float64) {
	for n := range group[0].outcomes {
		t.groups++
		dead := true
		for i := range group {
			dead = dead && advantages[i][n] == 0
		}
		if dead {
			t.dead++
		}
	}
	for _, c := range group {
		first, last := c.outcomes[0], c.outcomes[len(c.outcomes)-1]
		t.courses++
		t.made += c.made
		t.first += first
		if first < last {
			t.mended++
		}
		if first > last {
			t.spoiled++
		}
		for n := 1; n < c.made; n++ {
			t.later++
			if qa.Normalize(c.answers[n]) == qa.Normalize(c.answers[n-1]) {
				t.repeated++
			}
		}
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
	ratio(MetricAttempts, float64(t.made), t.courses)
	ratio(MetricFirst, t.first, t.courses)
	ratio(MetricMended, float64(t.mended), t.courses)
	ratio(MetricSpoiled, float64(t.spoiled), t.courses)
	ratio(MetricRepeated, float64(t.repeated), t.later)
	return out
}
