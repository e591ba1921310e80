package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
)

// judgeServer is an OpenAI-compatible server on the loopback device. Its opinion of every step is a pure function of the
// request; the share of requests that fail is set while it runs.
type judgeServer struct {
	*httptest.Server
	requests, refused atomic.Int64
	schemas           atomic.Int64 // requests with a JSON schema
	broken            atomic.Bool  // replies are no judgements
	mu                sync.Mutex
	open              map[net.Conn]bool
	wrong             []string
}

const judgeKey = "secret-of-the-test"

func newJudgeServer(t *testing.T) *judgeServer {
	s := &judgeServer{open: map[net.Conn]bool{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.answer))
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch state {
		case http.StateNew:
			s.open[c] = true
		case http.StateClosed, http.StateHijacked:
			delete(s.open, c)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *judgeServer) answer(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Model       string
		Temperature *float64
		Messages    []struct{ Role, Content string }
		Format      any `json:"response_format"`
	}
	err := json.NewDecoder(r.Body).Decode(&asked)
	if err != nil || r.URL.Path != "/v1/chat/completions" || asked.Model != "judge-of-the-test" || asked.Temperature == nil || *asked.Temperature != 0 ||
		len(asked.Messages) != 2 || r.Header.Get("Authorization") != "Bearer "+judgeKey {
		s.mu.Lock()
		s.wrong = append(s.wrong, fmt.Sprintf("%s %v %+v", r.URL.Path, err, asked))
		s.mu.Unlock()
	}
	if asked.Format != nil {
		s.schemas.Add(1)
	}
	n := s.requests.Add(1)
	if n%7 == 0 { // a busy server: the client asks again
		s.refused.Add(1)
		w.Header().Set("Retry-After", "0")
		http.Error(w, "busy", http.StatusTooManyRequests)
		return
	}
	text := fmt.Sprintf(`{"score": %d, "reason": "it has %d letters"}`, len(asked.Messages[1].Content)%3-1, len(asked.Messages[1].Content))
	if s.broken.Load() {
		text = "I would give it a 1."
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"id": "1", "object": "chat.completion", "model": asked.Model, "choices": []any{map[string]any{
		"index": 0, "finish_reason": "stop", "message": map[string]string{"role": "assistant", "content": text}}}})
}

// train runs searchrl train, in this process, with the server as SLATE's judge, and returns the exit code.
func (s *judgeServer) train(t *testing.T, out string, more ...string) (code int, stdout, stderr string) {
	t.Setenv("SEARCHRL_JUDGE_URL", s.URL+"/v1")
	t.Setenv("SEARCHRL_JUDGE_MODEL", "judge-of-the-test")
	t.Setenv("SEARCHRL_JUDGE_KEY", judgeKey)
	t.Setenv("NO_COLOR", "1")
	args := []string{"train", "--json", "--backend", "go", "--method", "slate", "--judge", "openai", "--candidates", "3", "--questions", "2",
		"--test-questions", "2", "--no-sampled", "--probes", "0", "--out", out}
	var o, e bytes.Buffer
	code = run(append(args, more...), &o, &e)
	// The command lets go of the server: a connection that is only idle would stay for a minute and a half.
	require.Eventually(t, func() bool { return s.connections() == 0 }, time.Minute, 10*time.Millisecond, "connections stay open")
	return code, o.String(), e.String()
}

func (s *judgeServer) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// TestJudgeBehindAServer trains SLATE through the command with a judge behind a real server: the scores are the server's,
// a busy server is asked again, what was judged is not asked twice, and the key is written nowhere.
func TestJudgeBehindAServer(t *testing.T) {
	dir := t.TempDir()
	s := newJudgeServer(t)
	folder, cache := filepath.Join(dir, "run"), filepath.Join(dir, "cache")
	code, stdout, stderr := s.train(t, folder, "--steps", "2", "--judge-cache", cache)
	require.Equal(t, exitDone, code, stderr)
	require.NoError(t, checkJSON(stdout, []string{"method", "steps", "sampled_tokens"}))
	require.Empty(t, s.wrong, "requests that are not as they should be")
	require.Positive(t, s.refused.Load())
	require.Equal(t, s.requests.Load(), s.schemas.Load())

	labels, scored := 0., 0
	lines := readLines(t, filepath.Join(folder, "metrics.jsonl"))
	require.Len(t, lines, 2)
	for _, line := range lines {
		require.Zero(t, line["judge_masked"])
		n, ok := line["judge_labels"].(float64)
		require.True(t, ok, "%v", line)
		labels += n
	}
	require.Positive(t, labels)
	for _, name := range []string{"step-0001.jsonl", "step-0002.jsonl"} {
		data, err := os.ReadFile(filepath.Join(folder, "trees", name))
		require.NoError(t, err)
		scored += strings.Count(string(data), `"source":"judge-of-the-test"`)
	}
	require.Equal(t, int(labels), scored, "every score of the trees is the server's")
	require.LessOrEqual(t, s.requests.Load()-s.refused.Load(), int64(labels), "equal prompts are asked once")

	// The same again: the cache knows it all.
	before := s.requests.Load()
	code, _, stderr = s.train(t, filepath.Join(dir, "again"), "--steps", "2", "--judge-cache", cache)
	require.Equal(t, exitDone, code, stderr)
	require.Equal(t, before, s.requests.Load())

	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && bytes.Contains(data, []byte(judgeKey)) {
			t.Errorf("%s holds the key", path)
		}
		return err
	}))
	require.NotContains(t, stderr+stdout, judgeKey)
}

// TestJudgeThatFails: a judge whose replies cannot be read stops the run with a message that says so, and what was trained
// until then is kept.
func TestJudgeThatFails(t *testing.T) {
	s := newJudgeServer(t)
	folder := filepath.Join(t.TempDir(), "run")
	ended, stop := make(chan struct{}), make(chan struct{})
	go func() { // it breaks after the first step
		defer close(stop)
		for {
			if data, err := os.ReadFile(filepath.Join(folder, "metrics.jsonl")); err == nil && len(data) > 0 {
				s.broken.Store(true)
				return
			}
			select {
			case <-ended:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	code, _, stderr := s.train(t, folder, "--steps", "1000000", "--judge-plain")
	close(ended)
	<-stop
	require.Equal(t, exitFailed, code, stderr)
	require.Zero(t, s.schemas.Load())
	require.Contains(t, stderr, "too many failed judgements: judge judge-of-the-test at "+s.URL)
	require.Contains(t, stderr, "I would give it a 1.")
	require.NotContains(t, stderr, "goroutine ")
	require.Equal(t, 1, strings.Count(stderr, "searchrl: "))
	steps := len(readLines(t, filepath.Join(folder, "metrics.jsonl")))
	require.Positive(t, steps)
	_, _, err := checkpoint.Load(os.DirFS(filepath.Join(folder, "checkpoint")))
	require.NoError(t, err, "the last whole policy is kept")
	var result struct {
		Steps int `json:"steps"`
	}
	data, err := os.ReadFile(filepath.Join(folder, "result.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &result))
	require.Equal(t, steps, result.Steps)

	s.broken.Store(false) // repaired, the run goes on, after the last whole step
	code, _, stderr = s.train(t, folder, "--steps", strconv.Itoa(steps+1), "--judge-plain")
	require.Equal(t, exitDone, code, stderr)
	require.Contains(t, stderr, fmt.Sprintf("going on after step %d", steps))
	require.Len(t, readLines(t, filepath.Join(folder, "metrics.jsonl")), steps+1)
}
