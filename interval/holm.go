package interval

import (
	"math"
	"sort"
)

// Holm returns the p-values of a family of hypotheses, corrected for their number: rejecting those whose corrected value is
// at most α rejects a true hypothesis of the family with a probability of at most α, however the tests depend on one
// another. With the p-values in rising order, the i-th of m (from 1) becomes max over j ≤ i of (m−j+1)·p_j, at most 1.
// Values that are NaN are left out of the family and stay NaN.
//
// Source: Holm, "A simple sequentially rejective multiple test procedure" (1979).
func Holm(p []float64) []float64 {
	corrected := make([]float64, len(p))
	var order []int
	for i, x := range p {
		corrected[i] = math.NaN()
		if !math.IsNaN(x) {
			order = append(order, i)
		}
	}
	sort.SliceStable(order, func(a, b int) bool { return p[order[a]] < p[order[b]] })
	largest := 0.0
	for rank, i := range order {
		largest = max(largest, min(1, float64(len(order)-rank)*p[i]))
		corrected[i] = largest
	}
	return corrected
}
