package remote

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"searchrl/internal/scripted"
	"searchrl/rollout"
	"searchrl/tokenizer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func words(t testing.TB, added ...string) *tokenizer.Tokenizer {
	tok, err := scripted.NewTokenizer([]string{"one", " two"}, added)
	require.NoError(t, err)
	return tok
}

// newPolicy starts a server and a policy that asks it, impatient enough for tests.
func newPolicy(t testing.TB, tok *tokenizer.Tokenizer, handler http.HandlerFunc, change ...func(*Options)) *Policy {
	server := httptest.NewServer(handler)
	o := DefaultOptions(server.URL+"/v1", "m")
	o.Key, o.Timeout, o.Backoff, o.MaxDelay, o.Retries = "secret-key", time.Minute, time.Millisecond, time.Second, 2
	for _, c := range change {
		c(&o)
	}
	p, err := New(o, tok)
	require.NoError(t, err)
	t.Cleanup(func() { p.Close(); server.CloseClientConnections(); server.Close() })
	return p
}

// choice is a reply of the API with one choice of these fields.
func choice(fields string) string {
	return `{"id":"1","object":"text_completion","choices":[{"index":0,"logprobs":null,` + fields + `}]}`
}

func say(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, body)
}

func request() rollout.GenerateRequest {
	return rollout.GenerateRequest{Prefix: []int{65, 66}, N: 1, MaxTokens: 6, Stop: []string{"</s>", "</a>"}}
}

func TestReplies(t *testing.T) {
	plain, tags := words(t), words(t, "</s>", "</a>")
	for _, c := range []struct {
		name, fields string
		tok          *tokenizer.Tokenizer
		text, stop   string // of the completion
		fault        string // or what the error says
	}{
		{name: "vLLM stop", fields: `"text":"x","finish_reason":"stop","stop_reason":"</a>"`, text: "x</a>", stop: "</a>"},
		{name: "SGLang stop", fields: `"text":"x","finish_reason":"stop","matched_stop":"</s>"`, text: "x</s>", stop: "</s>"},
		{name: "stop included", fields: `"text":"x</a>","finish_reason":"stop"`, text: "x</a>", stop: "</a>"},
		{name: "stop ignored", fields: `"text":"x</a>y</s>","finish_reason":"length"`, text: "x</a>", stop: "</a>"},
		{name: "tags are tokens", tok: tags, fields: `"text":"one two</a>","finish_reason":"stop"`, text: "one two</a>", stop: "</a>"},
		{name: "vLLM end", fields: `"text":"one","finish_reason":"stop","stop_reason":null`, text: "one<|end|>", stop: rollout.EndOfSequence},
		{name: "SGLang end", fields: `"text":"one","finish_reason":"stop","matched_stop":151643`, text: "one<|end|>", stop: rollout.EndOfSequence},
		{name: "at once", fields: `"text":"","finish_reason":"stop","stop_reason":null`, text: "<|end|>", stop: rollout.EndOfSequence},
		{name: "no room for the end", fields: `"text":"abcdef","finish_reason":"stop","stop_reason":null`, text: "abcdef"},
		{name: "length", fields: `"text":"one two","finish_reason":"length"`, text: "one two"},
		{name: "more tokens in our vocabulary", fields: `"text":"abcdefgh","finish_reason":"stop","stop_reason":"</a>"`, text: "abcdef"},

		{name: "no word of the stop", fields: `"text":"x","finish_reason":"stop"`, fault: "does not say which stop text"},
		{name: "another stop", fields: `"text":"x","finish_reason":"stop","stop_reason":"zz"`, fault: `expected one of ["</s>" "</a>"]`},
		{name: "aborted", fields: `"text":"x","finish_reason":"abort"`, fault: `expected "stop" or "length"`},
		{name: "no reason", fields: `"text":"x"`, fault: `expected "stop" or "length"`},
		{name: "text null", fields: `"text":null,"finish_reason":"length"`, fault: "expected a text"},
		{name: "text a number", fields: `"text":7,"finish_reason":"length"`, fault: "expected a text"},
		{name: "no text", fields: `"finish_reason":"length"`, fault: "expected a text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.tok == nil {
				c.tok = plain
			}
			got, err := newPolicy(t, c.tok, func(w http.ResponseWriter, r *http.Request) { say(w, choice(c.fields)) }).
				Generate(t.Context(), []rollout.GenerateRequest{request()})
			if c.fault != "" {
				require.ErrorContains(t, err, c.fault)
				require.ErrorContains(t, err, "http://127.0.0.1")
				return
			}
			require.NoError(t, err)
			one := got[0][0]
			require.Equal(t, c.text, c.tok.Decode(one.Tokens))
			require.Equal(t, c.stop, one.Stop)
			require.True(t, one.Unscored)
			require.Nil(t, one.LogProbs, "never made up")
			if c.tok == tags {
				require.Len(t, one.Tokens, 3, "the tag is one token again")
			}
		})
	}
}

// What reaches the client broken: how often it is asked for, and what the error says.
func TestHostileServer(t *testing.T) {
	good := choice(`"text":"x","finish_reason":"length"`)
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			io.WriteString(w, "secret-key <html>")
		}
	}
	body := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { say(w, text) }
	}
	for _, c := range []struct {
		name  string
		fail  http.HandlerFunc
		again bool
		fault string
	}{
		{"500", status(500), true, "500"},
		{"503", status(503), true, "503"},
		{"429", status(429), true, "429"},
		{"400", status(400), false, "400"},
		{"401", status(401), false, "401"},
		{"404", status(404), false, "404"},
		{"redirect", status(307), false, "307"},
		{"204", status(204), false, "204"},
		{"asks for an hour", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(503)
		}, false, "503"},
		{"reset", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, true, "EOF"},
		{"reset in the body", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			say(w, good)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, true, "reading the response"},
		{"hangs", func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); <-r.Context().Done() }, true, "no response within"},
		{"no JSON", body("<html>"), false, "no JSON"},
		{"not UTF-8", body(strings.Replace(good, "x", "\xff", 1)), false, "no JSON"},
		{"null", body("null"), false, "null"},
		{"too long", body(strings.Replace(good, "x", strings.Repeat("x", maxBody), 1)), false, "more than"},
		{"no choice", body(`{"choices":[]}`), false, "0 choices, expected 1"},
		{"two choices", body(`{"choices":[{"text":"x"},{"text":"y"}]}`), false, "2 choices, expected 1"},
		{"another tokenizer", body(strings.Replace(good, `"choices"`, `"usage":{"prompt_tokens":3},"choices"`, 1)), false, "read 3 prompt tokens, expected the 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			// A busy machine may not bring a request to the server within a short timeout, so a hanging server gets longer ones, too.
			timeouts := []time.Duration{time.Minute}
			if c.name == "hangs" {
				timeouts = []time.Duration{300 * time.Millisecond, 3 * time.Second, 30 * time.Second}
			}
			for _, recovers := range []bool{true, false} {
				var n atomic.Int64
				var err error
				for _, timeout := range timeouts {
					n.Store(0)
					p := newPolicy(t, words(t), func(w http.ResponseWriter, r *http.Request) {
						if n.Add(1) > 1 && recovers {
							say(w, good)
							return
						}
						c.fail(w, r)
					}, func(o *Options) { o.Timeout = timeout })
					_, err = p.Generate(t.Context(), []rollout.GenerateRequest{request()})
					if recovers == (err == nil) && (recovers || n.Load() == 3) {
						break
					}
				}
				if recovers && c.again {
					require.NoError(t, err)
					continue
				}
				require.ErrorContains(t, err, c.fault)
				require.ErrorContains(t, err, "http://127.0.0.1")
				require.NotContains(t, err.Error(), "secret-key")
				require.Equal(t, map[bool]int64{true: 3, false: 1}[c.again], n.Load())
			}
		})
	}
}

func TestRequests(t *testing.T) {
	var now, most atomic.Int64
	asked := make(chan map[string]any, 100)
	p := newPolicy(t, words(t, "</a>"), func(w http.ResponseWriter, r *http.Request) {
		for n := now.Add(1); n > most.Load(); {
			most.Store(n)
		}
		defer now.Add(-1)
		var a map[string]any
		if json.NewDecoder(r.Body).Decode(&a) != nil || r.URL.Path != "/v1/completions" || r.Header.Get("Authorization") != "Bearer secret-key" {
			t.Error("not a completion's request: ", r.URL, a)
		}
		asked <- a
		say(w, choice(`"text":"x","finish_reason":"length"`))
	}, func(o *Options) { o.Concurrency = 1 })
	sampled := request()
	sampled.N, sampled.Seed, sampled.Sampling = 3, 7, rollout.Sampling{Temperature: 0.5, TopP: 0.9, TopK: 20}
	plain := request()
	plain.Stop = []string{"</s>"}
	got, err := p.Generate(t.Context(), []rollout.GenerateRequest{request(), sampled, plain})
	require.NoError(t, err)
	require.Equal(t, []int{1, 3, 1}, []int{len(got[0]), len(got[1]), len(got[2])})
	require.Equal(t, int64(1), most.Load(), "requests under way")
	close(asked)
	seeds := map[any]bool{}
	for a := range asked {
		require.Equal(t, []any{65., 66.}, a["prompt"])
		require.Equal(t, 6., a["max_tokens"])
		if a["temperature"] == 0.5 {
			require.Equal(t, 0.9, a["top_p"])
			require.Equal(t, 20., a["top_k"])
			seeds[a["seed"]] = true
			continue
		}
		require.Equal(t, 0., a["temperature"])
		require.NotContains(t, a, "seed")
		require.NotContains(t, a, "top_k")
		_, shown := a["skip_special_tokens"]
		require.Equal(t, len(a["stop"].([]any)) == 2, shown, "only where a tag is a token")
	}
	require.Len(t, seeds, 3, "a sample has a seed of its own")
}

func TestCancelled(t *testing.T) {
	started := make(chan struct{}, 1)
	p := newPolicy(t, words(t), func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		started <- struct{}{}
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	_, err := p.Generate(ctx, []rollout.GenerateRequest{request()})
	require.ErrorIs(t, err, context.Canceled)
}

func TestDeadServerIsLeftAlone(t *testing.T) {
	var n atomic.Int64
	p := newPolicy(t, words(t), func(w http.ResponseWriter, _ *http.Request) { n.Add(1); w.WriteHeader(500) },
		func(o *Options) { o.BreakerFailures, o.BreakerDelay, o.Retries, o.Concurrency = 3, time.Hour, 0, 1 })
	for range 6 {
		_, err := p.Generate(t.Context(), []rollout.GenerateRequest{request()})
		require.Error(t, err)
	}
	require.Equal(t, int64(3), n.Load())
}

func TestMisuse(t *testing.T) {
	for _, url := range []string{"", "localhost:8000", "ftp://h/v1", "http://u:p@h/v1", "http://h/v1?x=1"} {
		_, err := New(DefaultOptions(url, "m"), words(t))
		require.ErrorContains(t, err, "expected one like", url)
	}
	_, err := New(DefaultOptions("http://h/v1", ""), words(t))
	require.ErrorContains(t, err, "no model")
	_, err = New(DefaultOptions("http://h/v1", "m"), nil)
	require.ErrorContains(t, err, "no tokenizer")
	p, err := New(DefaultOptions("http://127.0.0.1:1/v1", "m"), words(t))
	require.NoError(t, err)
	_, err = p.Score(t.Context(), nil)
	require.ErrorContains(t, err, "evaluated only")
	_, err = p.Generate(t.Context(), []rollout.GenerateRequest{{}})
	require.ErrorContains(t, err, "expected 1 or more")
}

// Trees of such a policy count what was sampled and can never be trained.
func TestTrees(t *testing.T) {
	tok := words(t)
	p := newPolicy(t, tok, func(w http.ResponseWriter, _ *http.Request) {
		say(w, choice(`"text":"<answer>Tarn","finish_reason":"stop","stop_reason":"</answer>"`))
	})
	env := rollout.Env{Policy: p, Tokenizer: tok, Protocol: rollout.Bare(), Searcher: nothing{}}
	env.Protocol.MaxDocTokens = 200
	tree := answer(t, &env)
	require.Equal(t, "Tarn", tree.Trajectories[0].Answer)
	require.NoError(t, tree.Validate())
	last := tree.Segments[len(tree.Segments)-1]
	require.True(t, last.Unscored)
	require.False(t, last.Sampled())
	require.Equal(t, len(last.Tokens), tree.Total().Sampled)
	last.LogProbs = make([]float64, len(last.Tokens))
	tree.Segments[len(tree.Segments)-1] = last
	require.ErrorContains(t, tree.Validate(), "unscored")
}
