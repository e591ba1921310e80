package retrieval

import (
	"fmt"
	"math"
)

// Formula is BM25 over one corpus; the package comment writes it out.
type Formula struct {
	K1       float64 // how soon a repeated word stops adding to the score, in [0, 1000]
	B        float64 // the weight of the passage's length, in [0, 1]
	Passages int     // N
	Words    int     // of all passages together, repetitions counted: Σ|d|
}

// Validate reports the first parameter that makes no sense.
func (f Formula) Validate() error {
	switch {
	case !(f.K1 >= 0 && f.K1 <= 1000): // also NaN
		return fmt.Errorf("k1 is %v; expected a number from 0 to 1000", f.K1)
	case !(f.B >= 0 && f.B <= 1):
		return fmt.Errorf("b is %v; expected a number from 0 to 1", f.B)
	}
	return nil
}

// IDF is the weight of a word that stands in df of the passages: ln(1 + (N − df + ½)/(df + ½)) > 0, for 1 ≤ df ≤ N.
func (f Formula) IDF(df int) float64 {
	return math.Log(1 + (float64(f.Passages-df)+0.5)/(float64(df)+0.5))
}

// Norm is k1·(1 − b + b·|d|/mean|d|) for a passage of that many words.
func (f Formula) Norm(length int) float64 {
	mean := float64(f.Words) / float64(f.Passages)
	return f.K1 * (1 - f.B + float64(f.B*float64(length)/mean))
}

// Gain is what a passage gains from a word of weight idf that stands in it tf ≥ 1 times: idf·tf/(tf + norm), rounded to
// float32. It is above 0 and finite.
func (f Formula) Gain(idf float64, tf int, norm float64) float32 {
	return float32(idf * float64(tf) / (float64(tf) + norm))
}
