package retrieval

import (
	"cmp"
	"context"
	"slices"
)

// slack widens every comparison of partial sums: far above the rounding error of adding a query's gains in another
// order, so that pruning never drops a passage of the exact result.
const slack = 1e-9

// pruned returns what exhaustive does and usually reads far less: MaxScore (Turtle and Flood 1995), term at a time.
//
// It adds up lists from the rarest word on, until the k-th best sum exceeds all that the lists left can add. From there
// on no new passage can enter the result, so the long lists are only looked into for the passages still in the race.
func (s *scratch) pruned(ctx context.Context, clauses []clause, k int) ([]scored, error) {
	defer s.clear()
	order := slices.SortedFunc(slices.Values(clauses), func(a, b clause) int {
		return cmp.Compare(len(a.docs), len(b.docs))
	})
	rest := 0.0   // the most that the lists left can add to one passage
	postings := 0 // in the lists left
	for _, c := range order {
		rest += c.most()
		postings += len(c.docs)
	}
	floor, read := 0.0, 0
	for len(order) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c := order[0]
		order = order[1:]
		s.add(c)
		rest -= c.most()
		postings -= len(c.docs)
		read += len(c.docs)
		// Looking for the floor costs a pass over the touched passages: do it once as many postings were read, and
		// only where more than that can be saved.
		if read < len(s.touched)/2 || postings < len(s.touched) {
			continue
		}
		read = 0
		if floor = s.floor(s.touched, k); floor > rest*(1+slack)+slack {
			break
		}
	}
	race := s.race(s.touched, floor, rest)
	slices.Sort(race)
	for _, c := range order {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rest -= c.most()
		from := 0
		for _, d := range race {
			var gain float64
			gain, from = c.gain(d, from)
			s.sum[d] += gain
		}
		race = s.race(race, s.floor(race, k), rest)
	}
	return rescore(s.race(race, s.floor(race, k), 0), clauses, k), nil
}

// most returns the most that the clause adds to a passage.
func (c clause) most() float64 { return c.times * c.peak }

// gain returns what the clause adds to passage d, and where in the list to look for the passages after d. The passage
// lies at from or later, if it is in the list. It gallops: the cost is the logarithm of the distance from there.
func (c clause) gain(d uint32, from int) (gain float64, next int) {
	step := 1
	for from+step <= len(c.docs) && c.docs[from+step-1] < d {
		from += step
		step *= 2
	}
	i, found := slices.BinarySearch(c.docs[from:min(from+step, len(c.docs))], d)
	if i += from; found {
		gain = c.times * c.gains[i]
	}
	return gain, i
}

// floor returns the k-th best sum among the passages, 0 if there are fewer.
func (s *scratch) floor(passages []uint32, k int) float64 {
	top := best{k: k}
	for _, d := range passages {
		if sum := s.sum[d]; sum > top.floor() {
			top.offer(scored{sum, d})
		}
	}
	return top.floor()
}

// race returns the passages that can still reach the floor if each gets the rest.
func (s *scratch) race(passages []uint32, floor, rest float64) []uint32 {
	var kept []uint32
	for _, d := range passages {
		if s.sum[d]+rest >= floor-slack*(1+floor) {
			kept = append(kept, d)
		}
	}
	return kept
}

// rescore adds up the gains of a few passages, in rising order, as exhaustive does, and returns the k best.
func rescore(passages []uint32, clauses []clause, k int) []scored {
	scores := make([]float64, len(passages))
	for _, c := range clauses {
		from := 0
		for i, d := range passages {
			var gain float64
			gain, from = c.gain(d, from)
			scores[i] += gain
		}
	}
	top := best{k: k}
	for i, d := range passages {
		top.offer(scored{scores[i], d})
	}
	return top.sorted()
}
