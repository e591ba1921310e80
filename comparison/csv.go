package comparison

import (
	"encoding/csv"
	"io"
	"strconv"

	"searchrl/interval"
)

// TableFile is the name of the table as CSV.
const TableFile = "table.csv"

// WriteCSV writes one line a method: each figure, the ends of its interval, and the difference to the baseline. What is not
// known is empty.
func (t *Table) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	header := []string{"method", "seeds", "steps"}
	names := []string{"em", "f1", "searches", "test_tokens", "sampled_tokens", "computed_tokens", "step_seconds", "peak_memory",
		"dead_groups", "gradient_variance", "gradient_noise", "em_minus_baseline"}
	for _, name := range names {
		header = append(header, name, name+"_low", name+"_high")
	}
	_ = out.Write(append(header, "p", "p_holm")) // Flush reports
	for _, method := range t.Order {
		f := t.Methods[method]
		line := []string{method, strconv.Itoa(len(t.Seeds)), cell(&f.Steps)}
		add := func(x *float64, ci interval.Interval) { line = append(line, cell(x), cell(&ci.Low), cell(&ci.High)) }
		add(&f.EMMean, f.EMCI)
		add(&f.F1Mean, f.F1CI)
		add(&f.SearchesMean, f.SearchesCI)
		add(&f.TestTokens, f.TestTokensCI)
		add(&f.SampledTokens, f.SampledTokensCI)
		add(&f.ComputedTokens, f.ComputedTokensCI)
		add(&f.StepSeconds, f.StepSecondsCI)
		add(f.PeakMemory, f.PeakMemoryCI)
		add(f.DeadGroups, f.DeadGroupsCI)
		add(f.GradientVariance, f.GradientVarianceCI)
		add(f.GradientNoise, f.GradientNoiseCI)
		against := Against{Paired: Paired{CI: interval.Unknown()}}
		var difference *float64
		for _, a := range t.AgainstBaseline {
			if a.Method == method {
				against, difference = a, &a.Mean
			}
		}
		add(difference, against.CI)
		_ = out.Write(append(line, cell(against.P), cell(against.PHolm)))
	}
	out.Flush()
	return out.Error()
}

// cell writes a number so that it reads back as the same; nothing for what is not known.
func cell(x *float64) string {
	if x == nil || known(*x) == nil {
		return ""
	}
	return strconv.FormatFloat(*x, 'g', -1, 64)
}
