package topk

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// slack widens comparisons of sums: far above the rounding error of adding a query's gains in another order or in units, so that
// pruning never drops a passage of the exact result.
const slack = 1e-9

// window is the number of passages whose sums are held at once: few enough for the processor's fastest memory.
const window = 1 << 12

// pruner is the working memory of pruned.
type pruner struct {
	blocks  Blocks
	bounds  []float64 // by block: no passage scores more
	rest    []float64 // by block: the most that the lists which are not walked add; −∞ once all its passages have been offered
	seeds   []uint32  // the blocks that seed searches
	sums    []float64 // by passage of the window; all 0 between windows
	found   []uint32  // passages of the window with a sum > 0
	finders []finder  // by clause
	unread  int       // postings that the last search did not add up one after the other
}

func newPruner(passages int) pruner {
	b := NewBlocks(passages)
	return pruner{blocks: b, bounds: make([]float64, b.Count), rest: make([]float64, b.Count), sums: make([]float64, max(window, 1<<b.Shift))}
}

// pruned returns what exhaustive does and usually reads far less: MaxScore (Turtle and Flood 1995) with bounds by block (Ding
// and Suel 2011), window by window.
//
// A passage scores at most what the peaks within its block add up to. The blocks with the largest of these bounds are searched
// whole, so that the k-th best score is high from the start: the floor. Words whose peaks add up to less than the floor cannot
// bring a passage into the result on their own. Only the other words' lists are walked, and of the passages found there, only those
// that can still reach the floor are looked up in the rest.
func (p *pruner) pruned(ctx context.Context, clauses []clause, k int) ([]Scored, error) {
	top := best{k: k}
	p.bound(clauses)
	p.seed(&top)
	walked, others := p.split(top.floor())
	p.unread = 0
	for _, f := range others {
		p.unread += len(f.Docs)
	}
	for start, end := uint64(0), uint64(len(p.bounds))<<p.blocks.Shift; start < end; start += uint64(len(p.sums)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, f := range walked {
			p.walk(f, uint32(start))
		}
		p.offer(&top, uint32(start), others)
	}
	return top.sorted(), nil
}

// bound bounds the scores in each block, and guesses that the lists with an outline are those that need no walk.
func (p *pruner) bound(clauses []clause) {
	clear(p.rest)
	p.finders = p.finders[:0]
	for _, c := range clauses {
		p.finders = append(p.finders, finder{clause: c, shift: p.blocks.Shift})
		if c.Outline != nil {
			p.blocks.bound(p.rest, &c, 1)
		}
	}
	copy(p.bounds, p.rest)
	for _, c := range clauses {
		if c.Outline == nil {
			p.blocks.bound(p.bounds, &c, 1)
		}
	}
}

// seed searches the blocks with the largest bounds whole.
func (p *pruner) seed(top *best) {
	most := best{k: 3 + top.k/2}
	for b, bound := range p.bounds {
		if bound > most.floor() {
			most.offer(Scored{bound, uint32(b)})
		}
	}
	p.seeds = p.seeds[:0]
	for _, block := range most.heap {
		p.seeds = append(p.seeds, block.Doc)
	}
	slices.Sort(p.seeds)
	sums := p.sums[:1<<p.blocks.Shift]
	for _, block := range p.seeds {
		first := block << p.blocks.Shift
		for i := range p.finders {
			f := &p.finders[i]
			for f.seek(first); f.at < len(f.Docs) && f.Docs[f.at]-first < uint32(len(sums)); f.at++ {
				sums[f.Docs[f.at]-first] += float64(f.times * float64(f.Gains[f.at]))
			}
		}
		for i, score := range sums {
			if score > 0 && score >= top.floor() {
				top.offer(Scored{score, first + uint32(i)})
			}
		}
		clear(sums)
	}
	for i := range p.finders {
		p.finders[i].at = 0
	}
}

// split returns the clauses whose lists must be walked, since a passage that only the others hold cannot reach the floor, and the
// others, the one that may add most first. The others are those that save the most postings for what they may add.
func (p *pruner) split(floor float64) (walked, others []*finder) {
	order := make([]*finder, len(p.finders))
	for i := range p.finders {
		order[i] = &p.finders[i]
	}
	slices.SortFunc(order, func(a, b *finder) int {
		return cmp.Compare(float64(len(b.Docs))*a.most(), float64(len(a.Docs))*b.most())
	})
	sum, n := 0.0, 0
	for n < len(order) {
		if sum += order[n].most(); sum*(1+slack)+slack >= floor {
			break
		}
		n++
	}
	walked, others = order[n:], order[:n]
	// Where bound guessed wrong: what is taken away again leaves a rounding error, which slack covers.
	for _, f := range walked {
		if f.Outline != nil {
			p.blocks.bound(p.rest, &f.clause, -1)
		}
	}
	for _, f := range others {
		if f.Outline == nil {
			p.blocks.bound(p.rest, &f.clause, 1)
		}
	}
	for _, b := range p.seeds {
		p.rest[b] = math.Inf(-1)
	}
	slices.SortFunc(others, func(a, b *finder) int { return cmp.Compare(b.most(), a.most()) })
	return walked, others
}

// walk adds up the clause's gains in the window that begins at passage start.
func (p *pruner) walk(f *finder, start uint32) {
	docs := f.Docs[f.walked:]
	gains := f.Gains[f.walked:][:len(docs)]
	sums, found := p.sums, p.found
	for i, d := range docs {
		at := d - start
		if at >= uint32(len(sums)) {
			docs = docs[:i]
			break
		}
		before := sums[at]
		if before == 0 {
			found = append(found, d)
		}
		sums[at] = before + float64(f.times*float64(gains[i]))
	}
	p.found = found
	f.walked += len(docs)
}

// offer looks the window's passages up in the other lists, as long as they can reach the floor, and offers those that do.
func (p *pruner) offer(top *best, start uint32, others []*finder) {
	floor := top.floor()
	need := floor - slack*(1+floor)
	race := p.found[:0]
	sums, rest, shift := p.sums, p.rest, p.blocks.Shift
	for _, d := range p.found {
		if sums[d-start]+rest[d>>shift] >= need {
			race = append(race, d)
		} else {
			sums[d-start] = 0
		}
	}
	slices.Sort(race)
	for _, d := range race {
		sum := sums[d-start]
		sums[d-start] = 0
		if sum+rest[d>>shift] >= need && p.reaches(need, d, sum, others) {
			if score := p.score(d); score >= floor {
				top.offer(Scored{score, d})
				floor = top.floor()
				need = floor - slack*(1+floor)
			}
		}
	}
	p.found = race[:0]
}

// reaches says whether passage d, with that sum from the lists that are walked, can reach what it needs with the others.
func (p *pruner) reaches(need float64, d uint32, sum float64, others []*finder) bool {
	rest := 0.0
	for _, f := range others {
		rest += f.most()
	}
	for _, f := range others {
		if sum+rest < need {
			return false
		}
		rest -= f.most()
		sum += f.gain(d)
	}
	return sum >= need
}

// score adds up the gains of a passage in the order of the clauses, as exhaustive does.
func (p *pruner) score(d uint32) float64 {
	score := 0.0
	for i := range p.finders {
		score += p.finders[i].gain(d)
	}
	return score
}

// finder goes through a clause's list: step by step up to walked, and in leaps to at.
type finder struct {
	clause
	shift      uint // of the blocks
	walked, at int
}

// gain returns what the clause adds to passage d, which must not lie before the one looked up last.
func (f *finder) gain(d uint32) float64 {
	f.seek(d)
	if f.at < len(f.Docs) && f.Docs[f.at] == d {
		return f.times * float64(f.Gains[f.at])
	}
	return 0
}

// seek moves at to the first passage that is not before d, which must not lie before at. Without an outline it gallops: the cost is
// the logarithm of the distance.
func (f *finder) seek(d uint32) {
	var low, high int
	if f.Outline != nil {
		block := int(d >> f.shift)
		low, high = int(f.Outline.from[block]), len(f.Docs)
		if block+1 < len(f.Outline.from) {
			high = int(f.Outline.from[block+1])
		}
	} else {
		step := 1
		for low = f.at; low+step <= len(f.Docs) && f.Docs[low+step-1] < d; step *= 2 {
			low += step
		}
		high = min(low+step, len(f.Docs))
	}
	for low < high {
		if mid := int(uint(low+high) >> 1); f.Docs[mid] < d {
			low = mid + 1
		} else {
			high = mid
		}
	}
	f.at = low
}
