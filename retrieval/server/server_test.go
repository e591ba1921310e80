package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"searchrl/retrieval"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var docs = []retrieval.Document{{ID: "cat", Title: "Cat", Text: "The cat sleeps."}, {ID: "dog", Title: "Dog", Text: "The dog barks\nat the cat."}}

// searcher is a function that searches.
type searcher func(ctx context.Context, queries []string, k int) ([][]retrieval.Hit, error)

func (s searcher) Search(ctx context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
	return s(ctx, queries, k)
}

func start(t testing.TB, s retrieval.Searcher, change ...func(*Options)) *httptest.Server {
	o := DefaultOptions()
	for _, c := range change {
		c(&o)
	}
	server, err := New(s, o)
	require.NoError(t, err)
	h := httptest.NewServer(server)
	t.Cleanup(h.Close)
	return h
}

func post(t testing.TB, url, body string, headers ...string) (int, string, http.Header) {
	r, err := http.NewRequest(http.MethodPost, url+"/retrieve", strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer http.DefaultClient.CloseIdleConnections()
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, strings.TrimSpace(string(data)), response.Header
}

func bm25(t testing.TB) retrieval.Searcher {
	x, err := retrieval.NewBM25(docs)
	require.NoError(t, err)
	return x
}

// The replies are Search-R1's to the byte, but for the score.
func TestRetrieve(t *testing.T) {
	h := start(t, searcher(func(_ context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
		out := make([][]retrieval.Hit, len(queries))
		for i, q := range queries {
			if q != "" {
				out[i] = []retrieval.Hit{{Document: docs[1], Score: 2.5}, {Document: docs[0], Score: 1}}[:min(k, 2)]
			}
		}
		return out, nil
	}), func(o *Options) { o.DefaultTopK = 1 })
	const dog = `{"id":"dog","contents":"\"Dog\"\nThe dog barks\nat the cat."}`
	const cat = `{"id":"cat","contents":"\"Cat\"\nThe cat sleeps."}`
	for _, c := range []struct{ body, want string }{
		{`{"queries":["x","y"],"topk":2,"return_scores":true}`, `{"result":[[{"document":` + dog + `,"score":2.5},{"document":` + cat + `,"score":1}],[{"document":` + dog + `,"score":2.5},{"document":` + cat + `,"score":1}]]}`},
		{`{"queries":["x"],"topk":2,"return_scores":false}`, `{"result":[[` + dog + `,` + cat + `]]}`},
		{`{"queries":["x"],"topk":null}`, `{"result":[[` + dog + `]]}`},
		{`{"query":["x"]}`, `{"result":[[` + dog + `]]}`},
		{`{"query":"x","unknown":1}`, `{"result":[[` + dog + `]]}`},
		{`{"queries":["",""],"return_scores":true}`, `{"result":[[],[]]}`},
		{`{"queries":[]}`, `{"result":[]}`},
	} {
		code, got, header := post(t, h.URL, c.body)
		require.Equal(t, 200, code, c.body)
		require.Equal(t, c.want, got, c.body)
		require.Equal(t, "application/json", header.Get("Content-Type"))
	}
}

func TestRefused(t *testing.T) {
	h := start(t, bm25(t), func(o *Options) { o.Body, o.Queries, o.TopK = 200, 3, 10 })
	for _, c := range []struct {
		body string
		code int
		want string
	}{
		{"", 400, "expected an object like"},
		{"{", 400, "expected an object like"},
		{"[]", 400, "the body is a JSON array"},
		{"{}", 400, "neither"},
		{`{"queries":null}`, 400, "neither"},
		{`{"queries":[null]}`, 400, "query 0 is null"},
		{`{"queries":[1]}`, 400, `found a JSON number in "queries"`},
		{`{"queries":["a"],"query":"b"}`, 400, "both"},
		{`{"queries":["a","b","c","d"]}`, 400, "4 queries; at most 3"},
		{`{"queries":["a"],"topk":0}`, 400, "expected 1 to 10"},
		{`{"queries":["a"],"topk":-1}`, 400, "expected 1 to 10"},
		{`{"queries":["a"],"topk":11}`, 400, "expected 1 to 10"},
		{`{"queries":["a"],"topk":1.5}`, 400, `found a JSON number 1.5 in "topk"`},
		{`{"queries":["a"],"topk":1e99}`, 400, `found a JSON number 1e99 in "topk"`},
		{`{"queries":["a"],"return_scores":"yes"}`, 400, `found a JSON string in "return_scores"`},
		{"{\"queries\":[\"\xff\"]}", 400, "not UTF-8"},
		{`{"queries":["` + strings.Repeat("a", 300) + `"]}`, 413, "longer than 200 bytes"},
	} {
		code, got, _ := post(t, h.URL, c.body)
		require.Equal(t, c.code, code, c.body)
		require.Contains(t, strings.ReplaceAll(got, `\"`, `"`), c.want, c.body)
	}
	for path, want := range map[string]int{"/retrieve": 405, "/": 404, "/retrieve/": 404, "/debug/pprof/": 404, "/health": 200, "/metrics": 200} {
		r, err := http.Get(h.URL + path)
		require.NoError(t, err)
		body, err := io.ReadAll(r.Body)
		require.NoError(t, errors.Join(err, r.Body.Close()))
		require.Equal(t, want, r.StatusCode, path)
		if want != 200 {
			require.Contains(t, string(body), `{"error":"`)
			require.Equal(t, "application/json", r.Header.Get("Content-Type"))
			require.Contains(t, string(body), "POST")
		}
		require.Empty(t, r.Header.Get("Access-Control-Allow-Origin"))
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestToken(t *testing.T) {
	h := start(t, bm25(t), func(o *Options) { o.Token = "secret" })
	for header, want := range map[string]int{"": 401, "secret": 401, "Bearer ": 401, "Bearer Secret": 401, "Bearer secretsecret": 401, "Basic secret": 401, "Bearer secret": 200} {
		code, _, _ := post(t, h.URL, `{"query":"cat"}`, "Authorization", header)
		require.Equal(t, want, code, header)
	}
}

// A search that fails, panics, gives nonsense or takes too long costs its request and nothing else, and says no more than
// that.
func TestBrokenSearcher(t *testing.T) {
	broken := searcher(func(ctx context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
		switch queries[0] {
		case "fail":
			return nil, errors.New("password hunter2")
		case "panic":
			panic("hunter2")
		case "short":
			return nil, nil
		case "nan":
			return [][]retrieval.Hit{{{Document: docs[0], Score: math.NaN()}}}, nil
		case "slow":
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return make([][]retrieval.Hit, len(queries)), nil
	})
	h := start(t, broken, func(o *Options) { o.Concurrent = 1 })
	for query, want := range map[string]int{"fail": 500, "panic": 500, "short": 500, "nan": 500, "fine": 200} {
		code, got, _ := post(t, h.URL, `{"query":"`+query+`"}`)
		require.Equal(t, want, code, query)
		require.NotContains(t, got, "hunter2")
	}
	code, _, _ := post(t, h.URL, `{"query":"fine"}`)
	require.Equal(t, 200, code, "the only place is free again")

	impatient := start(t, broken, func(o *Options) { o.Concurrent, o.Timeout = 1, 50*time.Millisecond })
	for range 2 {
		code, got, _ := post(t, impatient.URL, `{"query":"slow"}`)
		require.Equal(t, 503, code)
		require.Contains(t, got, "longer than 50ms", "it is the search that took too long, not the wait for a place")
	}
}

func TestTooManyAtOnce(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	h := start(t, searcher(func(_ context.Context, queries []string, _ int) ([][]retrieval.Hit, error) {
		if queries[0] == "hold" {
			entered <- struct{}{}
			<-release
		}
		return make([][]retrieval.Hit, len(queries)), nil
	}), func(o *Options) { o.Concurrent, o.Wait = 1, 20*time.Millisecond })
	var wg sync.WaitGroup
	wg.Go(func() { _, _, _ = post(t, h.URL, `{"query":"hold"}`) })
	<-entered
	code, got, header := post(t, h.URL, `{"query":"more"}`)
	require.Equal(t, 503, code)
	require.Contains(t, got, "1 searches are under way")
	require.Equal(t, "1", header.Get("Retry-After"))
	close(release)
	wg.Wait()
	code, _, _ = post(t, h.URL, `{"query":"more"}`)
	require.Equal(t, 200, code)
	r, err := http.Get(h.URL + "/metrics")
	require.NoError(t, err)
	text, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	http.DefaultClient.CloseIdleConnections()
	for _, want := range []string{`searchrl_requests_total{status="200"} 2`, `searchrl_requests_total{status="503"} 1`, "searchrl_queries_total 2",
		"searchrl_searches 0", "searchrl_request_seconds_count 3", "process_resident_memory_bytes"} {
		require.Contains(t, string(text), want)
	}
}

// When the context ends, the request under way is answered, and the server ends after it.
func TestDrains(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s, err := New(searcher(func(context.Context, []string, int) ([][]retrieval.Hit, error) {
		close(entered)
		<-release
		return [][]retrieval.Hit{{{Document: docs[0], Score: 1}}}, nil
	}), DefaultOptions())
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, listener) }()
	connection, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	defer connection.Close()
	const body = `{"query":"cat"}`
	fmt.Fprintf(connection, "POST /retrieve HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	<-entered
	cancel()
	require.Eventually(t, func() bool {
		more, err := net.Dial("tcp", listener.Addr().String())
		if err == nil {
			_ = more.Close()
		}
		return err != nil
	}, time.Minute, time.Millisecond)
	select {
	case err := <-ended:
		t.Fatal("the server left a request behind: ", err)
	default:
	}
	probe := httptest.NewRecorder()
	s.ServeHTTP(probe, httptest.NewRequest(http.MethodGet, "/health", nil))
	require.Equal(t, 503, probe.Code, "draining")
	close(release)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(t, err)
	require.Equal(t, 200, response.StatusCode)
	require.NoError(t, response.Body.Close())
	require.NoError(t, <-ended)
}

func TestOptionsAreChecked(t *testing.T) {
	o := DefaultOptions()
	require.Greater(t, o.Drain, o.Wait+o.Timeout, "who is served when the server ends is served to the end")
	for name, change := range map[string]func(*Options){
		"queries": func(o *Options) { o.Queries = 0 }, "topk": func(o *Options) { o.DefaultTopK = 1001 }, "zero topk": func(o *Options) { o.DefaultTopK = 0 },
		"body": func(o *Options) { o.Body = 0 }, "concurrent": func(o *Options) { o.Concurrent = 0 }, "timeout": func(o *Options) { o.Timeout = 0 },
	} {
		o := DefaultOptions()
		change(&o)
		_, err := New(bm25(t), o)
		require.Error(t, err, name)
	}
}
