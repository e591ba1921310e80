package stepsearch

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"searchrl/gae"
	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/rollout"
)

// Names of the parts of a query's reward, with their weights in them.
const (
	Gain       = "gain"
	Redundancy = "redundancy"
)

// Metrics of this method; docs/metrics.md explains each.
const (
	MetricGain       = "step_gain"       // mean IG of the searches that were executed
	MetricRedundancy = "step_redundancy" // mean P of them
	MetricKeys       = "key_score"       // mean K of the trajectories
	MetricF1         = "f1"              // mean F1 of the trajectories, 0 without an answer
)

// Method is StepSearch; it implements grpo.CriticMethod.
type Method struct {
	// Group is the number of trajectories a question; 1 in the paper.
	Group int `json:"group"`
	// Sampling is the behaviour policy's distribution; the paper samples at temperature 1.
	Sampling rollout.Sampling `json:"sampling"`
	// Gain and Penalty are w_g and w_p, the weights of a search's information gain and redundancy; 0.6 each.
	Gain    float64 `json:"gain"`
	Penalty float64 `json:"penalty"`
	// Keys is w_k, the weight of the key score; 0.618.
	Keys float64 `json:"keys"`
	// Unanswered is the outcome of a trajectory without an answer, in place of F1 and key score; −1.
	Unanswered float64 `json:"unanswered"`
	// Estimator turns rewards and values into advantages.
	Estimator gae.Estimator `json:"estimator"`

	critic grpo.Critic
}

// Paper returns StepSearch with the released code's settings, but for what doc.go says, and one trajectory a question.
func Paper() Method {
	return Method{
		Group: 1, Sampling: rollout.Sampling{Temperature: 1}, Gain: 0.6, Penalty: 0.6, Keys: 0.618, Unanswered: -1,
		Estimator: gae.Estimator{Gamma: 1, Lambda: 1, Whiten: true},
	}
}

// Name returns "stepsearch".
func (Method) Name() string { return "stepsearch" }

// WithCritic implements grpo.CriticMethod.
func (m Method) WithCritic(critic grpo.Critic) grpo.Method {
	m.critic = critic
	return m
}

// Validate reports the first setting that is out of its range.
func (m Method) Validate() error {
	if m.Group < 1 {
		return fmt.Errorf("stepsearch: group is %d, expected 1 or more", m.Group)
	}
	if err := grpo.ValidateBehaviour(m.Sampling); err != nil {
		return fmt.Errorf("stepsearch: %w", err)
	}
	for _, w := range []struct {
		name  string
		value float64
		least float64
	}{{"gain", m.Gain, 0}, {"penalty", m.Penalty, 0}, {"keys", m.Keys, 0}, {"unanswered", m.Unanswered, math.Inf(-1)}} {
		if !(w.value >= w.least) || math.IsInf(w.value, 0) {
			return fmt.Errorf("stepsearch: %s is %v, expected a finite number of at least %v", w.name, w.value, w.least)
		}
	}
	if err := m.Estimator.Validate(); err != nil {
		return fmt.Errorf("stepsearch: %w", err)
	}
	return nil
}

// fits reports what a question lacks for its rewards.
func (m Method) fits(q qa.Question) error {
	switch {
	case m.Gain != 0 && len(q.Supporting) == 0:
		return fmt.Errorf("stepsearch: question %q names no supporting passages (\"supporting\" in the question file), which the information gain is measured against", q.ID)
	case m.Keys != 0 && len(q.Keys) == 0:
		return fmt.Errorf("stepsearch: question %q names no keys (\"keys\" in the question file: for each fact the wordings of its query), which queries are scored by; set their weight to 0 to do without", q.ID)
	}
	return nil
}

// Collect samples one tree of Group trajectories for each question and sets rewards, values, returns and advantages.
func (m Method) Collect(ctx context.Context, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, grpo.Metrics, error) {
	if err := m.Validate(); err != nil {
		return nil, nil, err
	}
	for _, q := range questions {
		if err := m.fits(q); err != nil {
			return nil, nil, err
		}
	}
	trees, err := env.Rollout(ctx, questions, m.Group, m.Sampling, rng)
	if err != nil {
		return nil, nil, err
	}
	var t tally
	for _, tree := range trees {
		for i := range tree.Trajectories {
			m.reward(tree, i, &t)
		}
	}
	metrics, err := m.Estimator.Assign(ctx, m.critic, trees)
	if err != nil {
		return nil, nil, fmt.Errorf("stepsearch: %w", err)
	}
	t.add(metrics)
	return trees, metrics, nil
}

// reward sets the rewards of trajectory i: the parts of each executed search on its query, and R.
func (m Method) reward(tree *rollout.Tree, i int, t *tally) {
	trajectory := &tree.Trajectories[i]
	progress := NewProgress(tree.Question.Supporting)
	var queries []string
	query := rollout.NoParent
	for _, s := range tree.Path(trajectory.Leaf) {
		switch segment := &tree.Segments[s]; segment.Kind {
		case rollout.Query:
			query = s
			queries = append(queries, segment.Value)
		case rollout.Documents:
			gain, redundancy := progress.Search(segment.Hits)
			t.search(gain, redundancy)
			tree.Segments[query].Rewards = m.parts(gain, redundancy)
		}
	}
	f1, keys := 0.0, KeyScore(queries, tree.Question.Keys)
	trajectory.Reward = m.Unanswered
	if trajectory.End == rollout.Answered {
		f1 = qa.F1(trajectory.Answer, tree.Question.Answers)
		trajectory.Reward = f1 + m.Keys*keys
	}
	t.trajectory(f1, keys)
}

// parts are a search's rewards, those without weight left out.
func (m Method) parts(gain, redundancy float64) []rollout.Reward {
	var parts []rollout.Reward
	if m.Gain != 0 {
		parts = append(parts, rollout.Reward{Name: Gain, Value: m.Gain * gain, Source: "tf-idf"})
	}
	if m.Penalty != 0 {
		parts = append(parts, rollout.Reward{Name: Redundancy, Value: 0 - m.Penalty*redundancy, Source: "documents seen"})
	}
	return parts
}

// tally sums up the figures of a step.
type tally struct {
	searches, trajectories     float64
	gain, redundancy, f1, keys float64
}

func (t *tally) search(gain, redundancy float64) {
	t.searches++
	t.gain += gain
	t.redundancy += redundancy
}

func (t *tally) trajectory(f1, keys float64) {
	t.trajectories++
	t.f1 += f1
	t.keys += keys
}

func (t *tally) add(m grpo.Metrics) {
	m[MetricGain], m[MetricRedundancy] = t.gain/max(t.searches, 1), t.redundancy/max(t.searches, 1)
	m[MetricF1], m[MetricKeys] = t.f1/max(t.trajectories, 1), t.keys/max(t.trajectories, 1)
}
