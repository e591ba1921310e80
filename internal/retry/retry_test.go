package retry

import (
	"context"
	"errors"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAfter(t *testing.T) {
	for header, want := range map[string]time.Duration{"0": 0, "2": 2 * time.Second, "0.5": time.Second / 2, "1e300": math.MaxInt64, "1e400": math.MaxInt64} {
		got, ok := After(header, time.Now())
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	for _, header := range []string{"", "soon", "-1", "NaN"} {
		_, ok := After(header, time.Now())
		require.False(t, ok, header)
	}
	past, ok := After("Mon, 02 Jan 2006 15:04:05 GMT", time.Now())
	require.True(t, ok)
	require.Zero(t, past)
}

func patient() Options {
	return Options{Retries: 2, Backoff: time.Millisecond, MaxDelay: 50 * time.Millisecond, BreakerFailures: 4, BreakerDelay: time.Hour}
}

func TestExecutor(t *testing.T) {
	for name, c := range map[string]struct {
		failures []error // of the first attempts; the next succeeds
		attempts int
		ok       bool
	}{
		"first try":           {nil, 1, true},
		"lost twice":          {[]error{&Failure{Err: errors.New("x"), Again: true, Wait: -1}, &Failure{Err: errors.New("x"), Again: true, Wait: 0}}, 3, true},
		"lost three times":    {[]error{lost(-1), lost(-1), lost(-1)}, 3, false},
		"not worth it":        {[]error{&Failure{Err: errors.New("x"), Wait: -1}}, 1, false},
		"another error":       {[]error{errors.New("x")}, 1, false},
		"waits":               {[]error{lost(20 * time.Millisecond)}, 2, true},
		"would wait too long": {[]error{lost(time.Minute)}, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			executor, n, start := Executor[int](patient()), 0, time.Now()
			got, err := executor.WithContext(context.Background()).Get(func() (int, error) {
				n++
				if n <= len(c.failures) {
					return 0, c.failures[n-1]
				}
				return 7, nil
			})
			require.Equal(t, c.attempts, n)
			require.Equal(t, c.ok, err == nil, "%v", err)
			if c.ok {
				require.Equal(t, 7, got)
			}
			if name == "waits" {
				require.GreaterOrEqual(t, time.Since(start), 20*time.Millisecond)
			}
		})
	}
}

// Jitter never brings an attempt before its Retry-After.
func TestNeverBeforeRetryAfter(t *testing.T) {
	o := patient()
	for _, wait := range []time.Duration{1, 7, time.Millisecond, 33 * time.Millisecond, o.MaxDelay} {
		delay := float64(o.delay(&Failure{Wait: wait}))
		require.GreaterOrEqual(t, delay*(1-jitter), float64(wait))
		require.LessOrEqual(t, delay*(1+jitter), 1.5*float64(wait+time.Millisecond))
	}
	require.Zero(t, o.delay(&Failure{Wait: 0}), "at once")
	require.Equal(t, time.Duration(-1), o.delay(&Failure{Wait: -1}), "after the backoff")
	require.Equal(t, time.Duration(-1), o.delay(nil))
}

func lost(wait time.Duration) error { return &Failure{Err: errors.New("x"), Again: true, Wait: wait} }

func TestBreakerOpens(t *testing.T) {
	for status, want := range map[int]int{503: 4, 429: 9} { // a server that is merely busy is not given up
		executor, n := Executor[int](patient()), 0
		for range 3 {
			_, err := executor.Get(func() (int, error) {
				n++
				return 0, &Failure{Err: errors.New("x"), Status: status, Again: true, Wait: -1}
			})
			require.Error(t, err)
		}
		require.Equal(t, want, n, "%d", status)
	}
}

func TestRejected(t *testing.T) {
	for status, again := range map[int]bool{400: false, 401: false, 404: false, 408: true, 409: true, 413: false, 429: true, 500: true, 501: false, 503: true} {
		f := Rejected(&http.Response{StatusCode: status, Header: http.Header{"Retry-After": {"3"}}})
		require.Equal(t, again, f.Again, "%d", status)
		require.Equal(t, 3*time.Second, f.Wait)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	require.NoError(t, patient().Validate())
	for name, change := range map[string]func(*Options){
		"backoff": func(o *Options) { o.Backoff = 0 }, "delay": func(o *Options) { o.MaxDelay = 0 }, "retries": func(o *Options) { o.Retries = -1 },
		"failures": func(o *Options) { o.BreakerFailures = 0 }, "breaker delay": func(o *Options) { o.BreakerDelay = 0 },
	} {
		o := patient()
		change(&o)
		require.Error(t, o.Validate(), name)
	}
}
