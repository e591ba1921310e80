package topk

import "context"

// Scorer is the working memory of one search at a time: 8 bytes a passage, up to 4 more while it searches, and what a window
// and the blocks take.
type Scorer struct {
	sum     []float64 // score so far of every passage; all 0 between searches
	touched []uint32  // the passages with a score > 0
	pruner
}

// NewScorer returns a scorer for that many passages.
func NewScorer(passages int) *Scorer {
	return &Scorer{sum: make([]float64, passages), pruner: newPruner(passages)}
}

// pruneFrom is the number of postings from which a search tries to get by without reading them all.
const pruneFrom = 4096

// Top returns the k passages with the largest scores above 0 in falling order, fewer if there are fewer. k must be ≥ 1.
// Its only error is that of the context.
func (s *Scorer) Top(ctx context.Context, q *Query, k int) ([]Scored, error) {
	postings := q.Postings()
	if postings > pruneFrom && postings/32 > k && len(q.clauses) <= 256 {
		return s.pruner.pruned(ctx, q.clauses, k)
	}
	return s.exhaustive(ctx, q.clauses, k)
}

// exhaustive adds up every list of the query.
func (s *Scorer) exhaustive(ctx context.Context, clauses []clause, k int) ([]Scored, error) {
	defer s.clear()
	for _, c := range clauses {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.add(c)
	}
	top := best{k: k}
	for _, d := range s.touched {
		if score := s.sum[d]; score >= top.floor() {
			top.offer(Scored{score, d})
		}
	}
	return top.sorted(), nil
}

// add gives every passage of the list what it gains.
func (s *Scorer) add(c clause) {
	gains := c.Gains[:len(c.Docs)]
	sum, touched := s.sum, s.touched
	for i, d := range c.Docs {
		before := sum[d]
		if before == 0 {
			touched = append(touched, d)
		}
		sum[d] = before + float64(c.times*float64(gains[i]))
	}
	s.touched = touched
}

func (s *Scorer) clear() {
	for _, d := range s.touched {
		s.sum[d] = 0
	}
	s.touched = s.touched[:0]
}
