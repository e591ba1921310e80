package interval

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Crossed returns the mean of a table of values, its interval and the two-sided p-value of the hypothesis that the mean is 0,
// where both rows and columns are samples: values[s][q] is, say, what method a did better than method b with seed s on
// question q, and every seed is measured on the same questions. Another seed would have another row, another choice of
// questions other columns.
//
// The standard error is that of the bootstrap that draws rows and columns with replacement, each for itself: the
// pigeonhole bootstrap. With S rows and Q columns, row sums R_s, column sums C_q and the sum T, its variance is
//
//	V = [ (1−1/S)(1−1/Q) T² + (1−1/Q) Σ_s R_s² + (1−1/S) Σ_q C_q² + Σ_sq v² ] / (S Q)² − (T/(S Q))²
//
// which is what infinitely many resamples would give, so none are drawn. It counts the noise of single values up to three
// times, hence errs to the wide side. The bootstrap takes the variance over S rows, of which one is spent on the mean, so
// V·S/(S−1) is used, and Student's t with S−1 degrees of freedom in place of the resamples' percentiles, which are far too
// narrow for a handful of seeds. For many questions this is Student's t over the rows' means.
//
// The interval is unknown and the p-value NaN for fewer than two rows or no columns. Where all values are the same the
// interval is a point, and the p-value 1 if they are 0 and else 0.
//
// Source: Owen, "The pigeonhole bootstrap" (2007); the closed form and Student's t are our derivation.
func Crossed(values [][]float64) (mean float64, ci Interval, p float64, err error) {
	rows := len(values)
	if rows == 0 {
		return math.NaN(), Unknown(), math.NaN(), nil
	}
	columns := len(values[0])
	columnSums := make([]float64, columns)
	rowSums := make([]float64, rows)
	squares := 0.0
	for s, row := range values {
		if len(row) != columns {
			return 0, Interval{}, 0, fmt.Errorf("crossed values: row %d has %d columns, expected %d as in the first", s, len(row), columns)
		}
		rowSums[s] = floats.Sum(row)
		floats.Add(columnSums, row)
		squares += floats.Dot(row, row)
	}
	S, Q := float64(rows), float64(columns)
	mean = floats.Sum(rowSums) / (S * Q)
	if rows < 2 || columns == 0 {
		return mean, Unknown(), math.NaN(), nil
	}
	// The sums of squares around the mean, in which T is 0: the same, without the cancellation.
	centred := func(sums []float64, n float64) float64 {
		total := 0.0
		for _, x := range sums {
			total += (x - n*mean) * (x - n*mean)
		}
		return total
	}
	around := squares - S*Q*mean*mean
	v := ((1-1/Q)*centred(rowSums, Q) + (1-1/S)*centred(columnSums, S) + max(0, around)) / (S * Q * S * Q)
	se := math.Sqrt(v * S / (S - 1))
	if spread(values) == 0 {
		se = 0
	}
	if se == 0 {
		p = 1
		if mean != 0 {
			p = 0
		}
		return mean, Interval{mean, mean}, p, nil
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: S - 1}
	half := t.Quantile(0.5+Level/2) * se
	return mean, Interval{mean - half, mean + half}, 2 * t.Survival(math.Abs(mean)/se), nil
}

// spread returns the variance of the values around the first; 0 if all are the same.
func spread(values [][]float64) float64 {
	var moved []float64
	for _, row := range values {
		for _, x := range row {
			moved = append(moved, x-values[0][0])
		}
	}
	return stat.PopVariance(moved, nil)
}
