package remote

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"searchrl/judge"
	"searchrl/judge/internal/hostile"
)

func one(t testing.TB, j *Judge, step judge.Step) judge.Verdict {
	got, err := j.Judge(context.Background(), []judge.Step{step})
	require.NoError(t, err)
	require.NoError(t, judge.Check(got, 1))
	return got[0]
}

func TestRequest(t *testing.T) {
	var mu sync.Mutex
	var requests []asked
	j := newJudge(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, "/v1/chat/completions", r.URL.Path)
		require.Equal(t, "Bearer secret-key", r.Header.Get("Authorization"))
		a := readAsked(t, r)
		requests = append(requests, a)
		score := map[bool]string{true: "1", false: "-1"}[strings.Contains(a.Messages[0].Content, `"thought" of`)]
		say(w, completion(`{"score": `+score+`, "reason": "r"}`))
	})
	require.Equal(t, "m", j.Name())
	step := queryStep("boss of Okafor")
	step.Past = []judge.Past{{Thought: "before", Query: "earlier", Documents: documents("text")}}
	steps := []judge.Step{step, step, answerStep("Lindqvist")}
	got, err := j.Judge(context.Background(), steps)
	require.NoError(t, err)
	for _, v := range got {
		require.Equal(t, judge.Score{Value: 1, Known: true, Source: "m", Reason: "r"}, v.Thought)
		require.Equal(t, judge.Score{Value: -1, Known: true, Source: "m", Reason: "r"}, v.Action)
	}
	require.Len(t, requests, 4, "equal steps are asked once")
	require.Equal(t, Stats{Components: 6, Requests: 4, PromptTokens: 28, CompletionTokens: 12}, j.Stats())
	accepted := 0
	for _, a := range requests {
		require.Equal(t, "m", a.Model)
		require.Zero(t, *a.Temperature)
		require.Equal(t, 256, a.MaxTokens)
		require.NotNil(t, a.Format)
		require.Equal(t, []string{"system", "user"}, []string{a.Messages[0].Role, a.Messages[1].Role})
		m := a.material(t)
		_, query := m["candidate_step"].(map[string]any)["query"]
		require.Equal(t, strings.Contains(a.Messages[0].Content, `"query" of`), query, "a thought is judged without its action")
		if m["accepted_answers"] != nil {
			accepted++
			require.Equal(t, []any{"Lindqvist", "L."}, m["accepted_answers"], "every alias")
		}
	}
	require.Equal(t, 1, accepted, "accepted answers are shown for an answer only")
}

// Every hostile reply, over the wire: unknown, counted, never 0; and neighbours keep their scores.
func TestHostileRepliesOverHTTP(t *testing.T) {
	for name, text := range hostile.Replies {
		if name == "not UTF-8" {
			continue // JSON cannot carry it; see the envelopes
		}
		t.Run(name, func(t *testing.T) {
			j := newJudge(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(readAsked(t, r).Messages[0].Content, `"thought" of`) {
					say(w, completion(text))
					return
				}
				say(w, completion(good))
			})
			v := one(t, j, queryStep("q"))
			require.False(t, v.Thought.Known)
			require.NotEmpty(t, v.Thought.Reason)
			require.True(t, v.Action.Known)
			require.Equal(t, int64(1), j.Stats().Unknown)
			require.Equal(t, int64(2), j.Stats().Requests, "a reply that came whole is not asked for again")
		})
	}
}

func TestHostileEnvelopes(t *testing.T) {
	valid := completion(good)
	quoted, _ := json.Marshal(good)
	zip := func(text string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(text))
		z.Close()
		return b.String()
	}
	for _, c := range []struct {
		name, body string
		gzip       bool
		known      bool
	}{
		{"plain", valid, false, true},
		{"gzip", zip(valid), true, true},
		{"gzip bomb", zip(`{"x":"` + strings.Repeat("a", 50<<20) + `"}`), true, false},
		{"not gzip", valid, true, false},
		{"no JSON", "<html>hello</html>", false, false},
		{"empty", "", false, false},
		{"null", "null", false, false},
		{"empty object", "{}", false, false},
		{"array", "[" + valid + "]", false, false},
		{"two bodies", valid + valid, false, false},
		{"not UTF-8", strings.Replace(valid, "good", "g\xff", 1), false, false},
		{"no choices", `{"choices":[]}`, false, false},
		{"choices as null", `{"choices":null}`, false, false},
		{"two choices", strings.Replace(valid, `"choices":[`, `"choices":[{"index":1,"finish_reason":"stop","message":{"role":"assistant","content":`+
			string(quoted)+`}},`, 1), false, false},
		{"truncated by length", strings.Replace(valid, `"stop"`, `"length"`, 1), false, false},
		{"filtered", strings.Replace(valid, `"stop"`, `"content_filter"`, 1), false, false},
		{"no finish reason", strings.Replace(valid, `"stop"`, `null`, 1), false, false},
		{"refusal", strings.Replace(valid, `"role"`, `"refusal":"I cannot grade this.","role"`, 1), false, false},
		{"content null", strings.Replace(valid, string(quoted), `null`, 1), false, false},
		{"content an object", strings.Replace(valid, string(quoted), good, 1), false, false},
		{"content parts", strings.Replace(valid, string(quoted), `[{"type":"text","text":`+string(quoted)+`}]`, 1), false, false},
		{"no message", `{"choices":[{"index":0,"finish_reason":"stop"}]}`, false, false},
		{"error with status 200", `{"error":{"message":"overloaded"}}`, false, false},
		{"10 MB", strings.Replace(valid, `"id"`, `"padding":"`+strings.Repeat("a", 10<<20)+`","id"`, 1), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := newJudge(t, func(w http.ResponseWriter, r *http.Request) {
				if c.gzip {
					w.Header().Set("Content-Encoding", "gzip")
				}
				say(w, c.body)
			})
			v := one(t, j, answerStep("x"))
			require.Equal(t, c.known, v.Thought.Known, v.Thought.Reason)
			require.Equal(t, c.known, v.Action.Known, v.Action.Reason)
			if !c.known {
				require.NotEmpty(t, v.Action.Reason)
				require.Less(t, len(v.Action.Reason), 1000)
				require.Equal(t, int64(2), j.Stats().Unknown)
			}
		})
	}
}

// Failures of the way: how many attempts they take, and whether a server that recovers is believed.
func TestWay(t *testing.T) {
	status := func(code int, header ...string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			w.Write([]byte("plain text, not the API's JSON"))
		}
	}
	for _, c := range []struct {
		name  string
		fail  func(http.ResponseWriter)
		again bool          // asked again
		min   time.Duration // of a call with one failure
	}{
		{"500", status(500), true, 0},
		{"502", status(502), true, 0},
		{"503", status(503, "Retry-After", "0"), true, 0},
		{"504", status(504), true, 0},
		{"429", status(429), true, 0},
		{"429 for a second", status(429, "Retry-After", "1"), true, time.Second},
		{"429 with nonsense", status(429, "Retry-After", "soon"), true, 0},
		{"429 for an hour", status(429, "Retry-After", "3600"), false, 0},
		{"429 until a date", status(429, "Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)), false, 0},
		{"503 for ever", status(503, "Retry-After", "1e300"), false, 0},
		{"408", status(408), true, 0},
		{"400", status(400), false, 0},
		{"401", status(401), false, 0},
		{"404", status(404), false, 0},
		{"501", status(501), false, 0},
		{"redirect loop", status(307, "Location", "/v1/chat/completions"), false, 0},
		{"204", func(w http.ResponseWriter) { w.WriteHeader(204) }, false, 0},
		{"reset before the header", func(w http.ResponseWriter) { panic(http.ErrAbortHandler) }, true, 0},
		{"reset in the body", func(w http.ResponseWriter) { resetAfter(w, completion(good)[:50]) }, true, 0},
		{"reset after a whole object", func(w http.ResponseWriter) { resetAfter(w, completion(good)) }, true, 0},
		{"huge error body", func(w http.ResponseWriter) { w.WriteHeader(500); w.Write(bytes.Repeat([]byte("a"), 8<<20)) }, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, recovers := range []bool{true, false} {
				if !recovers && c.min > 0 {
					continue // would only take longer
				}
				handler, n := counted(func(n int64, w http.ResponseWriter, r *http.Request) {
					if n > 0 && recovers {
						say(w, completion(good))
						return
					}
					c.fail(w)
				})
				j := newJudge(t, handler, func(o *Options) { o.Concurrency, o.BreakerFailures = 1, 1000; o.SkipAnswers = true })
				start := time.Now()
				v := one(t, j, answerStep("x"))
				took := time.Since(start) // at least; at most is not ours to say on a busy machine
				require.Equal(t, recovers && c.again, v.Thought.Known, v.Thought.Reason)
				want := int64(1)
				if c.again {
					want = map[bool]int64{true: 2, false: 3}[recovers]
				}
				require.Equal(t, want, n.Load())
				require.GreaterOrEqual(t, took, c.min)
				require.NotContains(t, v.Thought.Reason, "secret-key")
			}
		})
	}
}

// A response that dribbles in is given up, and asked for again. On a busy machine the second attempt may be too slow, too.
func TestSlow(t *testing.T) {
	handler, n := counted(func(n int64, w http.ResponseWriter, r *http.Request) {
		if n == 0 { // one byte now and then
			w.Header().Set("Content-Type", "application/json")
			for r.Context().Err() == nil {
				w.Write([]byte(" "))
				w.(http.Flusher).Flush()
				time.Sleep(10 * time.Millisecond)
			}
			return
		}
		say(w, completion(good))
	})
	j := newJudge(t, handler, func(o *Options) {
		o.Timeout, o.Retries, o.BreakerFailures, o.SkipAnswers = 300*time.Millisecond, 1000, 1000, true
	})
	require.True(t, one(t, j, answerStep("x")).Thought.Known)
	require.GreaterOrEqual(t, n.Load(), int64(2))
}

// A cancellation ends what would else last an hour.
func TestCancel(t *testing.T) {
	started := make(chan struct{}, 100)
	j := newJudge(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a server notices that its client has gone only when the body is read, if it still comes whole
		started <- struct{}{}
		<-r.Context().Done()
	}, func(o *Options) { o.Timeout = time.Hour })
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-started; cancel() }()
	got, err := j.Judge(ctx, []judge.Step{queryStep("a"), queryStep("b")})
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, got)
	require.Zero(t, j.Stats().Unknown, "a cancelled judgement is no failed one")
	// A cancellation ends a wait for Retry-After, too.
	j = newJudge(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(429)
	},
		func(o *Options) { o.MaxDelay = 2 * time.Hour })
	ctx, cancel = context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err = j.Judge(ctx, []judge.Step{queryStep("a")})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestConcurrency(t *testing.T) {
	var now, most atomic.Int64
	j := newJudge(t, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(5 * time.Millisecond)
		say(w, completion(good))
	}, func(o *Options) { o.Concurrency = 3 })
	var wg sync.WaitGroup
	for call := range 4 {
		wg.Go(func() {
			var steps []judge.Step
			for i := range 5 {
				steps = append(steps, queryStep(fmt.Sprint(call, i)))
			}
			got, err := j.Judge(context.Background(), steps)
			if err != nil || judge.Check(got, 5) != nil || !got[4].Action.Known {
				t.Errorf("%v %v", got, err)
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, most.Load(), int64(3))
	require.Equal(t, int64(40), j.Stats().Requests)
}

// After three failures in a row a dead server is left alone, whatever is asked; the reasons still say what it died of.
func TestBreakerOpens(t *testing.T) {
	handler, n := counted(func(_ int64, w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) })
	j := newJudge(t, handler, func(o *Options) {
		o.BreakerFailures, o.BreakerDelay, o.Retries, o.Concurrency = 3, time.Hour, 0, 1
	})
	var steps []judge.Step
	for i := range 20 {
		steps = append(steps, queryStep(strconv.Itoa(i)))
	}
	got, err := j.Judge(context.Background(), steps)
	require.NoError(t, err)
	require.Equal(t, int64(3), n.Load())
	require.Contains(t, got[19].Action.Reason, "circuit breaker open")
	require.Contains(t, got[19].Action.Reason, "500 Internal Server Error")
}

// One that has come back is asked again when the delay is over, and believed.
func TestBreakerCloses(t *testing.T) {
	handler, _ := counted(func(n int64, w http.ResponseWriter, r *http.Request) {
		if n == 0 {
			w.WriteHeader(500)
			return
		}
		say(w, completion(good))
	})
	j := newJudge(t, handler, func(o *Options) {
		o.BreakerFailures, o.BreakerDelay, o.Retries, o.Concurrency = 1, 100*time.Millisecond, 0, 1
	})
	require.False(t, one(t, j, queryStep("first")).Thought.Known)
	require.Eventually(t, func() bool {
		v := one(t, j, queryStep("again"))
		return v.Thought.Known && v.Action.Known
	}, 30*time.Second, 20*time.Millisecond)
}

func TestErrorShare(t *testing.T) {
	var bad atomic.Bool
	j := newJudge(t, func(w http.ResponseWriter, r *http.Request) {
		if bad.Load() {
			say(w, completion("nonsense"))
			return
		}
		say(w, completion(good))
	}, func(o *Options) { o.MaxErrorShare = 0.1 })
	bad.Store(true)
	require.False(t, one(t, j, queryStep("first")).Action.Known, "2 of at least 20 are put up with")
	_, err := j.Judge(context.Background(), []judge.Step{queryStep("second")})
	require.ErrorIs(t, err, ErrTooMany)
	require.ErrorContains(t, err, "4 of the last 4")
	require.ErrorContains(t, err, "nonsense")
	require.NotContains(t, err.Error(), "secret-key")
	bad.Store(false) // it recovers, and the failures leave the window
	for i := range 120 {
		_, err = j.Judge(context.Background(), []judge.Step{queryStep(fmt.Sprint(i))})
	}
	require.NoError(t, err)
	require.Len(t, j.recent, window)
	require.Equal(t, int64(4), j.Stats().Unknown)
}

func TestRefusedConnection(t *testing.T) {
	j := newJudge(t, nil, func(o *Options) { o.BaseURL = "http://127.0.0.1:1/v1"; o.MaxErrorShare, o.BreakerFailures = 0.05, 2 })
	_, err := j.Judge(context.Background(), []judge.Step{queryStep("a")})
	require.ErrorIs(t, err, ErrTooMany)
	require.ErrorContains(t, err, "127.0.0.1:1")
	require.ErrorContains(t, err, "dial tcp", "what is wrong, and not only that nobody asks any more")
}
