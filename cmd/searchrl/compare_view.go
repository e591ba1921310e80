package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"searchrl/comparison"
	"searchrl/experiment"
	"searchrl/interval"
)

// compareView shows one progress over all runs.
type compareView struct {
	con     *console
	bar     *bar
	total   int
	shares  []int // of each run done, in thousandths
	ended   int   // runs
	sampled int   // tokens, by this process
	started time.Time
}

// runParts is what progress through a run is counted in; evaluating at the end is worth evaluationParts of it.
const runParts, evaluationParts = 1000, 20

func newCompareView(con *console, c *experiment.Comparison) *compareView {
	return &compareView{con: con, bar: con.startBar("", c.Runs()*runParts), total: c.Runs(), shares: make([]int, c.Runs()), started: time.Now()}
}

func (v *compareView) observe(run int, contender experiment.Contender, seed uint64, e experiment.Event) {
	name := fmt.Sprintf("run %d/%d, %s seed %d:", run+1, v.total, contender.Name, seed)
	switch {
	case e.Phase == experiment.Known:
		v.end(run)
		v.bar.already += runParts
		v.con.note("%s EM %.3f %v, done before", name, e.Figures.EM, e.Figures.EMCI)
	case e.Done == 0 && e.Step == nil: // it begins
	case e.Phase == experiment.Training:
		v.shares[run] = e.Done * (runParts - evaluationParts) / e.Total
		v.sampled += e.Step.SampledTokens()
		v.show("%s %s", name, stepText(e.Step, 0))
	case e.Phase == experiment.After && e.Done == e.Total:
		v.end(run)
		v.con.note("%s EM %.3f %v; %d of %d runs, %.0f tokens/s%s", name, e.Figures.EM, e.Figures.EMCI, v.ended, v.total, v.rate(), v.bar.left(v.done()))
		v.show("%s", name)
	case e.Phase == experiment.Before:
		v.show("evaluating the base policy: EM %.3f", e.Figures.EM)
	}
}

func (v *compareView) end(run int) {
	v.shares[run] = runParts
	v.ended++
}

func (v *compareView) done() int {
	done := 0
	for _, share := range v.shares {
		done += share
	}
	return done
}

func (v *compareView) show(format string, args ...any) { v.bar.set(v.done(), format, args...) }

// rate is the tokens that were sampled in training a second, over all runs of this process.
func (v *compareView) rate() float64 {
	return float64(v.sampled) / max(time.Since(v.started).Seconds(), 1e-9)
}

// showTable prints the comparison.
func showTable(w io.Writer, c *experiment.Comparison, table *comparison.Table) {
	fmt.Fprintf(w, "\nGreedy figures on %d unseen questions of %s; %d seeds, budget %v; means over seeds, 95 %% intervals.\n\n",
		table.Base.Questions, c.Task.Name, len(c.Seeds), c.Budget)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "method\tEM\tF1\tsearches\ttokens\tEM by seed")
	fmt.Fprintf(t, "(base policy)\t%.3f\t%.3f\t%.2f\t%.1f\t\n", table.Base.EM, table.Base.F1, table.Base.Searches,
		float64(table.Base.Sampled)/float64(max(1, table.Base.Questions)))
	for _, name := range table.Order {
		f := table.Methods[name]
		fmt.Fprintf(t, "%s\t%.3f %v\t%.3f %v\t%s\t%s\t%s\n", name, f.EMMean, f.EMCI, f.F1Mean, f.F1CI,
			within("%.2f", 1, f.SearchesMean, f.SearchesCI), within("%.0f", 1, f.TestTokens, f.TestTokensCI), perSeed(f.EM))
	}
	_ = t.Flush()
	fmt.Fprintln(w, "\nIts cost, in training:")
	t = tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "method\tsteps\tsampled tokens\tcomputed tokens\ts/step\tpeak MiB\tdead groups\tgradient noise")
	for _, name := range table.Order {
		f := table.Methods[name]
		if f.Steps == 0 { // nothing was trained
			fmt.Fprintf(t, "%s\t–\t–\t–\t–\t%s\t–\t–\n", name, perhaps("%.0f", 1./(1<<20), f.PeakMemory, f.PeakMemoryCI))
			continue
		}
		fmt.Fprintf(t, "%s\t%.4g\t%s\t%s\t%s\t%s\t%s\t%s\n", name, f.Steps,
			within("%.1fk", 1e-3, f.SampledTokens, f.SampledTokensCI), within("%.1fk", 1e-3, f.ComputedTokens, f.ComputedTokensCI),
			within("%.2f", 1, f.StepSeconds, f.StepSecondsCI), perhaps("%.0f", 1./(1<<20), f.PeakMemory, f.PeakMemoryCI),
			perhaps("%.2f", 1, f.DeadGroups, f.DeadGroupsCI), perhaps("%.2f", 1, f.GradientNoise, f.GradientNoiseCI))
	}
	_ = t.Flush()
	showDifferences(w, table)
}

// showDifferences prints who differs from the baseline.
func showDifferences(w io.Writer, table *comparison.Table) {
	if len(table.AgainstBaseline) == 0 {
		return
	}
	fmt.Fprintf(w, "\nDifference in EM to %s, paired by seed and question; p corrected for %d comparisons (Holm):\n", table.Baseline, len(table.AgainstBaseline))
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, a := range table.AgainstBaseline {
		p, verdict := "–", ""
		if a.PHolm != nil {
			p = fmt.Sprintf("%.3f", *a.PHolm)
			if *a.PHolm > 1-interval.Level {
				verdict = "could be chance"
			}
		}
		fmt.Fprintf(t, "  %s\t%+.3f %v\tp %s\t%s\n", a.Method, a.Mean, a.CI, p, verdict)
	}
	_ = t.Flush()
}

// within formats a figure with its interval, both times scale.
func within(format string, scale, value float64, ci interval.Interval) string {
	text := fmt.Sprintf(format, scale*value)
	if ci.Known() {
		text += fmt.Sprintf(" ["+format+", "+format+"]", scale*ci.Low, scale*ci.High)
	}
	return text
}

// perhaps is within for a figure that there may not be.
func perhaps(format string, scale float64, value *float64, ci interval.Interval) string {
	if value == nil {
		return "–"
	}
	return within(format, scale, *value, ci)
}

func perSeed(values []float64) string {
	text := ""
	for i, v := range values {
		if i > 0 {
			text += " "
		}
		text += fmt.Sprintf("%.3f", v)
	}
	return text
}
