package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Figure is a plot, or a drawing as text.
type Figure struct {
	Title, X, Y string
	Series      []Series
	// Text is a drawing in place of a plot: a tree, a table.
	Text string
}

// Series is one line or set of points; Low and High, if set, are the ends of an interval at each point. Points have the
// colour of the line whose name agrees with theirs up to the last comma.
type Series struct {
	Name      string
	X, Y      []float64
	Low, High []float64
	// Points draws points without a line.
	Points bool
}

// The drawing area in the SVG's units. The page scales it to the width there is; 12 units of type stay readable on a phone.
const (
	width, height            = 440.0, 290.0
	left, right, top, bottom = 56.0, 10.0, 10.0, 44.0
	mostPoints               = 600 // of a series; more cannot be seen
	mostMarks                = 60  // of a line; with more, the marks would hide it
	palette                  = 12  // colours and dashes in page.css
)

// plot is a figure's geometry, ready for the template.
type plot struct {
	Figure
	Summary        string // what a reader who cannot see it is told
	Width, Height  float64
	Left, Right    float64 // of the frame
	Top, Bottom    float64
	XTicks, YTicks []tick
	Curves         []curve
	Crowded        bool // too many lines for their bands to be told apart
}

// mostBands is the number of lines whose bands can be told apart; page.js has it too.
const mostBands = 3

type tick struct {
	At   float64
	Text string
}

type curve struct {
	Name   string
	Class  string   // colour and dash
	Lines  []string // points of polylines; a value that is no number interrupts the line
	Bands  []string // points of polygons
	Bars   []bar    // intervals of points
	Points []point
}

type bar struct{ X, Low, High float64 }

type point struct {
	X, Y float64
	Text string
	// The values as numbers: what the page's script shows, and what can be compared with the JSON.
	AtX, AtY, Low, High string
}

// newPlot lays a figure out. Values that are no finite numbers are left out.
func newPlot(f Figure) *plot {
	p := &plot{Figure: f, Width: width, Height: height, Left: left, Right: width - right, Top: top, Bottom: height - bottom}
	xs, ys := span{}, span{}
	for _, s := range f.Series {
		for i := range min(len(s.X), len(s.Y)) {
			if finite(s.X[i]) && finite(s.Y[i]) {
				xs.add(s.X[i])
				ys.add(s.Y[i])
				if low, high, ok := ends(s, i); ok {
					ys.add(low)
					ys.add(high)
				}
			}
		}
	}
	p.Summary = describe(f, xs, ys)
	xAxis, yAxis := newAxis(xs, p.Left, p.Right), newAxis(ys, p.Bottom, p.Top)
	p.XTicks, p.YTicks = xAxis.ticks(), yAxis.ticks()
	lines, used := map[string]int{}, 0 // colours of the lines by family
	for _, s := range f.Series {
		colour, known := lines[family(s.Name)]
		if !s.Points || !known {
			colour, used = used, used+1
		}
		if !s.Points {
			lines[family(s.Name)] = colour
		}
		p.Curves = append(p.Curves, newCurve(s, colour, xAxis, yAxis))
	}
	p.Crowded = used > mostBands
	return p
}

// family is a series' name up to its last comma: the points "ρ = 0, measured" have the colour of the line "ρ = 0, exact".
func family(name string) string {
	if i := strings.LastIndex(name, ", "); i > 0 {
		return name[:i]
	}
	return name
}

func newCurve(s Series, colour int, xAxis, yAxis axis) curve {
	c := curve{Name: s.Name, Class: fmt.Sprintf("s%d", colour%palette)}
	if s.Points {
		c.Class += " dots"
	}
	if s.Points && len(s.Low) > 0 {
		c.Class += " hollow" // to be told from the marks of the line that they should lie on
	}
	shown := thin(s)
	var line, upper, lower []string
	flush := func() {
		if len(line) > 1 && !s.Points {
			c.Lines = append(c.Lines, strings.Join(line, " "))
		}
		if len(upper) > 1 && !s.Points {
			for i := len(lower) - 1; i >= 0; i-- {
				upper = append(upper, lower[i])
			}
			c.Bands = append(c.Bands, strings.Join(upper, " "))
		}
		line, upper, lower = nil, nil, nil
	}
	for _, i := range shown {
		if !finite(s.X[i]) || !finite(s.Y[i]) {
			flush()
			continue
		}
		x, y := xAxis.place(s.X[i]), yAxis.place(s.Y[i])
		line = append(line, coordinates(x, y))
		at := point{X: x, Y: y, AtX: exact(s.X[i]), AtY: exact(s.Y[i])}
		at.Text = fmt.Sprintf("%s: %.4g, %.4g", s.Name, s.X[i], s.Y[i])
		if low, high, ok := ends(s, i); ok {
			at.Text += fmt.Sprintf(" [%.4g, %.4g]", low, high)
			at.Low, at.High = exact(low), exact(high)
			if s.Points {
				c.Bars = append(c.Bars, bar{x, yAxis.place(low), yAxis.place(high)})
			}
			upper, lower = append(upper, coordinates(x, yAxis.place(high))), append(lower, coordinates(x, yAxis.place(low)))
		}
		if s.Points || len(shown) <= mostMarks {
			c.Points = append(c.Points, at)
		}
	}
	flush()
	return c
}

// thin returns the indices of a series that are drawn: all, or the lowest and the highest of each stretch, so that no
// peak is lost.
func thin(s Series) []int {
	n := min(len(s.X), len(s.Y))
	var kept []int
	stretch := max(1, (n+mostPoints/2-1)/(mostPoints/2))
	for from := 0; from < n; from += stretch {
		if n <= mostPoints {
			for i := from; i < min(from+stretch, n); i++ {
				kept = append(kept, i)
			}
			continue
		}
		low, high := from, from
		for i := from; i < min(from+stretch, n); i++ {
			if s.Y[i] < s.Y[low] {
				low = i
			}
			if s.Y[i] > s.Y[high] {
				high = i
			}
		}
		kept = append(kept, min(low, high))
		if low != high {
			kept = append(kept, max(low, high))
		}
	}
	return kept
}

func ends(s Series, i int) (low, high float64, ok bool) {
	if i >= len(s.Low) || i >= len(s.High) || !finite(s.Low[i]) || !finite(s.High[i]) {
		return 0, 0, false
	}
	return s.Low[i], s.High[i], true
}

func describe(f Figure, xs, ys span) string {
	var names []string
	for _, s := range f.Series {
		names = append(names, s.Name)
	}
	if xs.n == 0 {
		return "There are no values."
	}
	return fmt.Sprintf("%s from %.4g to %.4g against %s from %.4g to %.4g. Series: %s.",
		f.Y, ys.low, ys.high, f.X, xs.low, xs.high, strings.Join(names, "; "))
}

// exact writes a number so that it reads back as the same.
func exact(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func coordinates(x, y float64) string {
	return strconv.FormatFloat(x, 'f', 1, 64) + "," + strconv.FormatFloat(y, 'f', 1, 64)
}

// finite reports whether x can be drawn: near the largest numbers, differences overflow.
func finite(x float64) bool { return math.Abs(x) < 1e300 }
