package client

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"searchrl/retrieval"
	"searchrl/retrieval/server"
	"searchrl/retrieval/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var docs = []retrieval.Document{
	{ID: "cat", Title: "Cat", Text: "The cat sleeps."}, {ID: "dog", Title: "The \"Dog\"", Text: "The dog barks\nat the cat."}, {ID: "3", Text: "bird"},
}

// newClient returns a client of a server that comes again at once.
func newClient(t testing.TB, url string, change ...func(*Options)) *Client {
	o := DefaultOptions(url)
	o.Backoff, o.MaxDelay, o.Retries = time.Millisecond, 2*time.Second, 2
	for _, c := range change {
		c(&o)
	}
	client, err := New(o)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func start(t testing.TB, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL + "/retrieve"
}

func say(w http.ResponseWriter, body string) { _, _ = io.WriteString(w, body) }

const good = `{"result":[[{"document":{"id":"cat","contents":"\"Cat\"\nThe cat sleeps."},"score":1.5}]]}`

// reset promises more than it sends and breaks the connection.
func reset(w http.ResponseWriter, part string) {
	w.Header().Set("Content-Length", "100000")
	say(w, part)
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// counter counts the attempts of a client: those that no server ever sees, too.
type counter struct {
	next     http.RoundTripper
	attempts atomic.Int64
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.attempts.Add(1)
	return c.next.RoundTrip(r)
}

// What a hostile or broken server may do, over real connections: always an error, never an empty or a wrong result, and in
// bounded time and memory.
func TestHostileServer(t *testing.T) {
	status := func(code int, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(code)
			say(w, good)
		}
	}
	body := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { say(w, text) }
	}
	item := func(text string) http.HandlerFunc { return body(`{"result":[[` + text + `]]}`) }
	const once = 1
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		tries int64 // attempts that are expected
		want  string
	}{
		"400":                   {status(400), once, "400 Bad Request"},
		"401":                   {status(401), once, "401"},
		"404":                   {status(404), once, "404"},
		"429":                   {status(429), 3, "429"},
		"429 come much later":   {status(429, "Retry-After", "3600"), once, "429"},
		"500":                   {status(500), 3, "500"},
		"501":                   {status(501), once, "501"},
		"502":                   {status(502), 3, "502"},
		"503":                   {status(503), 3, "503"},
		"504":                   {status(504), 3, "504"},
		"204":                   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, once, "204"},
		"redirect loop":         {status(302, "Location", "/retrieve"), once, "302"},
		"empty":                 {body(""), once, "reply"},
		"prose":                 {body("I found nothing."), once, "reply"},
		"null":                  {body("null"), once, "0 results"},
		"list":                  {body("[]"), once, "reply"},
		"no result":             {body(`{"error":"down"}`), once, "0 results"},
		"result null":           {body(`{"result":null}`), once, "0 results"},
		"no results":            {body(`{"result":[]}`), once, "0 results"},
		"a result null":         {body(`{"result":[null]}`), once, "result 0 is null"},
		"too many results":      {body(`{"result":[[],[]]}`), once, "2 results"},
		"too many passages":     {item(strings.TrimSuffix(strings.Repeat(`{"document":{"id":"x","contents":"x"},"score":1},`, 4), ",")), once, "4 passages"},
		"null passage":          {item("null"), once, "expected a document"},
		"no document":           {item(`{"score":1}`), once, "expected a document"},
		"bare documents":        {item(`{"id":"x","contents":"x"}`), once, "expected a document"},
		"document without id":   {item(`{"document":{"contents":"x"},"score":1}`), once, `no "id"`},
		"document without text": {item(`{"document":{"id":"x"},"score":1}`), once, "contents"},
		"no score":              {item(`{"document":{"id":"x","contents":"x"}}`), once, "score"},
		"score NaN":             {item(`{"document":{"id":"x","contents":"x"},"score":NaN}`), once, "reply"},
		"score too large":       {item(`{"document":{"id":"x","contents":"x"},"score":1e999}`), once, "reply"},
		"score as text":         {item(`{"document":{"id":"x","contents":"x"},"score":"1"}`), once, "reply"},
		"same passage twice":    {item(`{"document":{"id":"x","contents":"x"},"score":1},{"document":{"id":"x","contents":"x"},"score":1}`), once, "twice"},
		"not UTF-8":             {item("{\"document\":{\"id\":\"x\xff\",\"contents\":\"x\"},\"score\":1}"), once, "UTF-8"},
		"cut JSON":              {body(good[:len(good)-5]), once, "reply"},
		"two documents of JSON": {body(good + good), once, "reply"},
		"reset in the body":     {func(w http.ResponseWriter, _ *http.Request) { reset(w, good[:20]) }, 3, "EOF"},
		"reset at once":         {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 3, ""},
		"endless body": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat(" ", 1<<16)); err != nil {
					return
				}
			}
		}, once, "more than 65536 bytes"},
		"gzip bomb": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, 1<<20))
			_ = z.Close()
		}, once, "more than 65536 bytes"},
		"broken gzip": {status(200, "Content-Encoding", "gzip"), 3, "gzip"},
		"silent":      {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 3, "no reply within"},
		"drips": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				say(w, " ")
				w.(http.Flusher).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		}, 3, "no reply within"},
		"endless header": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<18))
			say(w, good)
		}, 3, "header"},
	} {
		t.Run(name, func(t *testing.T) {
			url := start(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				c.serve(w, r)
			})
			client := newClient(t, url, func(o *Options) {
				o.MaxReply = 1 << 16
				if c.want == "no reply within" {
					o.Timeout = 300 * time.Millisecond
				}
			})
			counting := &counter{next: client.http.Transport}
			client.http.Transport = counting
			found, err := client.Search(t.Context(), []string{"cat"}, 3)
			require.ErrorContains(t, err, c.want)
			require.Nil(t, found)
			require.Equal(t, c.tries, counting.attempts.Load(), "attempts")
		})
	}
}

// What happens before there is a server.
func TestNoServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	plain := start(t, func(w http.ResponseWriter, _ *http.Request) { say(w, good) })
	for name, url := range map[string]string{
		"refused":      "http://" + address + "/retrieve",
		"no such name": "http://host.invalid/retrieve",
		"no TLS":       strings.Replace(plain, "http://", "https://", 1),
	} {
		client := newClient(t, url, func(o *Options) { o.Timeout = 2 * time.Second }) // finding no such name may take long
		_, err := client.Search(t.Context(), []string{"cat"}, 3)
		require.Error(t, err, name)
	}
	for name, change := range map[string]func(*Options){
		"scheme": func(o *Options) { o.URL = "ftp://x/retrieve" }, "host": func(o *Options) { o.URL = "http:///retrieve" },
		"user": func(o *Options) { o.URL = "http://u:hunter2@x/" }, "timeout": func(o *Options) { o.Timeout = 0 },
		"batch": func(o *Options) { o.Batch = 0 }, "retries": func(o *Options) { o.Retries = -1 },
	} {
		o := DefaultOptions("http://127.0.0.1/retrieve")
		change(&o)
		_, err := New(o)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

// A server that recovers is asked again, no earlier than it says; one that stays down is left alone.
func TestRecovers(t *testing.T) {
	var tries atomic.Int64
	url := start(t, func(w http.ResponseWriter, _ *http.Request) {
		if tries.Add(1) == 1 {
			w.Header().Set("Retry-After", "0.2")
			w.WriteHeader(503)
			return
		}
		say(w, good)
	})
	begin := time.Now()
	found, err := newClient(t, url).Search(t.Context(), []string{"cat"}, 3)
	require.NoError(t, err)
	require.Equal(t, []retrieval.Hit{{Document: docs[0], Score: 1.5}}, found[0])
	require.GreaterOrEqual(t, time.Since(begin), 200*time.Millisecond)

	tries.Store(0)
	url = start(t, func(w http.ResponseWriter, _ *http.Request) { tries.Add(1); w.WriteHeader(500) })
	client := newClient(t, url, func(o *Options) { o.BreakerFailures, o.BreakerDelay = 4, time.Hour })
	for range 20 {
		_, err := client.Search(t.Context(), []string{"cat"}, 3)
		require.Error(t, err)
	}
	require.Equal(t, int64(4), tries.Load(), "the circuit is open")
}

func TestContextEnds(t *testing.T) {
	url := start(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // before that, a server does not see the client leave
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := newClient(t, url, func(o *Options) { o.Timeout = time.Hour }).Search(ctx, []string{"cat"}, 3)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = newClient(t, url).Search(t.Context(), nil, 0)
	require.ErrorContains(t, err, "k is 0")
}

// The client over this project's server gives what the searcher behind it gives; equal queries go out once, in batches, and
// what was found is not asked for again.
func TestThroughTheServer(t *testing.T) {
	index, err := retrieval.NewBM25(docs)
	require.NoError(t, err)
	o := server.DefaultOptions()
	o.Token = "secret"
	s, err := server.New(index, o)
	require.NoError(t, err)
	var mu sync.Mutex
	var asked [][]string
	url := start(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var q wire.Request
		_ = json.Unmarshal(body, &q)
		mu.Lock()
		asked = append(asked, q.Queries)
		mu.Unlock()
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		s.ServeHTTP(w, r)
	})
	client := newClient(t, url, func(o *Options) { o.Token, o.Batch = "secret", 2 })
	queries := []string{"cat", "dog", "cat", "", "bird \u2028 \x00 é", "zebra", "the", strings.Repeat("cat ", 1000)}
	want, err := index.Search(t.Context(), queries, 2)
	require.NoError(t, err)
	got, err := client.Search(t.Context(), queries, 2)
	require.NoError(t, err)
	require.Equal(t, want, got)
	var sizes []int
	for _, a := range asked {
		sizes = append(sizes, len(a))
	}
	slices.Sort(sizes)
	require.Equal(t, []int{1, 2, 2, 2}, sizes)

	got[0][0].Title = "changed"
	got, err = client.Search(t.Context(), queries, 2)
	require.NoError(t, err)
	require.Equal(t, want, got, "the cache is not the caller's")
	require.Len(t, asked, 4)
	_, err = client.Search(t.Context(), queries[:1], 1)
	require.NoError(t, err)
	require.Len(t, asked, 5, "another k is another question")
	got, err = client.Search(t.Context(), queries[:1], 2)
	require.NoError(t, err)
	require.Equal(t, want[:1], got, "whose answer does not take the place of this one's")
	require.Len(t, asked, 5)

	_, err = newClient(t, url).Search(t.Context(), queries, 2)
	require.ErrorContains(t, err, "401", "without the token")
}

// One batch of several fails: so does the call.
func TestPartialFailure(t *testing.T) {
	url := start(t, func(w http.ResponseWriter, r *http.Request) {
		var q wire.Request
		_ = json.NewDecoder(r.Body).Decode(&q)
		if q.Queries[0] == "c" {
			w.WriteHeader(400)
			return
		}
		say(w, good)
	})
	found, err := newClient(t, url, func(o *Options) { o.Batch = 1 }).Search(t.Context(), []string{"a", "b", "c", "d"}, 3)
	require.ErrorContains(t, err, "400")
	require.Nil(t, found)
}

func Example() {
	index, _ := retrieval.NewBM25(docs)
	s, _ := server.New(index, server.DefaultOptions())
	over := httptest.NewServer(s)
	defer over.Close()
	client, err := New(DefaultOptions(over.URL + "/retrieve"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	found, err := client.Search(context.Background(), []string{"Which dog barks?"}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(found[0][0].Title)
	// Output: The "Dog"
}
