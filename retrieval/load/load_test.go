package load

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"searchrl/retrieval"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counting counts how often each query was asked and how many searches were under way at once; it fails on "bad" and answers
// "short" with nothing.
type counting struct {
	mu         sync.Mutex
	asked      map[string]int
	sizes      map[int]int
	now, most  atomic.Int64
	k          int
	everyoneIn chan struct{} // closed when the number of clients that is awaited searches at once; nil awaits none
	awaited    int64
}

func (s *counting) Search(ctx context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
	now := s.now.Add(1)
	defer s.now.Add(-1)
	s.mu.Lock()
	s.k = k
	s.sizes[len(queries)]++
	for _, q := range queries {
		s.asked[q]++
	}
	if s.most.Store(max(s.most.Load(), now)); s.everyoneIn != nil && now == s.awaited {
		close(s.everyoneIn)
		s.awaited = -1
	}
	s.mu.Unlock()
	if s.everyoneIn != nil {
		<-s.everyoneIn
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case queries[0] == "bad":
		return nil, errors.New("it is bad")
	case queries[0] == "short":
		return nil, nil
	}
	return make([][]retrieval.Hit, len(queries)), nil
}

func newCounting() *counting { return &counting{asked: map[string]int{}, sizes: map[int]int{}} }

// Every query is asked as often as it should be, in batches of the size wanted, whatever the number of clients.
func TestAsksWhatIsWanted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "distinct queries")
		o := Options{Clients: rapid.IntRange(1, 9).Draw(t, "clients"), Queries: rapid.IntRange(1, 400).Draw(t, "queries"),
			Batch: rapid.IntRange(1, 7).Draw(t, "batch"), K: rapid.IntRange(1, 9).Draw(t, "k")}
		var observed []int
		o.Observe = func(done, searches int) {
			require.Equal(t, (o.Queries+o.Batch-1)/o.Batch, searches)
			observed = append(observed, done)
		}
		var queries []string
		want := map[string]int{}
		for i := range n {
			queries = append(queries, fmt.Sprint(i))
		}
		for i := range o.Queries {
			want[queries[i%n]]++
		}
		s := newCounting()
		r, err := Run(context.Background(), s, queries, o)
		require.NoError(t, err)
		require.Equal(t, want, s.asked)
		require.Equal(t, o.K, s.k)
		searches := (o.Queries + o.Batch - 1) / o.Batch
		last := o.Queries - (searches-1)*o.Batch
		sizes := map[int]int{o.Batch: searches - 1}
		if searches == 1 {
			sizes = map[int]int{}
		}
		sizes[last]++
		require.Equal(t, sizes, s.sizes)
		require.LessOrEqual(t, int(s.most.Load()), o.Clients)
		require.Equal(t, [3]int{o.Queries, searches, 0}, [3]int{r.Queries, r.Searches, r.Errors})
		require.Positive(t, r.PerSecond)
		require.LessOrEqual(t, r.Latency.P50, r.Latency.P90)
		require.LessOrEqual(t, r.Latency.P90, r.Latency.P99)
		require.LessOrEqual(t, r.Latency.P99, r.Latency.Max)
		require.Contains(t, observed, 0)
		require.Contains(t, observed, searches)
		require.Len(t, observed, min(100, searches)+1)
	})
}

// As many clients search at once as there should be: none is answered before all have asked.
func TestClientsSearchAtOnce(t *testing.T) {
	s := newCounting()
	s.everyoneIn, s.awaited = make(chan struct{}), 8
	_, err := Run(t.Context(), s, []string{"q"}, Options{Clients: 8, Queries: 20, Batch: 1, K: 1})
	require.NoError(t, err)
	require.EqualValues(t, 8, s.most.Load())
}

func TestErrorsAreCounted(t *testing.T) {
	s := newCounting()
	r, err := Run(t.Context(), s, []string{"good", "bad", "short"}, Options{Clients: 1, Queries: 9, Batch: 1, K: 1})
	require.NoError(t, err)
	require.Equal(t, [3]int{3, 9, 6}, [3]int{r.Queries, r.Searches, r.Errors})
	require.Equal(t, "it is bad", r.FirstError)

	r, err = Run(t.Context(), s, []string{"bad"}, Options{Clients: 2, Queries: 3, Batch: 1, K: 1})
	require.NoError(t, err)
	require.Equal(t, Latency{}, r.Latency)
	require.Zero(t, r.PerSecond)
}

func TestRunRefusesAndEnds(t *testing.T) {
	for want, c := range map[string]struct {
		queries []string
		options Options
	}{
		"0 clients, 1 queries": {[]string{"q"}, Options{0, 1, 1, 1, nil}},
		"batches of 0":         {[]string{"q"}, Options{1, 1, 0, 1, nil}},
		"k 0":                  {[]string{"q"}, Options{1, 1, 1, 0, nil}},
		"no queries":           {nil, Options{1, 1, 1, 1, nil}},
	} {
		_, err := Run(t.Context(), newCounting(), c.queries, c.options)
		require.ErrorContains(t, err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Run(ctx, newCounting(), []string{"q"}, Options{3, 1000, 1, 1, func(done, _ int) {
		if done >= 10 {
			cancel()
		}
	}})
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, strings.HasPrefix(err.Error(), "load test, "), err)
}

func TestLatency(t *testing.T) {
	var took []time.Duration
	for i := range 200 {
		took = append(took, time.Duration(200-i)*time.Millisecond)
	}
	require.Equal(t, Latency{P50: 100, P90: 180, P99: 198, Max: 200}, latency(append(took, failed)))
	require.Equal(t, Latency{P50: 1, P90: 1, P99: 1, Max: 1}, latency([]time.Duration{time.Millisecond}))
}

func Example() {
	index, err := retrieval.NewBM25([]retrieval.Document{{ID: "1", Text: "Ghent is a city."}, {ID: "2", Text: "Bruges is a town."}})
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := Run(context.Background(), index, []string{"which city?", "which town?"}, Options{Clients: 4, Queries: 100, Batch: 5, K: 1})
	fmt.Println(report.Queries, "queries in", report.Searches, "searches,", report.Errors, "errors,", err)
	// Output: 100 queries in 20 searches, 0 errors, <nil>
}
