package weaviate

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"searchrl/retrieval"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server on loopback that answers as handle says.
func serve(t *testing.T, handle http.HandlerFunc) string {
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return s.URL
}

func client(t *testing.T, opts Options) *Client {
	opts.Pause = time.Millisecond
	c, err := NewClient(opts)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// hit is an object as Weaviate writes it.
func hit(id string, place int, score string) string {
	return fmt.Sprintf(`{"passage_id":%q,"place":%d,"title":"T%s","contents":"T%s\ntext %s","_additional":{"score":%q,"distance":null}}`, id, place, id, id, id, score)
}

func reply(hits ...string) string {
	return `{"data":{"Get":{"Wiki":[` + strings.Join(hits, ",") + `]}}}`
}

func TestSearch(t *testing.T) {
	var asked sync.Map
	node := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Query string }
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&body))
		asked.Store(body.Query, r.Header.Get("Authorization"))
		_, _ = io.WriteString(w, reply(hit("b", 7, "1.5"), hit("a", 3, "1.5"), hit("c", 1, "2")))
	})
	c := client(t, Options{Nodes: []string{node}, Token: "secret"})
	results, err := c.Words("Wiki").Search(context.Background(), []string{"say \"hi\"\n{x}", " "}, 3)
	require.NoError(t, err)
	require.Len(t, results, 2)
	assert.Empty(t, results[1])
	want := []retrieval.Hit{
		{Document: retrieval.Document{ID: "c", Title: "Tc", Text: "text c"}, Score: 2},
		{Document: retrieval.Document{ID: "a", Title: "Ta", Text: "text a"}, Score: 1.5}, // equal scores: the earlier passage first
		{Document: retrieval.Document{ID: "b", Title: "Tb", Text: "text b"}, Score: 1.5},
	}
	assert.Equal(t, want, results[0])
	token, ok := asked.Load(`{Get{Wiki(bm25:{query:"say \"hi\"\n{x}",properties:["contents"]},limit:3){passage_id place title contents _additional{score distance}}}}`)
	assert.True(t, ok, "the query is not as expected")
	assert.Equal(t, "Bearer secret", token)
}

// TestFaults: a node that misbehaves never gives an empty or a wrong result, but an error that says what happened.
func TestFaults(t *testing.T) {
	text := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}
	for name, test := range map[string]struct {
		handle http.HandlerFunc
		want   string
		tries  int32
	}{
		"refused":      {text(422, `{"error":[{"message":"no such class"}]}`), "status 422 (Unprocessable Entity): {\"error\":[{\"message\":\"no such class\"}]}", 1},
		"unauthorised": {text(401, "who are you"), "status 401", 1},
		"busy":         {text(503, "later"), "status 503", 4},
		"too many":     {text(429, "later"), "status 429", 4},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusTemporaryRedirect)
		}, "status 307", 1},
		"empty":           {text(200, ""), "the reply is no JSON", 4},
		"half":            {text(200, reply()[:20]), "the reply is no JSON", 4},
		"HTML":            {text(200, "<html>"), "the reply is no JSON: <html>", 4},
		"array":           {text(200, "[]"), "the reply is not as expected", 1},
		"no data":         {text(200, "{}"), "the reply has no data", 1},
		"null data":       {text(200, `{"data":null}`), "the reply has no data", 1},
		"error with data": {text(200, `{"data":{"Get":{"Wiki":[]}},"errors":[{"message":"syntax error"}]}`), "the server says: syntax error", 1},
		"passing error":   {text(200, `{"errors":[{"message":"cannot connect to replica"}]}`), "the server says: cannot connect", 4},
		"null list":       {text(200, `{"data":{"Get":{}}}`), "the reply has no list", 1},
		"other class":     {text(200, `{"data":{"Get":{"Other":[]}}}`), "the reply has no list", 1},
		"too long a list": {text(200, reply(hit("a", 0, "1"), hit("b", 1, "1"), hit("c", 1, "1"))), "the reply has no list of up to 2", 1},
		"no id":           {text(200, reply(`{"_additional":{"score":"1"}}`)), "an object that is no passage", 1},
		"no score":        {text(200, reply(`{"passage_id":"a","_additional":{}}`)), `passage "a" has no score`, 1},
		"odd score":       {text(200, reply(hit("a", 0, "high"))), `passage "a" has the score "high"`, 1},
		"cut connection": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, reply())
		}, "unexpected EOF", 4},
		"closed connection": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF", 4},
		"silence": {func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}, "deadline exceeded", 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int32
			node := serve(t, func(w http.ResponseWriter, r *http.Request) { tries.Add(1); test.handle(w, r) })
			opts := Options{Nodes: []string{node}, Tries: 4}
			if name == "silence" {
				opts.Timeout = 50 * time.Millisecond
			}
			results, err := client(t, opts).Words("Wiki").Search(context.Background(), []string{"x"}, 2)
			require.ErrorContains(t, err, test.want)
			require.Nil(t, results)
			require.Equal(t, test.tries, tries.Load())
		})
	}
}

// TestFailover: while a node is left that answers, nothing is lost.
func TestFailover(t *testing.T) {
	good := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, reply(hit("a", 0, "1"))) }
	dead := httptest.NewServer(http.HandlerFunc(good))
	dead.Close()
	flaky := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	c := client(t, Options{Nodes: []string{dead.URL, flaky, serve(t, good)}})
	for range 5 {
		results, err := c.Words("Wiki").Search(context.Background(), []string{"x", "y", "z"}, 2)
		require.NoError(t, err)
		for _, hits := range results {
			require.Len(t, hits, 1)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := c.Words("Wiki").Search(ctx, []string{"x"}, 2)
	require.ErrorIs(t, err, context.Canceled)
}

func TestVectorsAndHybrid(t *testing.T) {
	encode := func(_ context.Context, queries []string) ([][]float32, error) {
		return [][]float32{{0.5, -1}}[:len(queries)], nil
	}
	var query atomic.Value
	node := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Query string }
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&body))
		query.Store(body.Query)
		if strings.Contains(body.Query, "nearVector") {
			_, _ = io.WriteString(w, reply(`{"passage_id":"a","_additional":{"score":"0","distance":-0.75}}`))
			return
		}
		_, _ = io.WriteString(w, reply(hit("a", 0, "0.016")))
	})
	c := client(t, Options{Nodes: []string{node}})
	results, err := c.Vectors("Wiki", encode).WithConsistency("ONE").Search(context.Background(), []string{"x"}, 2)
	require.NoError(t, err)
	assert.Equal(t, 0.75, results[0][0].Score)
	assert.Contains(t, query.Load(), "nearVector:{vector:[0.5,-1]},consistencyLevel:ONE,limit:2")
	h, err := c.Hybrid("Wiki", encode, 0.25)
	require.NoError(t, err)
	results, err = h.Search(context.Background(), []string{"x"}, 2)
	require.NoError(t, err)
	assert.Equal(t, 0.016, results[0][0].Score)
	assert.Contains(t, query.Load(), `hybrid:{query:"x",properties:["contents"],vector:[0.5,-1],alpha:0.25,fusionType:rankedFusion}`)
	_, err = c.Hybrid("Wiki", encode, 2)
	assert.ErrorContains(t, err, "alpha 2")
}

func docs(n int) iter.Seq2[retrieval.Document, error] {
	return func(yield func(retrieval.Document, error) bool) {
		for i := range n {
			if !yield(retrieval.Document{ID: fmt.Sprint("p", i), Title: "T", Text: fmt.Sprint("text ", i)}, nil) {
				return
			}
		}
	}
}

// store is a server that keeps objects by id, as Weaviate does, and fails as told.
type store struct {
	mu      sync.Mutex
	objects map[string]object
	batches int
	fail    func(batch int, o object) (refuse bool)
	down    func(batch int) bool
}

func (s *store) handle(w http.ResponseWriter, r *http.Request) {
	var body struct{ Objects []object }
	_ = json.NewDecoder(r.Body).Decode(&body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches++
	if s.down != nil && s.down(s.batches) {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	var out []string
	for _, o := range body.Objects {
		if s.fail != nil && s.fail(s.batches, o) {
			out = append(out, fmt.Sprintf(`{"id":%q,"result":{"status":"FAILED","errors":{"error":[{"message":"no space"}]}}}`, o.ID))
			continue
		}
		s.objects[o.ID] = o
		out = append(out, fmt.Sprintf(`{"id":%q,"result":{"status":"SUCCESS"}}`, o.ID))
	}
	_, _ = io.WriteString(w, "["+strings.Join(out, ",")+"]")
}

// TestImportResumes: an import that broke off goes on after the last batch that was accepted, and ends with every passage
// there once.
func TestImportResumes(t *testing.T) {
	s := &store{objects: map[string]object{}, down: func(batch int) bool { return batch > 3 }}
	c := client(t, Options{Nodes: []string{serve(t, s.handle)}, Tries: 2})
	opts := ImportOptions{State: filepath.Join(t.TempDir(), "state.json"), Batch: 10, Settle: -1}
	err := c.Import(context.Background(), "Wiki", docs(95), opts)
	require.ErrorContains(t, err, "passages 30 to 39")
	require.ErrorContains(t, err, "status 502")
	require.Len(t, s.objects, 30)
	s.down, s.batches = nil, 0
	require.NoError(t, c.Import(context.Background(), "Wiki", docs(95), opts))
	require.Equal(t, 7, s.batches)
	require.Len(t, s.objects, 95)
	o := s.objects[ObjectID("Wiki", "p94")]
	assert.Equal(t, "p94", o.Properties[propertyID])
	assert.EqualValues(t, 94, o.Properties[propertyPlace])
	assert.Equal(t, "T\ntext 94", o.Properties[propertyContents])

	require.NoError(t, c.Import(context.Background(), "Wiki", docs(95), ImportOptions{Batch: 40, Settle: -1})) // again, without a state
	require.Len(t, s.objects, 95)

	assert.ErrorContains(t, c.Import(context.Background(), "Wiki", docs(20), opts), "95 passages were imported, but there are 20: another corpus")
	assert.ErrorContains(t, c.Import(context.Background(), "Other", docs(95), opts), "is the state of an import into Wiki")
	other := func(yield func(retrieval.Document, error) bool) {
		for d := range docs(95) {
			d.ID += "x"
			if !yield(d, nil) {
				return
			}
		}
	}
	assert.ErrorContains(t, c.Import(context.Background(), "Wiki", other, opts), `passage 94 is "p94", but it is "p94x": another corpus`)
	require.NoError(t, os.WriteFile(opts.State, []byte("{"), 0o666))
	assert.ErrorContains(t, c.Import(context.Background(), "Wiki", docs(95), opts), "is not the state of an import")
}

// TestImportRefusals: an object that is refused for a while is sent again, alone; for good, it is an error with its name.
func TestImportRefusals(t *testing.T) {
	s := &store{objects: map[string]object{}, fail: func(batch int, o object) bool { return batch < 3 && o.Properties[propertyID] == "p4" }}
	c := client(t, Options{Nodes: []string{serve(t, s.handle)}, Tries: 3})
	require.NoError(t, c.Import(context.Background(), "Wiki", docs(8), ImportOptions{Settle: -1}))
	require.Len(t, s.objects, 8)
	s.fail = func(_ int, o object) bool { return o.Properties[propertyID] == "p5" }
	require.ErrorContains(t, c.Import(context.Background(), "Wiki", docs(8), ImportOptions{Settle: -1}), `passage "p5" was refused: no space`)

	twice := func(yield func(retrieval.Document, error) bool) {
		for range 2 {
			if !yield(retrieval.Document{ID: "a"}, nil) {
				return
			}
		}
	}
	require.ErrorContains(t, c.Import(context.Background(), "Wiki", twice, ImportOptions{Settle: -1}), `two passages have the id "a"`)
	silent := client(t, Options{Nodes: []string{serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "[]") })}, Tries: 2})
	require.ErrorContains(t, silent.Import(context.Background(), "Wiki", docs(1), ImportOptions{Settle: -1}), `passage "p0" was refused: it is not in the reply`)
}

func TestBadInput(t *testing.T) {
	for _, nodes := range [][]string{nil, {"127.0.0.1:80"}, {"ftp://x"}, {"http://"}, {"http://u:p@x"}} {
		_, err := NewClient(Options{Nodes: nodes})
		assert.ErrorContains(t, err, "node")
	}
	c := client(t, Options{Nodes: []string{"http://127.0.0.1:1"}})
	ctx := context.Background()
	for _, name := range []string{"", "wiki", "Wiki){x", "Wi ki"} {
		assert.ErrorContains(t, c.CreateCollection(ctx, Collection{Name: name}), "expected a capital letter")
		_, err := c.Words(name).Search(ctx, []string{"x"}, 1)
		assert.ErrorContains(t, err, "expected a capital letter")
	}
	for _, k := range []int{0, 10001} {
		_, err := c.Words("Wiki").Search(ctx, []string{"x"}, k)
		assert.ErrorContains(t, err, "expected 1 to 10000")
	}
}
