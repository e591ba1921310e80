package comparison

import (
	"maps"
	"math"
	"slices"

	"searchrl/report"
	"searchrl/rollout"
)

// curves are the plots of the learning curves; a method without training is in none.
func (t *Table) curves() []report.Entry {
	plots := []struct {
		title, x, y string
		of          func(f Figures) report.Series
	}{
		{"Exact match on the test questions", "training step", "EM, greedy", func(f Figures) report.Series {
			return points(f.Curve, func(p Point) float64 { return float64(p.Step) }, func(p Point) float64 { return p.EM }, true)
		}},
		{"The same by what was sampled", "sampled tokens", "EM, greedy", func(f Figures) report.Series {
			return points(f.Curve, func(p Point) float64 { return p.SampledTokens }, func(p Point) float64 { return p.EM }, true)
		}},
		{"Searches on the test questions", "training step", "searches a question", func(f Figures) report.Series {
			return points(f.Curve, func(p Point) float64 { return float64(p.Step) }, func(p Point) float64 { return p.Searches }, false)
		}},
		{"Groups without a signal", "training step", "share of groups", func(f Figures) report.Series {
			return steps(f.Training, func(s Training) *float64 { return s.DeadGroups })
		}},
		{"Noise of the gradient", "training step", "variance / square", func(f Figures) report.Series {
			return steps(f.Training, func(s Training) *float64 { return s.Noise })
		}},
	}
	var entries []report.Entry
	for _, plot := range plots {
		figure := report.Figure{Title: plot.title, X: plot.x, Y: plot.y}
		for _, method := range t.Order {
			if series := plot.of(t.Methods[method]); len(series.X) > 0 {
				series.Name = method
				figure.Series = append(figure.Series, series)
			}
		}
		if len(figure.Series) > 0 {
			entries = append(entries, report.Entry{Figures: []report.Figure{figure}})
		}
	}
	return entries
}

func points(curve []Point, x, y func(Point) float64, withCI bool) report.Series {
	var s report.Series
	for _, p := range curve {
		s.X, s.Y = append(s.X, x(p)), append(s.Y, y(p))
		if withCI {
			s.Low, s.High = append(s.Low, p.EMCI.Low), append(s.High, p.EMCI.High)
		}
	}
	return s
}

// steps leaves out the steps that do not have the figure.
func steps(training []Training, of func(Training) *float64) report.Series {
	var s report.Series
	for _, step := range training {
		if y := of(step); y != nil && !math.IsNaN(*y) {
			s.X, s.Y = append(s.X, float64(step.Step)), append(s.Y, *y)
		}
	}
	return s
}

func sortedSteps(probes map[int][]*rollout.Tree) []int { return slices.Sorted(maps.Keys(probes)) }
