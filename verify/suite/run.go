package suite

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"searchrl/verify"
)

// Event is the progress of a run: something ended, or more of something is done.
type Event struct {
	Done, Total int     // checks that ended, and all: claims, mutants and the ratio
	Share       float64 // of the whole run, 0 to 1, each check counted alike
	ID          string  // the claim, mutant or "ratio" that the event is about
	// Claim or Mutant is set where one ended.
	Claim  *Row
	Mutant *MutantRow
}

// patience is how long a cancelled run waits for its checks to end. A check that does not listen is left behind.
const patience = 500 * time.Millisecond

// task is one unit of work; work returns a function that files what was found in the result and in the event.
type task struct {
	id   string
	work func(ctx context.Context, effort verify.Effort) func(*Result, *Event)
}

// notice is what a running task sends: a share done, or its end. An end without file was cut short by the context.
type notice struct {
	task  int
	share float64
	ended bool
	file  func(*Result, *Event)
}

// Run checks the claims, the mutants and the ratio, Options.Workers at a time, and calls observe (may be nil) from this
// goroutine alone. A check that panics, errs or returns no evidence makes its claim broken, or leaves its mutant alive.
// The error is that of the options or of the suite, in which case nothing was run, or ctx's: then the result holds what
// had ended, and Run returns within a second, even if a check does not listen to its context.
func (s Suite) Run(ctx context.Context, options Options, observe func(Event)) (*Result, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	s, err := s.Select(options.Only)
	if err != nil {
		return nil, err
	}
	result := &Result{Claims: make([]Row, len(s.Claims)), Mutants: make([]MutantRow, len(s.Mutants)),
		TestBudget: s.TestBudget, Seed: options.Seed, Long: options.Long, Only: options.Only}
	started := time.Now()
	whole := follow(ctx, s.tasks(), options, func(n notice, event Event) {
		if n.file != nil {
			n.file(result, &event)
		}
		if observe != nil {
			observe(event)
		}
	})
	result.Seconds = time.Since(started).Seconds()
	result.drop()
	if result.Interrupted = !whole; result.Interrupted {
		return result, fmt.Errorf("verify: %w", context.Cause(ctx))
	}
	return result, nil
}

// follow runs the tasks and calls tell, on this goroutine, for each notice. It returns when all ended, or soon after ctx
// did, and says whether all ended.
func follow(ctx context.Context, tasks []task, options Options, tell func(notice, Event)) bool {
	workers := options.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	notices, gone := make(chan notice), make(chan struct{})
	defer close(gone) // from then on nobody reads notices
	send := func(n notice) {
		select {
		case notices <- n:
		case <-gone:
		}
	}
	next, running, done := 0, 0, 0
	shares := make([]float64, len(tasks))
	cancelled, deadline := ctx.Done(), (<-chan time.Time)(nil)
	for {
		for ; running < workers && next < len(tasks) && ctx.Err() == nil; next++ {
			running++
			go execute(ctx, next, tasks[next], options, send)
		}
		if running == 0 {
			return done == len(tasks)
		}
		select {
		case n := <-notices:
			shares[n.task] = max(shares[n.task], n.share)
			if n.ended {
				running--
			}
			if n.file != nil {
				shares[n.task], done = 1, done+1
			}
			sum := 0.0
			for _, share := range shares {
				sum += share
			}
			tell(n, Event{Done: done, Total: len(tasks), Share: sum / float64(len(tasks)), ID: tasks[n.task].id})
		case <-cancelled:
			cancelled, deadline = nil, time.After(patience)
		case <-deadline:
			return false
		}
	}
}

// execute runs one task and sends its progress, at most ten times a second, and its end.
func execute(ctx context.Context, number int, t task, options Options, send func(notice)) {
	var mutex sync.Mutex // a check may tell its progress from several goroutines
	var last time.Time
	progress := func(share float64) {
		mutex.Lock()
		defer mutex.Unlock()
		if now := time.Now(); share >= 0 && share <= 1 && now.Sub(last) > 100*time.Millisecond {
			last = now
			send(notice{task: number, share: share})
		}
	}
	file := t.work(ctx, verify.Effort{Long: options.Long, Seed: verify.SeedOf(options.Seed, t.id), Progress: progress})
	if ctx.Err() != nil {
		file = nil // it may have been cut short
	}
	send(notice{task: number, ended: true, file: file})
}

// drop takes out the rows of what did not end, and sums the false-alarm bounds of the rest.
func (r *Result) drop() {
	claims, mutants := r.Claims[:0], r.Mutants[:0]
	for _, row := range r.Claims {
		if row.ID != "" {
			claims = append(claims, row)
			r.FalseAlarmBudget += row.FalseAlarm
		}
	}
	for _, row := range r.Mutants {
		if row.ID != "" {
			mutants = append(mutants, row)
		}
	}
	r.Claims, r.Mutants = claims, mutants
}
