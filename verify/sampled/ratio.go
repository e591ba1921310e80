package sampled

import (
	"math"

	"searchrl/interval"
)

// Ratio is the variance of the full-trajectory estimator over that of the truncated one, as measured.
type Ratio struct {
	// T is the number of steps, which the theorem promises where its assumptions hold.
	T int
	// Measured is the ratio of the measured variances, Exact the enumerated one (NaN where it is not known).
	Measured, Exact float64
	// CI is a 95 % interval for the ratio, by the delta method.
	CI interval.Interval
	// Samples is the number of independent observations.
	Samples int
}

// moments sums up observations (x, y) of the two variances.
type moments struct {
	n                float64
	x, y, xx, yy, xy float64
}

func (m *moments) add(x, y float64) {
	m.n++
	m.x, m.y = m.x+x, m.y+y
	m.xx, m.yy, m.xy = m.xx+x*x, m.yy+y*y, m.xy+x*y
}

// ratio is E[y]/E[x]. To first order the error of ȳ/x̄ is that of the mean of (y − R x)/x̄.
func (m *moments) ratio(t int, exact float64) Ratio {
	r := m.y / m.x
	squares := math.Max(0, m.yy-2*r*m.xy+r*r*m.xx) / m.n // the mean of y − R x is 0
	half := 1.96 * math.Sqrt(squares/m.n) / (m.x / m.n)
	return Ratio{T: t, Measured: r, Exact: exact, CI: interval.Interval{Low: r - half, High: r + half}, Samples: int(m.n)}
}

// mean and its standard error of any numbers.
type average struct{ n, sum, squares float64 }

func (a *average) add(x float64) {
	a.n++
	a.sum += x
	a.squares += x * x
}

func (a *average) mean() float64 { return a.sum / a.n }

func (a *average) ci() interval.Interval {
	m := a.mean()
	half := 1.96 * math.Sqrt(math.Max(0, a.squares/a.n-m*m)/a.n)
	return interval.Interval{Low: m - half, High: m + half}
}
