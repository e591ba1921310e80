package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"searchrl/internal/cputime"
	"searchrl/retrieval"
)

// Options say how much is asked, and by how many.
type Options struct {
	Clients int // that search at once; ≥ 1
	Queries int // in all; ≥ 1
	Batch   int // queries a search; ≥ 1
	K       int // passages a query; ≥ 1
	// Observe, if set, is told how many searches of how many have ended, at the start and then up to a hundred times, the end
	// Observe, if set, is told how many searches of how many have ended: at the start, and then a hundred times or, where there
	// are fewer, after each. It is never called twice at once; the other clients go on meanwhile.
	Observe func(done, searches int)
}

func (o *Options) validate(queries int) error {
	switch {
	case o.Clients < 1 || o.Queries < 1 || o.Batch < 1 || o.K < 1:
		return fmt.Errorf("%d clients, %d queries, batches of %d, k %d; expected 1 or more each", o.Clients, o.Queries, o.Batch, o.K)
	case queries == 0:
		return errors.New("no queries; expected 1 or more")
	}
	return nil
}

// Report is what was measured.
type Report struct {
	Searches int `json:"searches"` // that ended
	Errors   int `json:"errors"`   // of these, the ones that failed
	// FirstError is the message of the first failure, "" if there was none.
	FirstError string `json:"first_error,omitempty"`
	// Seconds is the time from the first search to the end of the last, CPUSeconds the processor time of this process meanwhile,
	// 0 where the system does not tell. A server that is asked takes its own.
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"`
	// Queries is the number of those that were answered, PerSecond and PerCPUSecond how many that is a second; 0 where the time is.
	Queries      int     `json:"queries"`
	PerSecond    float64 `json:"queries_per_second"`
	PerCPUSecond float64 `json:"queries_per_cpu_second"`
	// Latency is how long the searches that succeeded took.
	Latency Latency `json:"latency_ms"`
}

// Latency holds quantiles of times in milliseconds (nearest rank), 0 if there is no time.
type Latency struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Run asks the searcher the queries, from the first to the last and from the first again, as the options say. It ends early,
// with the error, only when the context does. Whatever needs warming up should be warm.
func Run(ctx context.Context, searcher retrieval.Searcher, queries []string, o Options) (*Report, error) {
	if err := o.validate(len(queries)); err != nil {
		return nil, fmt.Errorf("load test: %w", err)
	}
	l := &loop{searcher: searcher, queries: queries, options: o, took: make([]time.Duration, (o.Queries-1)/o.Batch+1)}
	l.observe(0)
	start := time.Now()
	cpu, _ := cputime.Used()
	var group sync.WaitGroup
	for range min(o.Clients, len(l.took)) {
		group.Go(func() { l.client(ctx) })
	}
	group.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("load test, %d of %d searches done: %w", l.done.Load(), len(l.took), err)
	}
	r := &l.report
	r.Seconds = time.Since(start).Seconds()
	if now, ok := cputime.Used(); ok {
		r.CPUSeconds = (now - cpu).Seconds()
	}
	r.Searches = len(l.took)
	r.PerSecond, r.PerCPUSecond = rate(r.Queries, r.Seconds), rate(r.Queries, r.CPUSeconds)
	r.Latency = latency(l.took)
	return r, nil
}

// failed marks the searches that have no time.
const failed = -1

// loop is the clients' common state.
type loop struct {
	searcher retrieval.Searcher
	queries  []string
	options  Options
	next     atomic.Int64 // the search that begins next
	done     atomic.Int64
	took     []time.Duration // by each search

	mu        sync.Mutex // of report
	report    Report
	observing sync.Mutex
}

// client searches until all is asked.
func (l *loop) client(ctx context.Context) {
	batch := make([]string, 0, l.options.Batch)
	for ctx.Err() == nil {
		i := int(l.next.Add(1)) - 1
		if i >= len(l.took) {
			return
		}
		batch = batch[:0]
		for q := i * l.options.Batch; q < min((i+1)*l.options.Batch, l.options.Queries); q++ {
			batch = append(batch, l.queries[q%len(l.queries)])
		}
		start := time.Now()
		found, err := l.searcher.Search(ctx, batch, l.options.K)
		l.took[i] = time.Since(start)
		if err == nil && len(found) != len(batch) {
			err = fmt.Errorf("%d results for %d queries", len(found), len(batch))
		}
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			l.took[i] = failed
		}
		l.count(len(batch), err)
		if done, all := int(l.done.Add(1)), len(l.took); done*100/all > (done-1)*100/all {
			l.observe(done)
		}
	}
}

func (l *loop) count(queries int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.report.Queries += queries
		return
	case l.report.Errors == 0:
		l.report.FirstError = err.Error()
	}
	l.report.Errors++
}

func (l *loop) observe(done int) {
	if l.options.Observe == nil {
		return
	}
	l.observing.Lock()
	defer l.observing.Unlock()
	l.options.Observe(done, len(l.took))
}

func rate(queries int, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return float64(queries) / seconds
}

// latency sorts the times and reads the quantiles off.
func latency(took []time.Duration) Latency {
	slices.Sort(took)
	for len(took) > 0 && took[0] == failed {
		took = took[1:]
	}
	at := func(q float64) float64 {
		if len(took) == 0 {
			return 0
		}
		return took[max(0, int(math.Ceil(q*float64(len(took))))-1)].Seconds() * 1e3
	}
	return Latency{P50: at(0.5), P90: at(0.9), P99: at(0.99), Max: at(1)}
}
