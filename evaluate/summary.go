package evaluate

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"searchrl/interval"
	"searchrl/rollout"
)

// Summary holds the figures of an evaluation: means over the questions.
type Summary struct {
	Questions int               `json:"questions"`
	EM        float64           `json:"em"`
	EMCI      interval.Interval `json:"em_ci"` // Wilson's, over questions
	F1        float64           `json:"f1"`
	F1CI      interval.Interval `json:"f1_ci"` // Student's t, over questions
	Searches  float64           `json:"searches"`
	Turns     float64           `json:"turns"`
	Answered  float64           `json:"answered"` // share of questions that got an answer
	Invalid   float64           `json:"invalid"`  // invalid actions
	Sampled   int               `json:"sampled_tokens"`
	ByHops    []Hops            `json:"by_hops,omitempty"` // in rising order; absent where no question says its hops
}

// Hops holds the figures of the questions that combine the same number of facts.
type Hops struct {
	Hops      int               `json:"hops"`
	Questions int               `json:"questions"`
	EM        float64           `json:"em"`
	EMCI      interval.Interval `json:"em_ci"`
	Searches  float64           `json:"searches"`
}

// Summarise returns the figures of an evaluation; all are 0, with intervals that say nothing, where there are no results.
func Summarise(results []Result) Summary {
	s := Summary{Questions: len(results), F1CI: interval.Unknown()}
	s.EM, s.EMCI = exactMatch(results)
	if len(results) == 0 {
		return s
	}
	f1 := make([]float64, len(results))
	byHops := map[int][]Result{}
	for i, r := range results {
		f1[i] = r.F1
		s.Turns += float64(r.Turns)
		s.Invalid += float64(r.Invalid)
		s.Sampled += r.Sampled
		if r.End == rollout.Answered {
			s.Answered++
		}
		if r.Hops > 0 {
			byHops[r.Hops] = append(byHops[r.Hops], r)
		}
	}
	n := float64(len(results))
	s.F1, s.F1CI = interval.Mean(f1)
	s.F1CI = s.F1CI.Clamp(0, 1)
	s.Searches = searches(results)
	s.Turns /= n
	s.Answered /= n
	s.Invalid /= n
	for _, hops := range slices.Sorted(maps.Keys(byHops)) {
		part := byHops[hops]
		h := Hops{Hops: hops, Questions: len(part), Searches: searches(part)}
		h.EM, h.EMCI = exactMatch(part)
		s.ByHops = append(s.ByHops, h)
	}
	return s
}

// exactMatch returns the share of right answers with Wilson's interval.
func exactMatch(results []Result) (float64, interval.Interval) {
	right := 0
	for _, r := range results {
		if r.EM == 1 {
			right++
		}
	}
	return float64(right) / float64(max(1, len(results))), interval.Wilson(right, len(results))
}

// searches returns the mean number of searches a question.
func searches(results []Result) float64 {
	n := 0
	for _, r := range results {
		n += r.Searches
	}
	return float64(n) / float64(max(1, len(results)))
}

// errNotPaired says that two evaluations are of different questions.
var errNotPaired = errors.New("the evaluations are not of the same questions in the same order")

// Difference returns how much more exact match a has than b on the same questions, with its interval over questions.
func Difference(a, b []Result) (mean float64, ci interval.Interval, err error) {
	if len(a) != len(b) {
		return 0, interval.Unknown(), fmt.Errorf("%w: %d and %d", errNotPaired, len(a), len(b))
	}
	onlyA, onlyB := 0, 0
	for i := range a {
		switch {
		case a[i].ID != b[i].ID:
			return 0, interval.Unknown(), fmt.Errorf("%w: question %d is %q and %q", errNotPaired, i+1, a[i].ID, b[i].ID)
		case a[i].EM > b[i].EM:
			onlyA++
		case a[i].EM < b[i].EM:
			onlyB++
		}
	}
	mean, ci = interval.PairedShares(onlyA, onlyB, len(a))
	return mean, ci, nil
}
