package remote

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"searchrl/judge"
	"searchrl/qa"
	"searchrl/retrieval"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// completion is a response of the API with one choice.
func completion(text string) string {
	quoted, _ := json.Marshal(text)
	return `{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop",` +
		`"message":{"role":"assistant","content":` + string(quoted) + `}}],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}`
}

func say(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, body)
}

// asked is a request as the server reads it.
type asked struct {
	Model       string   `json:"model"`
	Temperature *float64 `json:"temperature"`
	MaxTokens   int      `json:"max_tokens"`
	Format      any      `json:"response_format"`
	Messages    []struct{ Role, Content string }
}

func readAsked(t testing.TB, r *http.Request) asked {
	var a asked
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil || len(a.Messages) != 2 {
		t.Errorf("request: %v, %d messages", err, len(a.Messages))
		a.Messages = make([]struct{ Role, Content string }, 2)
	}
	return a
}

// material is the JSON object of a request's data; it fails the test if the frame is broken.
func (a asked) material(t testing.TB) map[string]any {
	lines := strings.Split(a.Messages[1].Content, "\n")
	m := map[string]any{}
	if len(lines) != 3 || lines[0] != lines[2] || strings.Contains(lines[1], strings.Trim(lines[0], "-")) ||
		json.Unmarshal([]byte(lines[1]), &m) != nil {
		t.Errorf("broken frame: %q", a.Messages[1].Content)
	}
	return m
}

// newJudge starts a server and a judge that asks it, impatient enough for tests.
func newJudge(t testing.TB, handler http.HandlerFunc, change ...func(*Options)) *Judge {
	server := httptest.NewServer(handler)
	o := DefaultOptions()
	o.BaseURL, o.Model, o.Key = server.URL+"/v1", "m", "secret-key"
	o.Timeout, o.Backoff, o.MaxDelay = time.Minute, time.Millisecond, 3*time.Second
	o.Retries, o.MaxErrorShare = 2, 1
	for _, c := range change {
		c(&o)
	}
	j, err := New(o)
	require.NoError(t, err)
	t.Cleanup(func() { j.Close(); server.CloseClientConnections(); server.Close() })
	return j
}

// counted makes a handler that knows how often it was called before.
func counted(h func(n int64, w http.ResponseWriter, r *http.Request)) (http.HandlerFunc, *atomic.Int64) {
	var n atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) { h(n.Add(1)-1, w, r) }, &n
}

const good = `{"score": 1, "reason": "good"}`

func queryStep(text string) judge.Step {
	return judge.Step{Question: qa.Question{Text: "Who is the boss of Okafor?", Answers: []string{"Lindqvist", "L."}}, Thought: "t " + text, Query: text}
}

func answerStep(text string) judge.Step {
	s := queryStep("")
	s.Answer, s.IsAnswer = text, true
	return s
}

// resetAfter sends a header that promises more than comes, then resets the connection.
func resetAfter(w http.ResponseWriter, part string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "100000")
	io.WriteString(w, part)
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func documents(texts ...string) []retrieval.Hit {
	var hits []retrieval.Hit
	for i, text := range texts {
		hits = append(hits, retrieval.Hit{Document: retrieval.Document{ID: fmt.Sprint(i), Title: "Title", Text: text}})
	}
	return hits
}
