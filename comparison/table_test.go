package comparison

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/evaluate"
	"searchrl/experiment"
	"searchrl/interval"
	"searchrl/rollout"
)

// sample makes data of three methods: "good" answers 3 of 4 questions more than "base" does, "same" the same.
func sample(seeds, questions int) *Data {
	d := &Data{Methods: []string{"base", "good", "same"}, Runs: map[string][]Run{}}
	rng := rand.New(rand.NewPCG(1, 1))
	answers := func(right func(q int) bool) []evaluate.Result {
		out := make([]evaluate.Result, questions)
		for q := range out {
			out[q] = evaluate.Result{ID: fmt.Sprint("q", q), Hops: 2 + q%3, Searches: 1 + q%2, End: rollout.Answered}
			if right(q) {
				out[q].EM, out[q].F1 = 1, 1
			}
		}
		return out
	}
	d.Before = answers(func(int) bool { return false })
	number := func(x float64) *float64 { return &x }
	for seed := range seeds {
		d.Seeds = append(d.Seeds, uint64(seed))
		noise := rng.Perm(questions)
		for _, method := range d.Methods {
			right := func(q int) bool { return noise[q] < questions/8 }
			if method == "good" {
				right = func(q int) bool { return noise[q] < questions/8 || q%4 > 0 }
			}
			after := evaluate.Summarise(answers(right))
			peak := int64(100+seed) << 20
			r := Run{Answers: answers(right), Result: experiment.Result{Method: method, Seed: uint64(seed), Steps: 2, SampledTokens: 300,
				ComputedTokens: 900, StepSeconds: 0.5, EMAfter: &after.EM, PeakMemory: &peak}}
			for step := 1; step <= 2; step++ {
				r.Steps = append(r.Steps, Step{Step: step, EM: number(0.1), DeadGroups: number(0.25 * float64(step)), SampledTokens: 150,
					Squared: number(4), Variance: number(2 + float64(seed))})
			}
			r.Steps[0].Test, r.Steps[1].Variance, r.Steps[1].Squared = &after, nil, nil
			d.Runs[method] = append(d.Runs[method], r)
		}
	}
	return d
}

func TestTable(t *testing.T) {
	d := sample(4, 40)
	table, err := NewTable(d, "base")
	require.NoError(t, err)
	good := table.Methods["good"]
	require.Len(t, good.EM, 4)
	mean, ci := interval.Mean(good.EM)
	require.Equal(t, mean, good.EMMean)
	require.Equal(t, ci.Clamp(0, 1), good.EMCI)
	require.InDelta(t, 1.5, good.SearchesMean, 1e-12)
	require.Equal(t, 300., good.SampledTokens)
	require.InDelta(t, 101.5*(1<<20), *good.PeakMemory, 1)
	require.InDelta(t, 0.375, *good.DeadGroups, 1e-12)
	require.InDelta(t, 3.5, *good.GradientVariance, 1e-12, "of the steps at which it was measured")
	require.InDelta(t, 3.5/4, *good.GradientNoise, 1e-12)

	require.Equal(t, []string{"good", "same"}, []string{table.AgainstBaseline[0].Method, table.AgainstBaseline[1].Method})
	better, same := table.AgainstBaseline[0], table.AgainstBaseline[1]
	require.InDelta(t, good.EMMean-table.Methods["base"].EMMean, better.Mean, 1e-12)
	require.Greater(t, better.CI.Low, 0.)
	require.Less(t, *better.PHolm, 0.01)
	require.InDelta(t, 2**better.P, *better.PHolm, 1e-12, "one of two comparisons")
	require.Zero(t, same.Mean)
	require.Equal(t, 1., *same.PHolm)
	require.Equal(t, interval.Interval{}, same.CI, "paired by seed and question, the same answers never differ")

	require.Len(t, table.Differences, 3)
	require.InDelta(t, -better.Mean, table.Differences[0].Mean, 1e-12)

	require.Equal(t, []int{2, 3, 4}, []int{good.ByHops[0].Hops, good.ByHops[1].Hops, good.ByHops[2].Hops})
	require.Equal(t, 14, good.ByHops[0].Questions)
	require.Equal(t, []int{0, 1, 2}, []int{good.Curve[0].Step, good.Curve[1].Step, good.Curve[2].Step})
	require.Zero(t, good.Curve[0].EM)
	require.Equal(t, good.EMMean, good.Curve[2].EM, "the curve ends at the table's figure")
	require.Equal(t, 150., good.Curve[1].SampledTokens)
	require.Len(t, good.Training, 2)
	require.InDelta(t, 3.5/4, *good.Training[0].Noise, 1e-12)
	require.Nil(t, good.Training[1].Noise)
	require.Nil(t, good.Training[0].Reward, "what no step reports")

	other, err := NewTable(d, "good")
	require.NoError(t, err)
	require.InDelta(t, -better.Mean, other.AgainstBaseline[0].Mean, 1e-12)
	_, err = NewTable(d, "nonsense")
	require.ErrorContains(t, err, `"nonsense" is none of the methods`)
}

// One seed has no spread: intervals and p-values are null, not zero. A method without training has no curve and no groups.
func TestOneSeedAndNoTraining(t *testing.T) {
	d := sample(1, 16)
	r := &d.Runs["same"][0]
	r.Steps, r.Result.Steps, r.StepSeconds, r.PeakMemory = nil, 0, 0, nil
	table, err := NewTable(d, "base")
	require.NoError(t, err)
	data, err := json.Marshal(table)
	require.NoError(t, err)
	require.Contains(t, string(data), `"em_ci":null`)
	require.Contains(t, string(data), `"p_holm":null`)
	same := table.Methods["same"]
	require.Nil(t, same.DeadGroups)
	require.Nil(t, same.GradientNoise)
	require.Nil(t, same.PeakMemory)
	require.Empty(t, same.Curve)
	require.Contains(t, string(data), `"curve":[]`)
}

// With a budget of tokens, seeds can end after different numbers of steps: the curve has what all of them have.
func TestUnevenSteps(t *testing.T) {
	d := sample(2, 16)
	d.Runs["good"][1].Steps = append(d.Runs["good"][1].Steps, Step{Step: 3})
	table, err := NewTable(d, "base")
	require.NoError(t, err)
	require.Len(t, table.Methods["good"].Curve, 2)
	require.Len(t, table.Methods["good"].Training, 2)
}

// The documents' keys are a contract with scripts.
func TestKeys(t *testing.T) {
	table, err := NewTable(sample(2, 8), "base")
	require.NoError(t, err)
	requireKeys(t, table, "against_baseline", "base", "baseline", "differences", "methods", "order", "seeds")
	requireKeys(t, table.Methods["good"], "by_hops", "computed_tokens", "computed_tokens_ci", "curve", "dead_groups", "dead_groups_ci",
		"em", "em_ci", "em_mean", "f1", "f1_ci", "f1_mean", "gradient_noise", "gradient_noise_ci", "gradient_variance",
		"gradient_variance_ci", "peak_memory", "peak_memory_ci", "sampled_tokens", "sampled_tokens_ci", "searches", "searches_ci",
		"searches_mean", "step_seconds", "step_seconds_ci", "steps", "test_tokens", "test_tokens_ci", "training")
	requireKeys(t, table.Differences[0], "a", "b", "ci", "mean")
	requireKeys(t, table.AgainstBaseline[0], "ci", "f1", "mean", "method", "p", "p_holm", "searches")
}

func requireKeys(t *testing.T, value any, keys ...string) {
	t.Helper()
	data, err := json.Marshal(value)
	require.NoError(t, err)
	var object map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(data, &object))
	var got []string
	for key := range object {
		got = append(got, key)
	}
	slices.Sort(got)
	require.Equal(t, keys, got)
}

// The Markdown has the page's tables.
func TestMarkdown(t *testing.T) {
	table, err := NewTable(sample(2, 8), "base")
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, table.WriteMarkdown(&b))
	f := table.Methods["good"]
	require.Contains(t, b.String(), fmt.Sprintf("| good | %.3f [%.3f, %.3f] |", f.EMMean, f.EMCI.Low, f.EMCI.High))
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "| good") {
			require.Contains(t, []int{5, 8, 9}, strings.Count(line, "|"), line)
		}
	}
}

func TestCSV(t *testing.T) {
	table, err := NewTable(sample(2, 8), "base")
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, table.WriteCSV(&b))
	lines, err := csv.NewReader(&b).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 4)
	at := slices.Index(lines[0], "em")
	require.Equal(t, cell(ptr(table.Methods["good"].EMMean)), lines[2][at])
	require.Equal(t, "", lines[1][slices.Index(lines[0], "p_holm")], "the baseline is not compared with itself")
	require.Equal(t, "", cell(ptr(math.NaN())))
	require.Equal(t, "", cell(nil))
}

func ptr(x float64) *float64 { return &x }
