package slate

import (
	"searchrl/grpo"
	"searchrl/rollout"
)

// Names of the metrics that SLATE reports beside those of every method; docs/metrics.md explains each.
const (
	MetricGroups     = "groups"       // groups of the training step: decision points, or questions for Full
	MetricLabels     = "judge_labels" // scores that the judge gave
	MetricMasked     = "judge_masked" // share of the scores asked for that could not be given
	MetricStep       = "step_reward"  // mean r over the candidates that count
	MetricThought    = "step_thought" // mean reward of a thought, as known
	MetricQuery      = "step_query"   // mean reward of a query, as known
	MetricAnswer     = "step_answer"  // mean reward of an answer, as known
	MetricAnswers    = "step_answers" // share of candidates that answer
	MetricInvalid    = "step_invalid" // share of candidates that are invalid
	MetricFlawedBest = "flawed_best"  // share of the groups with signal whose best candidate is not faultless
)

// tally adds up what the metrics are made of.
type tally struct {
	groups, dead, flawed int
	candidates, in       int
	reward               float64
	asked, masked        int
	sum                  map[string]float64
	n                    map[string]int
	answers, invalid     int
}

// add counts one group, after settle; advantages are those of its counted steps.
func (t *tally) add(group []*step, advantages []float64, m Method) {
	if t.sum == nil {
		t.sum, t.n = map[string]float64{}, map[string]int{}
	}
	t.groups++
	dead := true
	for _, a := range advantages {
		dead = dead && a == 0
	}
	for _, s := range group {
		t.candidates++
		switch s.action().Kind {
		case rollout.Answer:
			t.answers++
		case rollout.Invalid:
			t.invalid++
		}
		if !s.left {
			t.in++
			t.reward += s.reward
		}
		for _, p := range s.parts {
			t.part(p)
		}
	}
	if dead {
		t.dead++
		return
	}
	if best := bestOf(counted(group)); m.Judges() && !best.faultless(m) {
		t.flawed++
	}
}

func (t *tally) part(p part) {
	if p.judged {
		t.asked++
	}
	if p.masked {
		t.masked++
		return
	}
	t.sum[p.name] += p.value
	t.n[p.name]++
}

func bestOf(group []*step) *step {
	best := group[0]
	for _, s := range group {
		if s.reward > best.reward {
			best = s
		}
	}
	return best
}

// faultless reports whether the judge had nothing to find fault with in what it could judge.
func (s *step) faultless(m Method) bool {
	for _, p := range s.parts {
		if p.name == partInvalid || p.judged && !p.masked && p.value < m.shift(1) {
			return false
		}
	}
	return true
}

// metrics returns the figures; those that have nothing to be a mean of are left out.
func (t *tally) metrics() grpo.Metrics {
	out := grpo.Metrics{MetricGroups: float64(t.groups), MetricLabels: float64(t.asked - t.masked)}
	ratio := func(name string, x float64, n int) {
		if n > 0 {
			out[name] = x / float64(n)
		}
	}
	ratio(grpo.MetricDeadGroups, float64(t.dead), t.groups)
	ratio(MetricMasked, float64(t.masked), t.asked)
	ratio(MetricStep, t.reward, t.in)
	for part, name := range map[string]string{partThought: MetricThought, partQuery: MetricQuery, partAnswer: MetricAnswer} {
		ratio(name, t.sum[part], t.n[part])
	}
	ratio(MetricInvalid, float64(t.invalid), t.candidates)
	ratio(MetricAnswers, float64(t.answers), t.candidates)
	if t.asked > 0 {
		ratio(MetricFlawedBest, float64(t.flawed), t.groups-t.dead)
	}
	return out
}
