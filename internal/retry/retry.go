// Package retry repeats whole HTTP requests that failed on the way, respects what a server says about when to come again,
// and leaves a dead server alone for a while. It is shared by the clients of this project.
package retry

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
)

// Options say how patient a client is.
type Options struct {
	Retries  int           // attempts after the first; ≥ 0
	Backoff  time.Duration // before the first retry; doubles with each; > 0
	MaxDelay time.Duration // longest backoff, before jitter, and longest Retry-After that is waited for; ≥ Backoff

	BreakerFailures int           // failures of the way in a row that open the circuit; ≥ 1
	BreakerDelay    time.Duration // how long it stays open; > 0
}

// Validate reports the first setting that makes no sense.
func (o Options) Validate() error {
	switch {
	case o.Backoff <= 0 || o.BreakerDelay <= 0:
		return fmt.Errorf("backoff %v, breaker delay %v, expected more than 0", o.Backoff, o.BreakerDelay)
	case o.MaxDelay < o.Backoff:
		return fmt.Errorf("longest delay %v, expected at least the backoff of %v", o.MaxDelay, o.Backoff)
	case o.Retries < 0 || o.BreakerFailures < 1:
		return fmt.Errorf("retries %d, breaker failures %d, expected 0 or more and 1 or more", o.Retries, o.BreakerFailures)
	}
	return nil
}

// Failure is an attempt that brought no reply.
type Failure struct {
	Err    error
	Status int           // of HTTP; 0 without a response
	Again  bool          // worth another attempt
	Wait   time.Duration // Retry-After; negative if absent
}

func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap returns Err.
func (f *Failure) Unwrap() error { return f.Err }

// Executor returns what runs attempts by the options: a [Failure] with Again is repeated with exponential backoff and ±20 %
// jitter, but never before its Wait is over (up to half as long again after it, so that clients do not come all at once), and
// not at all if Wait is longer than MaxDelay; BreakerFailures of them in a row (429 aside) make attempts fail at once for
// BreakerDelay. Other errors and successes end the execution.
func Executor[R any](o Options) failsafe.Executor[R] {
	failed := func(err error) *Failure {
		f := (*Failure)(nil)
		if errors.As(err, &f) && f.Again {
			return f
		}
		return nil
	}
	again := retrypolicy.NewBuilder[R]().
		WithMaxRetries(o.Retries).
		WithBackoff(o.Backoff, max(o.MaxDelay, o.Backoff+1)).
		WithJitterFactor(jitter).
		WithDelayFunc(func(attempt failsafe.ExecutionAttempt[R]) time.Duration { return o.delay(failed(attempt.LastError())) }).
		HandleIf(func(_ R, err error) bool { f := failed(err); return f != nil && f.Wait <= o.MaxDelay }).
		ReturnLastFailure().
		Build()
	breaker := circuitbreaker.NewBuilder[R]().
		HandleIf(func(_ R, err error) bool { f := failed(err); return f != nil && f.Status != http.StatusTooManyRequests }).
		WithFailureThreshold(uint(o.BreakerFailures)).
		WithSuccessThreshold(1).
		WithDelay(o.BreakerDelay).
		Build()
	return failsafe.With[R](again, breaker)
}

// jitter is how much earlier or later than its delay an attempt comes at most, as a share of the delay.
const jitter = 0.2

// delay is the wait before the attempt after f, before jitter; -1 leaves it to the backoff.
func (o Options) delay(f *Failure) time.Duration {
	switch {
	case f == nil:
		return -1
	case f.Wait > 0 && f.Wait <= o.MaxDelay: // never earlier than Retry-After says, whatever the jitter
		return time.Duration(float64(f.Wait)/(1-jitter)) + time.Millisecond
	}
	return f.Wait
}

// Rejected describes a response with an error status: 408, 409, 429 and 5xx but 501 are worth another attempt.
func Rejected(r *http.Response) *Failure {
	f := &Failure{Err: fmt.Errorf("the server says %d %s", r.StatusCode, http.StatusText(r.StatusCode)), Status: r.StatusCode, Wait: -1}
	switch r.StatusCode {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		f.Again = true
	default:
		f.Again = r.StatusCode >= 500 && r.StatusCode != http.StatusNotImplemented
	}
	if wait, ok := After(r.Header.Get("Retry-After"), time.Now()); ok {
		f.Wait = wait
	}
	return f
}

// After reads a Retry-After header: seconds or a date. The longest duration stands for longer ones.
func After(header string, now time.Time) (time.Duration, bool) {
	if at, err := http.ParseTime(header); err == nil {
		return max(0, at.Sub(now)), true
	}
	seconds, err := strconv.ParseFloat(header, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || math.IsNaN(seconds) || seconds < 0 {
		return 0, false
	}
	if seconds > 1e9 {
		return math.MaxInt64, true
	}
	return time.Duration(seconds * float64(time.Second)), true
}
