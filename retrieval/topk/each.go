package topk

import (
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Pool lends scorers for one number of passages. It is safe for concurrent use.
type Pool struct{ scorers sync.Pool }

// NewPool returns a pool of scorers for that many passages.
func NewPool(passages int) *Pool {
	return &Pool{sync.Pool{New: func() any { return NewScorer(passages) }}}
}

// Each calls do(scorer, i) for each i in [0, n), on up to that many workers at once, each with a scorer of its own. It
// returns the first error, after which no further i is begun; the context's end is one.
func (p *Pool) Each(ctx context.Context, workers, n int, do func(ctx context.Context, s *Scorer, i int) error) error {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	work := func() error {
		s := p.scorers.Get().(*Scorer)
		defer p.scorers.Put(s)
		for {
			i := int(next.Add(1)) - 1
			if i >= n {
				return nil
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := do(ctx, s, i); err != nil {
				return err
			}
		}
	}
	if workers = min(workers, n); workers <= 1 {
		return work()
	}
	for range workers {
		group.Go(work)
	}
	return group.Wait()
}
