package sampled

import (
	"fmt"
	"math"
)

// RangeError says that an observation lies outside the bounds of a test.
type RangeError struct {
	N         int // observations before it
	Z, Lo, Hi float64
}

// Error implements error.
func (e *RangeError) Error() string {
	return fmt.Sprintf("sequential test: observation %d is %v, expected one in [%v, %v]", e.N+1, e.Z, e.Lo, e.Hi)
}

// Process is a sequential betting test of H0: E[Z] ≤ 0 for independent Z in [lo, hi], lo < 0 < hi. Start with a wealth of 1;
// before each observation bet a share of it on Z > 0:
//
//	W_n = Π_i (1 + λ_i Z_i),   0 ≤ λ_i ≤ 0.75/|lo|,   λ_i a function of Z_1 … Z_{i−1}
//
// Under H0 the wealth is a non-negative supermartingale, so P(W_n ≥ 1/α for any n) ≤ α (Ville's inequality): the test may
// be looked at after each observation, stopped whenever one likes, and alarms wrongly with a probability of α at most.
// Under H1 the wealth grows exponentially. The bet is the one that maximises the expected log wealth to second order,
// λ = mean/(variance + mean²) of what was observed so far, cut to the allowed range.
//
// Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting" (2024), §4 and Prop. 3; Ville
// (1939). The zero value is not usable; see [NewProcess]. Not safe for concurrent use.
type Process struct {
	lo, hi, alpha float64
	cap           float64
	n, alarm      int
	wealth        float64 // its logarithm
	sum, squares  float64
}

// NewProcess prepares a test at level alpha in (0, 1).
func NewProcess(lo, hi, alpha float64) (*Process, error) {
	switch {
	case !(lo < 0) || !(hi > 0) || math.IsInf(lo, 0) || math.IsInf(hi, 0):
		return nil, fmt.Errorf("sequential test: values in [%v, %v], expected finite bounds with 0 between them", lo, hi)
	case !(alpha > 0 && alpha < 1):
		return nil, fmt.Errorf("sequential test: false-alarm rate %v, expected one between 0 and 1", alpha)
	}
	return &Process{lo: lo, hi: hi, alpha: alpha, cap: .75 / -lo}, nil
}

// Observe bets and then looks at z. It is a *[RangeError] if z is outside the bounds, on which the test's level rests;
// nothing changes then.
func (p *Process) Observe(z float64) error {
	const slack = 1e-9 // for the rounding of what z was computed from; it cannot make the wealth negative
	if !(z >= p.lo*(1+slack) && z <= p.hi*(1+slack)) {
		return &RangeError{N: p.n, Z: z, Lo: p.lo, Hi: p.hi}
	}
	p.wealth += math.Log1p(p.Bet() * z)
	p.n++
	p.sum += z
	p.squares += z * z
	if p.alarm == 0 && p.wealth >= -math.Log(p.alpha) {
		p.alarm = p.n
	}
	return nil
}

// Bet is λ for the next observation.
func (p *Process) Bet() float64 {
	// One made-up observation of mean 0 with the spread of the bounds keeps the first bets small.
	n := float64(p.n + 1)
	mean := p.sum / n
	if mean <= 0 {
		return 0
	}
	spread := (p.hi - p.lo) / 2
	return math.Min(mean*n/(p.squares+spread*spread), p.cap) // E[Z²] = variance + mean²
}

// N is the number of observations.
func (p *Process) N() int { return p.n }

// Mean is the mean of the observations, NaN if there are none.
func (p *Process) Mean() float64 { return p.sum / float64(p.n) }

// Wealth is W_n; it overflows to +Inf where the evidence is overwhelming.
func (p *Process) Wealth() float64 { return math.Exp(p.wealth) }

// LogWealth is ln W_n.
func (p *Process) LogWealth() float64 { return p.wealth }

// Alarm reports whether the wealth has ever reached 1/α: E[Z] > 0, wrongly with a probability of α at most.
func (p *Process) Alarm() bool { return p.alarm > 0 }

// AlarmAt is the number of observations after which the wealth first reached 1/α; 0 if it never did.
func (p *Process) AlarmAt() int { return p.alarm }

// Level is α.
func (p *Process) Level() float64 { return p.alpha }
