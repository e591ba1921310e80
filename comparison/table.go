package comparison

import (
	"fmt"
	"math"
	"slices"

	"searchrl/evaluate"
	"searchrl/interval"
)

// Table is the outcome of a comparison.
type Table struct {
	Order    []string           `json:"order"` // the methods as they were named
	Seeds    []uint64           `json:"seeds"`
	Base     *evaluate.Summary  `json:"base"` // the base policy in the plain agent loop, greedy
	Methods  map[string]Figures `json:"methods"`
	Baseline string             `json:"baseline"`
	// AgainstBaseline has one entry a method other than the baseline, in the order of Order.
	AgainstBaseline []Against `json:"against_baseline"`
	// Differences are of all pairs, the one named first before the other, by seed alone.
	Differences []Difference `json:"differences"`
}

// Figures are what a comparison says of one method: means over seeds, with Student's t intervals over seeds (null for one
// seed) within the range that the figure can have. Figures that a method does not have are null.
type Figures struct {
	EM     []float64         `json:"em"` // greedy, on the test questions, after training; one a seed
	EMMean float64           `json:"em_mean"`
	EMCI   interval.Interval `json:"em_ci"`

	F1     []float64         `json:"f1"`
	F1Mean float64           `json:"f1_mean"`
	F1CI   interval.Interval `json:"f1_ci"`

	Searches     []float64         `json:"searches"` // a test question
	SearchesMean float64           `json:"searches_mean"`
	SearchesCI   interval.Interval `json:"searches_ci"`

	// TestTokens is what the policy samples for a test question, discarded tokens included: what answering costs.
	TestTokens   float64           `json:"test_tokens"`
	TestTokensCI interval.Interval `json:"test_tokens_ci"`

	Steps            float64           `json:"steps"`
	SampledTokens    float64           `json:"sampled_tokens"` // in training
	SampledTokensCI  interval.Interval `json:"sampled_tokens_ci"`
	ComputedTokens   float64           `json:"computed_tokens"` // in training
	ComputedTokensCI interval.Interval `json:"computed_tokens_ci"`
	StepSeconds      float64           `json:"step_seconds"`
	StepSecondsCI    interval.Interval `json:"step_seconds_ci"`
	PeakMemory       *float64          `json:"peak_memory"` // bytes
	PeakMemoryCI     interval.Interval `json:"peak_memory_ci"`

	DeadGroups         *float64          `json:"dead_groups"` // share of groups without a signal, over all steps
	DeadGroupsCI       interval.Interval `json:"dead_groups_ci"`
	GradientVariance   *float64          `json:"gradient_variance"`
	GradientVarianceCI interval.Interval `json:"gradient_variance_ci"`
	GradientNoise      *float64          `json:"gradient_noise"`
	GradientNoiseCI    interval.Interval `json:"gradient_noise_ci"`

	ByHops   []Hops     `json:"by_hops"`
	Curve    []Point    `json:"curve"`
	Training []Training `json:"training"`
}

// Hops holds the figures of the test questions that combine the same number of facts.
type Hops struct {
	Hops      int               `json:"hops"`
	Questions int               `json:"questions"`
	EM        float64           `json:"em"`
	EMCI      interval.Interval `json:"em_ci"`
}

// Difference is the mean of EM(A) − EM(B) over seeds, paired by seed, with Student's t interval within [−1, 1] (null for
// one seed).
type Difference struct {
	A    string            `json:"a"`
	B    string            `json:"b"`
	Mean float64           `json:"mean"`
	CI   interval.Interval `json:"ci"`
}

// Against is how a method differs from the baseline: means of method − baseline over pairs of the same seed and question.
type Against struct {
	Method string `json:"method"`
	Paired        // in exact match
	// P is the two-sided p-value of no difference in exact match, PHolm the same corrected for the number of methods that are
	// compared with the baseline; null for one seed.
	P        *float64 `json:"p"`
	PHolm    *float64 `json:"p_holm"`
	F1       Paired   `json:"f1"`
	Searches Paired   `json:"searches"`
}

// Paired is a mean difference with its interval over seeds and questions; null for one seed.
type Paired struct {
	Mean float64           `json:"mean"`
	CI   interval.Interval `json:"ci"`
}

// NewTable computes the table; baseline must be one of the methods.
func NewTable(d *Data, baseline string) (*Table, error) {
	if !slices.Contains(d.Methods, baseline) {
		return nil, fmt.Errorf("the baseline %q is none of the methods", baseline)
	}
	base := evaluate.Summarise(d.Before)
	t := &Table{Order: d.Methods, Seeds: d.Seeds, Base: &base, Methods: map[string]Figures{}, Baseline: baseline,
		AgainstBaseline: []Against{}, Differences: []Difference{}}
	for _, method := range d.Methods {
		t.Methods[method] = figures(d.Runs[method], d.Before)
	}
	if err := t.against(d); err != nil {
		return nil, err
	}
	for i, a := range d.Methods {
		for _, b := range d.Methods[i+1:] {
			mean, ci, err := interval.Paired(t.Methods[a].EM, t.Methods[b].EM)
			if err != nil {
				return nil, fmt.Errorf("%s and %s: %w", a, b, err)
			}
			t.Differences = append(t.Differences, Difference{A: a, B: b, Mean: mean, CI: ci.Clamp(-1, 1)})
		}
	}
	return t, nil
}

// against compares every method with the baseline.
func (t *Table) against(d *Data) error {
	var ps []float64
	for _, method := range d.Methods {
		if method == t.Baseline {
			continue
		}
		a := Against{Method: method}
		var p float64
		for _, figure := range []struct {
			to       *Paired
			p        *float64
			of       func(evaluate.Result) float64
			smallest float64
		}{
			{&a.Paired, &p, func(r evaluate.Result) float64 { return r.EM }, -1},
			{&a.F1, new(float64), func(r evaluate.Result) float64 { return r.F1 }, -1},
			{&a.Searches, new(float64), func(r evaluate.Result) float64 { return float64(r.Searches) }, math.Inf(-1)},
		} {
			mean, ci, value, err := interval.Crossed(pairs(d.Runs[method], d.Runs[t.Baseline], figure.of))
			if err != nil {
				return fmt.Errorf("%s and %s: %w", method, t.Baseline, err)
			}
			*figure.to, *figure.p = Paired{Mean: mean, CI: ci.Clamp(figure.smallest, -figure.smallest)}, value
		}
		ps = append(ps, p)
		t.AgainstBaseline = append(t.AgainstBaseline, a)
	}
	for i, corrected := range interval.Holm(ps) {
		t.AgainstBaseline[i].P, t.AgainstBaseline[i].PHolm = known(ps[i]), known(corrected)
	}
	return nil
}

// pairs returns the differences of a figure by seed and question.
func pairs(a, b []Run, of func(evaluate.Result) float64) [][]float64 {
	out := make([][]float64, len(a))
	for s := range a {
		out[s] = make([]float64, len(a[s].Answers))
		for q := range out[s] {
			out[s][q] = of(a[s].Answers[q]) - of(b[s].Answers[q])
		}
	}
	return out
}

// known returns x, or nil for what is no finite number.
func known(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}
