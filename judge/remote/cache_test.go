package remote

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"searchrl/judge/rubric"
)

func TestCache(t *testing.T) {
	handler, n := counted(func(_ int64, w http.ResponseWriter, r *http.Request) { say(w, completion(good)) })
	dir := filepath.Join(t.TempDir(), "cache")
	with := func(o *Options) { o.CacheDir = dir }
	j := newJudge(t, handler, with)
	step := queryStep("a")
	first := one(t, j, step)
	require.True(t, first.Thought.Known && first.Action.Known)
	require.Equal(t, int64(2), n.Load())
	again := newJudge(t, handler, with)
	require.Equal(t, first, one(t, again, step))
	require.Equal(t, int64(2), n.Load())
	require.Equal(t, int64(2), again.Stats().CacheHits)
	// Another model, another step and other prompts are other questions.
	other := newJudge(t, handler, with, func(o *Options) { o.Model = "m2" })
	one(t, other, step)
	one(t, j, queryStep("b"))
	require.Equal(t, int64(6), n.Load())

	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	require.NoError(t, err)
	require.Len(t, files, 6)
	contents := map[string][]byte{}
	for _, f := range files {
		contents[f], err = os.ReadFile(f)
		require.NoError(t, err)
		require.NotContains(t, string(contents[f]), "secret-key")
	}
	damage := map[string]func([]byte) []byte{
		"empty":         func([]byte) []byte { return nil },
		"truncated":     func(b []byte) []byte { return b[:len(b)/2] },
		"other score":   func(b []byte) []byte { return bytes.Replace(b, []byte(`\"score\": 1`), []byte(`\"score\": 0`), 1) },
		"no JSON":       func([]byte) []byte { return []byte("hello") },
		"huge":          func(b []byte) []byte { return append(b, bytes.Repeat([]byte(" "), 2*maxEntry)...) },
		"not a reply":   func([]byte) []byte { return []byte(`{"reply":"x","sha256":"y"}`) },
		"another entry": func(b []byte) []byte { return contents[files[0]] },
	}
	for name, change := range damage {
		t.Run(name, func(t *testing.T) {
			for _, f := range files {
				require.NoError(t, os.WriteFile(f, change(contents[f]), 0o644))
			}
			if name == "another entry" {
				require.NoError(t, os.WriteFile(files[0], contents[files[1]], 0o644))
			}
			before := n.Load()
			require.Equal(t, first, one(t, j, step))
			require.Equal(t, before+2, n.Load(), "a damaged entry is a miss")
			for f, b := range contents {
				require.NoError(t, os.WriteFile(f, b, 0o644))
			}
		})
	}
}

// What a reply depends on is in its key, the instructions too: a reply to an earlier rubric is no judgement by this one.
func TestCacheKey(t *testing.T) {
	type question struct {
		Options
		rubric.Prompt
	}
	first := question{Options{BaseURL: "http://a/v1", Model: "m", MaxTokens: 256}, rubric.Prompt{System: "s", User: "u"}}
	for name, c := range map[string]struct {
		change func(q *question)
		same   bool
	}{
		"model":                {func(q *question) { q.Model = "m2" }, false},
		"instructions":         {func(q *question) { q.System = "s2" }, false},
		"data":                 {func(q *question) { q.User = "u2" }, false},
		"another division":     {func(q *question) { q.System, q.User = "su", "" }, false},
		"length of the reply":  {func(q *question) { q.MaxTokens = 16 }, false},
		"no schema":            {func(q *question) { q.PlainReplies = true }, false},
		"another server":       {func(q *question) { q.BaseURL = "http://b/v1" }, true},
		"another key, patient": {func(q *question) { q.Key, q.Retries, q.Timeout = "k", 9, time.Hour }, true},
	} {
		other := first
		c.change(&other)
		require.Equal(t, c.same, first.cacheKey(first.Prompt) == other.cacheKey(other.Prompt), name)
	}
}

func TestOnlyGoodRepliesAreCached(t *testing.T) {
	handler, n := counted(func(n int64, w http.ResponseWriter, r *http.Request) {
		if n < 2 {
			say(w, completion("nonsense"))
			return
		}
		say(w, completion(good))
	})
	j := newJudge(t, handler, func(o *Options) { o.CacheDir = t.TempDir() })
	require.False(t, one(t, j, queryStep("a")).Thought.Known)
	require.True(t, one(t, j, queryStep("a")).Thought.Known)
	require.Equal(t, int64(4), n.Load())
}

// A cache that can no longer be written costs nothing but the saving; one that never could is an error.
func TestCacheUnwritable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	j := newJudge(t, func(w http.ResponseWriter, r *http.Request) { say(w, completion(good)) }, func(o *Options) { o.CacheDir = dir })
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, files)
	require.NoError(t, os.Remove(dir))
	require.NoError(t, os.WriteFile(dir, nil, 0o644))
	require.True(t, one(t, j, queryStep("a")).Thought.Known)
	require.Equal(t, int64(2), j.Stats().CacheErrors)
	_, err = New(j.options)
	require.ErrorContains(t, err, "cache folder "+dir)
}
