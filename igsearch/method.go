package igsearch

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"searchrl/baseline/searchr1"
	"searchrl/grpo"
	"searchrl/likelihood"
	"searchrl/qa"
	"searchrl/rollout"
)

// Method is IG-Search; it implements grpo.Method.
type Method struct {
	// Outcome samples the trajectories and gives them their advantages A_i.
	Outcome searchr1.Method `json:"outcome"`
	// Counterfactuals is N, the sets of other questions' documents that a search is compared with; the paper uses 3.
	Counterfactuals int `json:"counterfactuals"`
	// Likelihood says how the gold answer is scored.
	Likelihood likelihood.Options `json:"likelihood"`
	// Normalisation makes z of the gains.
	Normalisation Normalisation `json:"normalisation"`
	// Modulation makes advantages of z.
	Modulation Modulation `json:"modulation"`
}

// Paper returns IG-Search with what is known of the paper's settings, N = 3 and the weights of the answer's tokens, and with
// our reconstruction of the others: z over the question's group, α = 0.3, c = 3, trajectories of a group of 5 at temperature 1.
func Paper() Method {
	return Method{
		Outcome:         searchr1.Method{Group: 5, Sampling: rollout.Sampling{Temperature: 1}, Normalisation: grpo.Standardised},
		Counterfactuals: 3, Likelihood: likelihood.Paper(),
		Normalisation: Normalisation{Centre: Group, Scale: Group},
		Modulation:    Modulation{Form: Additive, Alpha: 0.3, Clip: 3},
	}
}

// Default returns the settings that the command takes: the paper's, but with gains neither centred nor scaled within the
// question's group. They keep their zero, which means that the documents say no more about the answer than any others, and
// are scaled over the batch, so that a group of searches that all say nothing is not stretched to unit size.
// docs/methods/ig-search.md has the measurements.
func Default() Method {
	m := Paper()
	m.Normalisation = Normalisation{Centre: None, Scale: Batch}
	return m
}

// Name returns "ig-search".
func (Method) Name() string { return "ig-search" }

// LeastQuestions returns 2 (see grpo.LeastQuestions): a search is compared with documents of another question.
func (Method) LeastQuestions() int { return 2 }

// Validate reports the first setting that is out of its range.
func (m Method) Validate() error {
	if m.Counterfactuals < 1 {
		return fmt.Errorf("ig-search: %d counterfactuals, expected 1 or more", m.Counterfactuals)
	}
	for _, err := range []error{m.Outcome.Validate(), m.Likelihood.Validate(), m.Normalisation.Validate(), m.Modulation.Validate()} {
		if err != nil {
			return fmt.Errorf("ig-search: %w", err)
		}
	}
	return nil
}

// Collect samples one tree of trajectories for each question as Search-R1 does, and moves the advantages of the queries by
// their gains, which it notes as rewards of the queries. At least two different questions are needed. The trajectories
// depend on rng as those of Search-R1 do; the draw of counterfactuals comes after them.
func (m Method) Collect(ctx context.Context, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, grpo.Metrics, error) {
	if err := m.Validate(); err != nil {
		return nil, nil, err
	}
	if !slices.ContainsFunc(questions, func(q qa.Question) bool { return !same(q, questions[0]) }) {
		return nil, nil, fmt.Errorf("ig-search: all %d questions of the batch are the same one, so no documents of another question are there "+
			"to compare with; expected two different questions or more", len(questions))
	}
	trees, metrics, err := m.Outcome.Collect(ctx, env, questions, rng)
	if err != nil {
		return nil, nil, err
	}
	all := searches(trees)
	draw(all, trees, m.Counterfactuals, rng)
	scored, err := m.score(ctx, env, trees, all)
	if err != nil {
		return nil, nil, fmt.Errorf("ig-search: %w", err)
	}
	var steps []Step
	var gained []*search
	for _, s := range all {
		if s.known() {
			steps, gained = append(steps, Step{Group: s.tree, Turn: s.turn, Gain: s.gain}), append(gained, s)
		}
	}
	z := Normalise(steps, m.Normalisation)
	outcomeDead := metrics[grpo.MetricDeadGroups]
	for i, s := range gained {
		m.modulate(trees[s.tree], s, z[i])
	}
	out := gainMetrics(env, trees, all, gained, z)
	out[grpo.MetricScoredTokens] = float64(scored)
	out[MetricOutcomeDead] = outcomeDead
	return trees, out, nil
}

// score computes the gains, with one call of the policy. It returns the number of tokens computed for it.
func (m Method) score(ctx context.Context, env *rollout.Env, trees []*rollout.Tree, all []*search) (int, error) {
	var contexts []likelihood.Context
	for _, s := range all {
		if !s.known() {
			continue
		}
		tree := trees[s.tree]
		prefix := tree.PathTokens(s.query)
		for _, pair := range append([][]int{s.pair}, pairs(all, s.others)...) {
			contexts = append(contexts, likelihood.Context{Prefix: slices.Concat(prefix, pair), Answers: tree.Question.Answers})
		}
	}
	scores, err := m.Likelihood.Score(ctx, env, contexts)
	if err != nil {
		return 0, err
	}
	left := scores.LogLik
	for _, s := range all {
		if !s.known() {
			continue
		}
		n := 1 + len(s.others)
		s.gain = Gain(left[0], left[1:n])
		left = left[n:]
		if math.IsNaN(s.gain) || math.IsInf(s.gain, 0) {
			return 0, fmt.Errorf("the gain of search %d of question %q is %v: the policy finds its answer impossible", s.turn, trees[s.tree].Question.ID, s.gain)
		}
	}
	return scores.Computed, nil
}

func pairs(all []*search, which []int) [][]int {
	out := make([][]int, len(which))
	for i, o := range which {
		out[i] = all[o].pair
	}
	return out
}

// Names of the rewards of a query.
const (
	RewardGain = "gain" // IG_t, in nats per token of the answer
	RewardZ    = "z"    // z_t, before clipping
)

// modulate moves the advantages of a query's tokens.
func (m Method) modulate(tree *rollout.Tree, s *search, z float64) {
	query := &tree.Segments[s.query]
	query.Rewards = append(query.Rewards, rollout.Reward{Name: RewardGain, Value: s.gain, Source: "likelihood"},
		rollout.Reward{Name: RewardZ, Value: z, Source: "rule"})
	for j, a := range query.Advantages {
		query.Advantages[j] = m.Modulation.Modulate(a, tree.Trajectories[s.trajectory].Reward, z)
	}
}
