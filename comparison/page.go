package comparison

import (
	"fmt"
	"strconv"

	"searchrl/interval"
	"searchrl/report"
)

// PageFile is the name of the page.
const PageFile = "report.html"

// Info says where figures come from, for the page.
type Info struct {
	Program, Command, Machine string
	Task                      string
	Budget                    string
	Settings                  []report.Setting // every setting
	// Pieces returns the text of each token of a run of tokens.
	Pieces func(ids []int) []string
}

// source are the settings as a section.
func (i Info) source() report.Section {
	return report.Section{ID: "settings", Title: "Settings", Settings: append([]report.Setting{
		{Name: "again", Value: i.Command, Code: true}, {Name: "program", Value: i.Program}, {Name: "machine", Value: i.Machine},
	}, i.Settings...)}
}

// Page returns the page of a comparison. The numbers on it are those of the table, under its JSON keys.
func Page(t *Table, d *Data, info Info) (*report.Page, error) {
	browser, err := browse(d, info)
	if err != nil {
		return nil, err
	}
	p := &report.Page{
		Title: "Methods compared on " + info.Task,
		Tiles: []report.Tile{
			{Name: "methods", Value: plain(len(t.Order))},
			{Name: "seeds", Value: plain(len(t.Seeds)), Note: "runs of each, " + info.Budget},
			{Name: "test questions", Value: report.Number{Key: "base/questions", Text: report.Thousands(t.Base.Questions)}, Note: "never trained on"},
			{Name: "EM before training", Value: report.Number{Key: "base/em", Text: three(t.Base.EM)}, Note: "greedy, the base policy of all"},
		},
		Intro: "Every method starts from the same policy and, for the same seed, gets the same questions in the same order. Figures are means " +
			"over seeds, brackets 95 % intervals over seeds. Differences to " + t.Baseline + " are taken over pairs of the same seed and " +
			"question; their intervals cover the choice of both, and p is corrected for the number of methods by Holm's procedure.",
		Sections: []report.Section{
			{ID: "results", Title: "Results", Text: "Greedy, on the test questions, after training.", Table: t.results()},
			{ID: "cost", Title: "Cost and signal", Text: "In training; evaluations are not counted. Dead groups carry no signal, as all their rewards " +
				"are equal. The gradient's noise is the share of its square that is chance (see docs/metrics.md).", Table: t.cost()},
			{ID: "curves", Title: "Learning curves", Text: "Point at a plot or tap it for its values; a name in the legend switches its line off.", Gallery: t.curves()},
			{ID: "hops", Title: "By the number of facts to combine", Table: t.hops()},
		},
	}
	if browser != nil {
		p.Sections = append(p.Sections, report.Section{ID: "trees", Title: "What they do",
			Text: "Training questions that the first seed's policy was asked at the beginning, in the middle and at the end, as the method samples for " +
				"training. A token has the colour of its advantage. Parts of a step's reward are below it.", Browser: browser})
	}
	p.Sections = append(p.Sections, info.source())
	return p, nil
}

// browse collects the trees; nil if no run has any.
func browse(d *Data, info Info) (*report.Browser, error) {
	b := &report.Browser{}
	for _, method := range d.Methods {
		for _, run := range d.Runs[method] {
			if err := run.browse(b, method, info); err != nil {
				return nil, err
			}
		}
	}
	if len(b.Trees) == 0 && b.LeftOut == 0 {
		return nil, nil
	}
	return b, nil
}

func (r *Run) browse(b *report.Browser, method string, info Info) error {
	for _, step := range sortedSteps(r.Probes) {
		if err := b.Add(method, step, r.Probes[step], info.Pieces); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) results() *report.Table {
	table := &report.Table{Columns: []report.Column{{Title: "method"}, {Title: "EM", Number: true}, {Title: "F1", Number: true},
		{Title: "searches a question", Number: true}, {Title: "tokens a question", Number: true}, {Title: "EM − " + t.Baseline, Number: true}, {Title: "p (Holm)", Number: true}}}
	for _, method := range t.Order {
		f, key := t.Methods[method], under("methods", method)
		cells := []report.Cell{{Code: method},
			report.Figured(key("em_mean"), key("em_ci"), &f.EMMean, f.EMCI, 1, three),
			report.Figured(key("f1_mean"), key("f1_ci"), &f.F1Mean, f.F1CI, 1, three),
			report.Figured(key("searches_mean"), key("searches_ci"), &f.SearchesMean, f.SearchesCI, 1, two),
			report.Figured(key("test_tokens"), key("test_tokens_ci"), &f.TestTokens, f.TestTokensCI, 1, report.Decimals(1))}
		if method == t.Baseline {
			cells = append(cells, report.Cell{Text: "baseline"}, report.Cell{})
		}
		for i, a := range t.AgainstBaseline {
			if a.Method == method {
				key := under("against_baseline", strconv.Itoa(i))
				cells = append(cells, report.Figured(key("mean"), key("ci"), &a.Mean, a.CI, 1, report.Signed(3)),
					report.Figured(key("p_holm"), "", a.PHolm, interval.Unknown(), 1, report.Decimals(4)))
			}
		}
		table.Rows = append(table.Rows, report.Row{Cells: cells})
	}
	return table
}

func (t *Table) cost() *report.Table {
	table := &report.Table{Columns: []report.Column{{Title: "method"}, {Title: "steps", Number: true}, {Title: "sampled tokens", Number: true},
		{Title: "computed tokens", Number: true}, {Title: "s a step", Number: true}, {Title: "peak MiB", Number: true},
		{Title: "dead groups", Number: true}, {Title: "gradient noise", Number: true}}}
	whole := func(x float64) string { return report.Thousands(int(x + 0.5)) }
	for _, method := range t.Order {
		f, key := t.Methods[method], under("methods", method)
		if f.Steps == 0 { // nothing was trained
			none := report.Cell{Text: "–"}
			table.Rows = append(table.Rows, report.Row{Cells: []report.Cell{{Code: method}, none, none, none, none,
				report.Figured(key("peak_memory"), key("peak_memory_ci"), f.PeakMemory, f.PeakMemoryCI, 1./(1<<20), whole), none, none}})
			continue
		}
		table.Rows = append(table.Rows, report.Row{Cells: []report.Cell{{Code: method},
			report.Figured(key("steps"), "", &f.Steps, interval.Unknown(), 1, compact),
			report.Figured(key("sampled_tokens"), key("sampled_tokens_ci"), &f.SampledTokens, f.SampledTokensCI, 1, whole),
			report.Figured(key("computed_tokens"), key("computed_tokens_ci"), &f.ComputedTokens, f.ComputedTokensCI, 1, whole),
			report.Figured(key("step_seconds"), key("step_seconds_ci"), &f.StepSeconds, f.StepSecondsCI, 1, two),
			report.Figured(key("peak_memory"), key("peak_memory_ci"), f.PeakMemory, f.PeakMemoryCI, 1./(1<<20), whole),
			report.Figured(key("dead_groups"), key("dead_groups_ci"), f.DeadGroups, f.DeadGroupsCI, 1, two),
			report.Figured(key("gradient_noise"), key("gradient_noise_ci"), f.GradientNoise, f.GradientNoiseCI, 1, two),
		}})
	}
	return table
}

func (t *Table) hops() *report.Table {
	table := &report.Table{Columns: []report.Column{{Title: "method"}}}
	for _, h := range t.Methods[t.Order[0]].ByHops {
		table.Columns = append(table.Columns, report.Column{Title: fmt.Sprintf("%d hops (%d questions)", h.Hops, h.Questions), Number: true})
	}
	if len(table.Columns) == 1 {
		return nil
	}
	for _, method := range t.Order {
		cells := []report.Cell{{Code: method}}
		for i, h := range t.Methods[method].ByHops {
			key := under("methods", method, "by_hops", strconv.Itoa(i))
			cells = append(cells, report.Figured(key("em"), key("em_ci"), &h.EM, h.EMCI, 1, three))
		}
		table.Rows = append(table.Rows, report.Row{Cells: cells})
	}
	return table
}

// under returns a function that makes keys of the JSON document below a path.
func under(path ...string) func(string) string {
	return func(name string) string {
		key := ""
		for _, part := range path {
			key += part + "/"
		}
		return key + name
	}
}

var two, three = report.Decimals(2), report.Decimals(3)

func compact(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }

func plain(n int) report.Number { return report.Number{Text: strconv.Itoa(n)} }
