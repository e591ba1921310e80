package gain

import (
	"math/rand/v2"

	"searchrl/qa"
)

// drawPool returns a question and pool others.
func drawPool() []qa.Question {
	var out []qa.Question
	for i := range pool + 1 {
		out = append(out, question(i))
	}
	return out
}

// exactGain is the gain of f over all others, and the width of the interval that its draws lie in.
func (w *world) exactGain(f found, all []found, answers []string) (gain, width float64) {
	real := w.logLik(f, f.pair, answers)
	var others [][]float64
	low, high := 0.0, -1e9
	for _, o := range all {
		if o.about == f.about {
			continue
		}
		l := w.logLik(f, o.pair, answers)
		others = append(others, l)
		g := oracleGain(real, [][]float64{l})
		low, high = min(low, g), max(high, g)
	}
	return oracleGain(real, others), high - low
}

// split is a source of random numbers that takes the first ones from a, so that the same trajectories are sampled, and the
// others from b.
type split struct {
	a, b rand.Source
	left int
}

// Uint64 implements rand.Source.
func (s *split) Uint64() uint64 {
	if s.left > 0 {
		s.left--
		return s.a.Uint64()
	}
	return s.b.Uint64()
}
