package sampled

import (
	"math"

	"searchrl/verify"
)

// curve keeps some hundred points of a wealth over its samples, the one of the alarm among them.
type curve struct {
	x, y []float64
	next int
}

func (c *curve) add(p *Process) {
	if p.N() < c.next && p.N() != p.AlarmAt() {
		return
	}
	c.x, c.y = append(c.x, float64(p.N())), append(c.y, p.LogWealth()/math.Ln10)
	c.next = max(c.next, p.N()+1+p.N()/16)
}

// wealths is the figure of several tests' wealth.
func wealths(title string, level float64, names []string, curves []*curve) verify.Figure {
	f := verify.Figure{Title: title, X: "samples", Y: "log₁₀ wealth"}
	last := 1.
	for i, c := range curves {
		f.Series = append(f.Series, verify.Series{Name: names[i], X: c.x, Y: c.y})
		if n := len(c.x); n > 0 {
			last = math.Max(last, c.x[n-1])
		}
	}
	f.Series = append(f.Series, verify.Series{Name: "alarm", X: []float64{1, last}, Y: []float64{-math.Log10(level), -math.Log10(level)}})
	return f
}
