package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/internal/memory"
	"searchrl/retrieval"
	"searchrl/retrieval/server"
)

// bench runs bench with --json and returns its document.
func bench(t *testing.T, wantCode int, args ...string) (result benchedRetrieval, stderr string) {
	var out, errOut bytes.Buffer
	require.Equal(t, wantCode, run(append([]string{"bench", "retrieval", "--json"}, args...), &out, &errOut), errOut.String())
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &result))
	return result, errOut.String()
}

// TestBenchServer asks a real server on the loopback device, whole and then with every tenth request refused.
func TestBenchServer(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	t.Setenv(tokenVariable, "of-the-test")
	index, err := retrieval.NewBM25([]retrieval.Document{{ID: "1", Text: "Besk lies on the Orlo."}, {ID: "2", Text: "Hent is a village."}})
	require.NoError(t, err)
	options := server.DefaultOptions()
	options.Token = "of-the-test"
	s, err := server.New(index, options)
	require.NoError(t, err)
	var requests, refused atomic.Int64
	var broken atomic.Bool
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/retrieve" && requests.Add(1)%10 == 0 && broken.Load() {
			refused.Add(1)
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		s.ServeHTTP(w, r)
	}))
	defer h.Close()
	questions := filepath.Join(t.TempDir(), "questions.csv")
	require.NoError(t, os.WriteFile(questions, []byte("Question,Answer\nWhere is Besk?,Orlo\nWhat is Hent?,village\nWho?,nobody\n"), 0o600))
	asking := []string{"--searcher", h.URL + "/retrieve", "--questions", questions, "--clients", "8", "--queries", "101", "--batch", "2"}

	r, _ := bench(t, exitDone, asking...)
	require.Equal(t, [3]int{101, 51, 0}, [3]int{r.Queries, r.Searches, r.Errors})
	require.EqualValues(t, 2+51, requests.Load(), "the warm-up's, and no retry and no cache")
	if _, ok := memory.Resident(); ok {
		require.Equal(t, "the server", r.MemoryOf)
		require.Len(t, r.Memory, 11)
	}

	broken.Store(true)
	r, stderr := bench(t, exitFailed, asking...)
	require.EqualValues(t, refused.Load(), r.Errors)
	require.Contains(t, stderr, "5 of 51 searches failed, the first with: ")

	h.Close()
	_, stderr = bench(t, exitFailed, asking...)
	require.Contains(t, stderr, "every search failed")
}

func TestBenchHere(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	r, _ := bench(t, exitDone, "--queries", "50")
	require.Equal(t, [3]int{50, 50, 0}, [3]int{r.Queries, r.Searches, r.Errors})
	require.Equal(t, "this process", r.MemoryOf)
	var out, errOut bytes.Buffer
	require.Equal(t, exitDone, run([]string{"bench", "retrieval", "--queries", "50"}, &out, &errOut))
	require.Contains(t, out.String(), "50 queries of the embedded world")
	for _, bad := range [][]string{{"--clients", "0"}, {"--questions", "x"}, {"--corpus", "x"}, {"--questions", "x", "--searcher", "http://u:p@x/"}} {
		errOut.Reset()
		require.Equal(t, exitUnusable, run(append([]string{"bench", "retrieval"}, bad...), &out, &errOut), bad)
	}
}

// TestBenchPolicy runs the pure Go backend against itself: the same work, as often as it should be.
func TestBenchPolicy(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	var out, errOut bytes.Buffer
	require.Equal(t, exitDone, run([]string{"bench", "policy", "--json", "--backends", "go,go", "--rounds", "1", "--questions", "1"}, &out, &errOut), errOut.String())
	var result benchedPolicy
	require.NoError(t, json.Unmarshal(out.Bytes(), &result))
	require.Len(t, result.Rows, 6)
	for i, work := range []string{"decode", "score", "train"} {
		first, second := result.Rows[2*i], result.Rows[2*i+1]
		require.Equal(t, [3]string{work, work, "go"}, [3]string{first.Work, second.Work, second.Backend})
		require.Equal(t, first.Tokens, second.Tokens)
		require.Equal(t, 1.0, first.Speedup)
		require.Positive(t, second.PerSecond)
	}
	require.Less(t, result.Rows[0].Tokens, result.Rows[2].Tokens, "prompts and documents are not sampled")
	for _, bad := range [][]string{{"--rounds", "0"}, {"--questions", "0"}, {"--backends", "abacus"}} {
		require.Equal(t, exitUnusable, run(append([]string{"bench", "policy"}, bad...), &out, &errOut), bad)
	}
}
