package topk

import (
	"math"
	"math/bits"
)

// Blocks divides the passages of a corpus into blocks of equal size: passage d lies in block d >> Shift.
type Blocks struct {
	Shift uint // the size is 1 << Shift
	Count int
}

// NewBlocks returns the blocks of that many passages: of 64 passages or, in large corpora, so many that there are 2 to 4·√passages
// blocks. More of them bound scores more tightly, and take longer to bound.
func NewBlocks(passages int) Blocks {
	shift := uint(6)
	if size := math.Sqrt(float64(passages)) / 4; size > 64 {
		shift = uint(bits.Len(uint(math.Ceil(size)) - 1))
	}
	return Blocks{Shift: shift, Count: (passages + 1<<shift - 1) >> shift}
}

// Peaks returns the largest gain of a list in each block, 0 where it has no passage, for [List].Peaks; nil for a list that is
// too short for that to be of use.
func (b Blocks) Peaks(l List) []float32 {
	if len(l.Docs) < b.Count {
		return nil
	}
	peaks := make([]float32, b.Count)
	for i, d := range l.Docs {
		at := d >> b.Shift
		peaks[at] = max(peaks[at], l.Gains[i])
	}
	return peaks
}

// bound adds to each block's bound the most that the clause adds to a passage there.
func (b Blocks) bound(bounds []float64, c clause) {
	if c.Peaks != nil {
		peaks := c.Peaks[:len(bounds)]
		for i := range bounds {
			bounds[i] += float64(c.times * float64(peaks[i]))
		}
		return
	}
	if len(c.Docs) == 0 {
		return
	}
	gains := c.Gains[:len(c.Docs)]
	at, peak := c.Docs[0]>>b.Shift, float32(0)
	for i, d := range c.Docs {
		if block := d >> b.Shift; block != at {
			bounds[at] += float64(c.times * float64(peak))
			at, peak = block, 0
		}
		if gains[i] > peak { // max is slower: it minds NaN
			peak = gains[i]
		}
	}
	bounds[at] += float64(c.times * float64(peak))
}
