package igsearch

import "fmt"

// Form says how z enters the advantage of a query's tokens.
type Form string

const (
	Additive       Form = "additive"       // A + α z
	Multiplicative Form = "multiplicative" // A (1 + α sign(A) z): keeps A's sign while α c < 1, and 0 where A = 0
	Gated          Form = "gated"          // additive, but a positive z counts only in trajectories with reward
)

// Modulation says how far z moves advantages.
type Modulation struct {
	Form Form `json:"form"`
	// Alpha is α in [0, 1e6]; 0 is Search-R1.
	Alpha float64 `json:"alpha"`
	// Clip is c in (0, 1e6]: |z| counts up to it.
	Clip float64 `json:"clip"`
}

// Validate reports the first setting that is out of its range.
func (m Modulation) Validate() error {
	switch {
	case m.Form != Additive && m.Form != Multiplicative && m.Form != Gated:
		return fmt.Errorf("form %q, expected %s, %s or %s", m.Form, Additive, Multiplicative, Gated)
	case !(m.Alpha >= 0 && m.Alpha <= 1e6):
		return fmt.Errorf("the weight α is %v, expected 0 to 1e6", m.Alpha)
	case !(m.Clip > 0 && m.Clip <= 1e6):
		return fmt.Errorf("the clip c is %v, expected more than 0, up to 1e6 (which never clips)", m.Clip)
	}
	return nil
}

// Modulate returns the advantage of the tokens of a query with gain z in a trajectory with advantage a and reward r.
//
//	Additive:       A + α·clip(z, −c, c)
//	Multiplicative: A·(1 + α·sign(A)·clip(z, −c, c))
//	Gated:          additive; a positive z is 0 if R = 0
//
// α = 0 and z = 0 give a itself. Source: our reconstruction; the paper's trainer was not released.
func (m Modulation) Modulate(a, r, z float64) float64 {
	z = min(max(z, -m.Clip), m.Clip)
	if m.Form == Gated && r <= 0 {
		z = min(z, 0)
	}
	if m.Form == Multiplicative {
		switch {
		case a > 0:
			return a * (1 + m.Alpha*z)
		case a < 0:
			return a * (1 - m.Alpha*z)
		}
		return a
	}
	return a + m.Alpha*z
}
