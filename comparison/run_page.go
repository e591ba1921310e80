package comparison

import (
	"fmt"

	"searchrl/evaluate"
	"searchrl/report"
)

// RunPage returns the page of one run; the numbers on it are those of its result, under its JSON keys.
func RunPage(r *Run, info Info) (*report.Page, error) {
	p := &report.Page{
		Title: r.Method + " on " + info.Task,
		Tiles: []report.Tile{
			{Name: "training steps", Value: report.Number{Key: "steps", Text: report.Thousands(r.Result.Steps)}},
			{Name: "sampled tokens", Value: report.Number{Key: "sampled_tokens", Text: report.Thousands(r.SampledTokens)}},
			{Name: "computed tokens", Value: report.Number{Key: "computed_tokens", Text: report.Thousands(r.ComputedTokens)}},
			{Name: "seconds a step", Value: report.Number{Key: "step_seconds", Text: two(r.StepSeconds)}},
		},
		Intro: "Figures on test questions that were not trained on; brackets are 95 % intervals over questions. They do not cover the choice of the seed.",
	}
	if r.Interrupted {
		p.Verdict = &report.Verdict{Text: "The run was interrupted."}
	}
	p.Sections = append(p.Sections, report.Section{ID: "results", Title: "Before and after", Table: r.results()},
		report.Section{ID: "curves", Title: "Training", Text: "Point at a plot or tap it for its values.", Gallery: r.curves()})
	browser := &report.Browser{}
	if err := r.browse(browser, r.Method, info); err != nil {
		return nil, err
	}
	if len(browser.Trees) > 0 || browser.LeftOut > 0 {
		p.Sections = append(p.Sections, report.Section{ID: "trees", Title: "What it does", Text: "Training questions, as the method samples for training. " +
			"A token has the colour of its advantage. Parts of a step's reward are below it.", Browser: browser})
	}
	p.Sections = append(p.Sections, info.source())
	return p, nil
}

func (r *Run) results() *report.Table {
	table := &report.Table{Columns: []report.Column{{Title: "evaluation"}, {Title: "EM before", Number: true}, {Title: "EM after", Number: true}}}
	add := func(name, before, after string, b, a *evaluate.Summary) {
		cell := func(key string, s *evaluate.Summary) report.Cell {
			if s == nil {
				return report.Cell{Text: "–"}
			}
			return report.Figured(key+"/em", key+"/em_ci", &s.EM, s.EMCI, 1, three)
		}
		table.Rows = append(table.Rows, report.Row{Cells: []report.Cell{{Text: name}, cell(before, b), cell(after, a)}})
	}
	add("greedy", "before", "after", r.Before, r.After)
	if r.SampledBefore != nil {
		add("sampled", "sampled_before", "sampled_after", r.SampledBefore, r.SampledAfter)
	}
	if r.Before != nil {
		for i, h := range r.Before.ByHops {
			cells := []report.Cell{{Text: fmt.Sprintf("greedy, %d hops", h.Hops)}}
			for _, of := range []struct {
				key string
				s   *evaluate.Summary
			}{{"before", r.Before}, {"after", r.After}} {
				if of.s == nil || i >= len(of.s.ByHops) {
					cells = append(cells, report.Cell{Text: "–"})
					continue
				}
				key := under(of.key, "by_hops", fmt.Sprint(i))
				cells = append(cells, report.Figured(key("em"), key("em_ci"), &of.s.ByHops[i].EM, of.s.ByHops[i].EMCI, 1, three))
			}
			table.Rows = append(table.Rows, report.Row{Cells: cells})
		}
	}
	return table
}

// curves are the plots of one run's training, from the lines of its metrics.
func (r *Run) curves() []report.Entry {
	training := training([]Run{*r})
	var entries []report.Entry
	type line struct {
		name string
		of   func(Training) *float64
	}
	for _, plot := range []struct {
		title, y string
		lines    []line
	}{
		{"Reward and exact match of the step's trajectories, sampled", "mean", []line{
			{"reward", func(s Training) *float64 { return s.Reward }}, {"EM", func(s Training) *float64 { return s.EM }}}},
		{"Searches", "a trajectory", []line{{"searches", func(s Training) *float64 { return s.Searches }}}},
		{"Groups without a signal", "share of groups", []line{{"dead groups", func(s Training) *float64 { return s.DeadGroups }}}},
		{"Norm of the gradient", "before clipping", []line{{"gradient", func(s Training) *float64 { return s.GradNorm }}}},
		{"Entropy of the policy", "nats a trained token", []line{{"entropy", func(s Training) *float64 { return s.Entropy }}}},
	} {
		figure := report.Figure{Title: plot.title, X: "training step", Y: plot.y}
		for _, l := range plot.lines {
			if series := steps(training, l.of); len(series.X) > 0 {
				series.Name = l.name
				figure.Series = append(figure.Series, series)
			}
		}
		if len(figure.Series) > 0 {
			entries = append(entries, report.Entry{Figures: []report.Figure{figure}})
		}
	}
	var test report.Series
	for _, s := range r.Steps {
		if s.Test != nil {
			test.X, test.Y = append(test.X, float64(s.Step)), append(test.Y, s.Test.EM)
			test.Low, test.High = append(test.Low, s.Test.EMCI.Low), append(test.High, s.Test.EMCI.High)
		}
	}
	if len(test.X) > 0 {
		test.Name = "EM, greedy"
		entries = append(entries, report.Entry{Figures: []report.Figure{{Title: "Exact match on the test questions", X: "training step", Y: "EM", Series: []report.Series{test}}}})
	}
	return entries
}
