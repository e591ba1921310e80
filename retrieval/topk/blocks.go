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

// Outline says what a list has in each block of passages, in few bytes.
type Outline struct {
	unit  float64  // of the peaks
	peaks []uint8  // by block: the largest gain in units, rounded up; 0 where the list has no passage
	from  []uint32 // by block: where its passages begin in the list
}

// Outline returns the outline of a list, for [List].Outline; nil for a list that is too short for that to be of use. It takes 5
// bytes a block, at most 5 for the list's 8 a passage.
func (b Blocks) Outline(l List) *Outline {
	if len(l.Docs) < b.Count {
		return nil
	}
	const most = math.MaxUint8
	o := &Outline{unit: float64(l.Peak) / most, peaks: make([]uint8, b.Count), from: make([]uint32, b.Count)}
	next := 0 // the block that has no from yet
	for i, d := range l.Docs {
		at := int(d >> b.Shift)
		for ; next <= at; next++ {
			o.from[next] = uint32(i)
		}
		o.peaks[at] = max(o.peaks[at], uint8(min(most, math.Ceil(float64(l.Gains[i])/o.unit))))
	}
	for ; next < b.Count; next++ {
		o.from[next] = uint32(len(l.Docs))
	}
	return o
}

// bound adds, sign times, to each block's bound the most that the clause adds to a passage there.
func (b Blocks) bound(bounds []float64, c *clause, sign float64) {
	times := sign * c.times
	if c.Outline != nil {
		unit, peaks := times*c.Outline.unit, c.Outline.peaks[:len(bounds)]
		for i := range bounds {
			bounds[i] += unit * float64(peaks[i])
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
			bounds[at] += times * float64(peak)
			at, peak = block, 0
		}
		if gains[i] > peak { // max is slower: it minds NaN
			peak = gains[i]
		}
	}
	bounds[at] += times * float64(peak)
}
