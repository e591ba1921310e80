package topk

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
func (s *Scorer) pruned(ctx context.Context, clauses []clause, k int) ([]Scored, error) {
	defer s.clear()
	order := slices.SortedFunc(slices.Values(clauses), func(a, b clause) int {
		return cmp.Compare(len(a.Docs), len(b.Docs))
	})
	rest := 0.0   // the most that the lists left can add to one passage
	postings := 0 // in the lists left
	for _, c := range order {
		rest += c.most()
		postings += len(c.Docs)
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
		postings -= len(c.Docs)
		read += len(c.Docs)
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
	s.unread = postings
	race := s.race(s.touched, floor, rest)
	for _, c := range order {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rest -= c.most()
		find := finder{clause: c}
		for _, d := range race {
			s.sum[d] += find.gain(d)
		}
		race = s.race(race, s.floor(race, k), rest)
	}
	race = s.race(race, s.floor(race, k), 0)
	return rescore(race, clauses, k), nil
}

// finder looks passages up in a clause's list.
type finder struct {
	clause
	from int    // the passages before it in the list precede last
	last uint32 // the passage looked up last
}

// gain returns what the clause adds to passage d. It gallops: the cost is the logarithm of the distance from the passage
// looked up before, where d follows that in the corpus.
func (f *finder) gain(d uint32) float64 {
	if d < f.last {
		f.from = 0
	}
	f.last = d
	step := 1
	for f.from+step <= len(f.Docs) && f.Docs[f.from+step-1] < d {
		f.from += step
		step *= 2
	}
	i, found := slices.BinarySearch(f.Docs[f.from:min(f.from+step, len(f.Docs))], d)
	f.from += i
	if !found {
		return 0
	}
	return f.times * float64(f.Gains[f.from])
}

// floor returns the k-th best sum among the passages, 0 if there are fewer.
func (s *Scorer) floor(passages []uint32, k int) float64 {
	top := best{k: k}
	for _, d := range passages {
		if sum := s.sum[d]; sum > top.floor() {
			top.offer(Scored{sum, d})
		}
	}
	return top.floor()
}

// race returns the passages that can still reach the floor if each gets the rest. The result lies in s.kept, where the
// passages may lie as well.
func (s *Scorer) race(passages []uint32, floor, rest float64) []uint32 {
	kept := s.kept[:0]
	for _, d := range passages {
		if s.sum[d]+rest >= floor-slack*(1+floor) {
			kept = append(kept, d)
		}
	}
	s.kept = kept
	return kept
}

// rescore adds up the gains of a few passages in the order of the clauses, as exhaustive does, and returns the k best.
func rescore(passages []uint32, clauses []clause, k int) []Scored {
	scores := make([]float64, len(passages))
	for _, c := range clauses {
		find := finder{clause: c}
		for i, d := range passages {
			scores[i] += find.gain(d)
		}
	}
	top := best{k: k}
	for i, d := range passages {
		top.offer(Scored{scores[i], d})
	}
	return top.sorted()
}
