package interval

import (
	"encoding/json"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Level is the coverage of every interval of this package.
const Level = 0.95

// Interval is a confidence interval with both ends included. It is unknown (both ends NaN) where the data do not
// determine one, for example a mean over a single seed. As JSON it is [low, high], or null where it is unknown.
type Interval struct{ Low, High float64 }

// Unknown returns the interval of a figure whose spread is not known.
func Unknown() Interval { return Interval{math.NaN(), math.NaN()} }

// Known reports whether the data determined the interval.
func (i Interval) Known() bool { return !math.IsNaN(i.Low) && !math.IsNaN(i.High) }

// Contains reports whether x lies in the interval; false for an unknown one.
func (i Interval) Contains(x float64) bool { return i.Low <= x && x <= i.High }

// Clamp cuts the interval to [low, high], the range the figure can have. Coverage does not suffer.
func (i Interval) Clamp(low, high float64) Interval {
	if !i.Known() {
		return i
	}
	return Interval{math.Min(math.Max(i.Low, low), high), math.Max(math.Min(i.High, high), low)}
}

// String formats the interval with three decimals, "[0.123, 0.456]", or "unknown".
func (i Interval) String() string {
	if !i.Known() {
		return "unknown"
	}
	return fmt.Sprintf("[%.3f, %.3f]", i.Low, i.High)
}

// MarshalJSON writes [low, high], or null for an unknown interval.
func (i Interval) MarshalJSON() ([]byte, error) {
	if !i.Known() {
		return []byte("null"), nil
	}
	return json.Marshal([2]float64{i.Low, i.High})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (i *Interval) UnmarshalJSON(data []byte) error {
	var ends *[2]float64
	if err := json.Unmarshal(data, &ends); err != nil {
		return fmt.Errorf("reading an interval, expected [low, high] or null: %w", err)
	}
	*i = Unknown()
	if ends != nil {
		*i = Interval{ends[0], ends[1]}
	}
	return nil
}

// Wilson returns the score interval of a share: successes of n independent trials, 0 ≤ successes ≤ n. It stays within
// [0, 1] and has a sensible width at 0 and n successes, where the textbook interval has none. Without trials it is [0, 1].
//
// Source: Wilson, "Probable inference, the law of succession, and statistical inference" (1927).
func Wilson(successes, n int) Interval {
	if n <= 0 {
		return Interval{0, 1}
	}
	z := distuv.UnitNormal.Quantile(0.5 + Level/2)
	share, trials := float64(successes)/float64(n), float64(n)
	centre := (share + z*z/(2*trials)) / (1 + z*z/trials)
	half := z / (1 + z*z/trials) * math.Sqrt(share*(1-share)/trials+z*z/(4*trials*trials))
	// Rounding must not leave the observed share outside, which it can at 0 and n successes.
	return Interval{math.Min(centre-half, share), math.Max(centre+half, share)}.Clamp(0, 1)
}

// Mean returns the mean of independent values and its Student t interval, mean ± t(n−1)·s/√n. The interval is unknown for
// fewer than two values; the mean of none is NaN.
//
// Source: Student, "The probable error of a mean" (1908).
func Mean(values []float64) (mean float64, ci Interval) {
	n := float64(len(values))
	if n == 0 {
		return math.NaN(), Unknown()
	}
	for _, v := range values {
		mean += v
	}
	mean /= n
	if n == 1 {
		return mean, Unknown()
	}
	squares := 0.0
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(0.5 + Level/2)
	half := t * math.Sqrt(squares/(n-1)/n)
	return mean, Interval{mean - half, mean + half}
}

// Paired returns the mean of a_i − b_i and its Student t interval (see [Mean]); a_i and b_i belong together.
func Paired(a, b []float64) (mean float64, ci Interval, err error) {
	if len(a) != len(b) {
		return 0, Interval{}, fmt.Errorf("paired difference of %d and %d values, expected as many of each", len(a), len(b))
	}
	differences := make([]float64, len(a))
	for i := range a {
		differences[i] = a[i] - b[i]
	}
	mean, ci = Mean(differences)
	return mean, ci, nil
}

// PairedShares returns the difference of two shares that were measured on the same n trials, for example of the questions
// that policies a and b answer right: onlyA trials succeeded with a alone, onlyB with b alone. The interval does not
// shrink to a point where the two never differ, as Student's would. Without trials it is [−1, 1].
//
// Source: Bonett and Price, "Adjusted Wald confidence interval for a difference of binomial proportions based on paired
// data" (2012): Wald's interval after one more trial of each of the two kinds.
func PairedShares(onlyA, onlyB, n int) (difference float64, ci Interval) {
	if n <= 0 {
		return 0, Interval{-1, 1}
	}
	z := distuv.UnitNormal.Quantile(0.5 + Level/2)
	a, b := float64(onlyA+1)/float64(n+2), float64(onlyB+1)/float64(n+2)
	half := z * math.Sqrt((a+b-(a-b)*(a-b))/float64(n+2))
	return float64(onlyA-onlyB) / float64(n), Interval{a - b - half, a - b + half}.Clamp(-1, 1)
}
