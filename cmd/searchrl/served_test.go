package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/rollout"
	"searchrl/tinyworld"
)

// TestPolicyBehindAServer serves the embedded policy as vLLM would, and evaluates it through the server: every question
// goes as it does when the policy is here, under the same protocol hash.
func TestPolicyBehindAServer(t *testing.T) {
	files, err := tinyworld.Base(tinyworld.Standard)
	require.NoError(t, err)
	base, err := readBase("embedded", files)
	require.NoError(t, err)
	con := newConsole(&bytes.Buffer{}, &bytes.Buffer{})
	engine, err := backendFlags{Backend: "go", Decoder: "plain"}.open(con)
	require.NoError(t, err)
	defer engine.close()
	policy, err := engine.model(base)
	require.NoError(t, err)
	defer policy.Close()

	var mu sync.Mutex
	var wrong []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		var a struct {
			Model     string
			Prompt    []int
			MaxTokens int `json:"max_tokens"`
			Stop      []string
			Skip      *bool `json:"skip_special_tokens"`
		}
		err := json.NewDecoder(r.Body).Decode(&a)
		if err != nil || a.Model != "tiny" || a.Skip == nil || *a.Skip || r.Header.Get("Authorization") != "Bearer of-the-test" {
			wrong = append(wrong, r.URL.Path)
		}
		got, err := policy.Generate(r.Context(), []rollout.GenerateRequest{{Prefix: a.Prompt, N: 1, MaxTokens: a.MaxTokens, Stop: a.Stop}})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		c := got[0][0]
		choice := map[string]any{"index": 0, "finish_reason": "stop", "stop_reason": c.Stop}
		switch c.Stop {
		case rollout.EndOfSequence:
			c.Tokens, choice["stop_reason"] = c.Tokens[:len(c.Tokens)-1], nil
		case "":
			choice["finish_reason"] = "length"
		}
		choice["text"] = strings.TrimSuffix(base.Tokenizer.Decode(c.Tokens), c.Stop)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"choices": []any{choice}, "usage": map[string]int{"prompt_tokens": len(a.Prompt)}})
	}))
	defer server.Close()

	t.Setenv("NO_COLOR", "1")
	t.Setenv("SEARCHRL_POLICY_KEY", "of-the-test")
	dir := t.TempDir()
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json"} {
		data, err := fs.ReadFile(files, name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o644))
	}
	eval := func(more ...string) (evaluation, []byte) {
		var stdout, stderr bytes.Buffer
		results := filepath.Join(t.TempDir(), "results.jsonl")
		args := append([]string{"eval", "--json", "--limit", "6", "--output", results}, more...)
		require.Equal(t, exitDone, run(args, &stdout, &stderr), stderr.String())
		lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
		var e evaluation
		require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &e))
		data, err := os.ReadFile(results)
		require.NoError(t, err)
		return e, data
	}
	out := filepath.Join(dir, "out")
	served := []string{"--policy-url", server.URL + "/v1", "--policy-model", "tiny", "--tokenizer", dir}
	there, asThere := eval(append(served, "--out", out)...)
	here, asHere := eval("--backend", "go", "--decoder", "plain")
	require.Equal(t, string(asHere), string(asThere))
	require.Equal(t, here.Protocol, there.Protocol)
	require.Equal(t, "tiny", there.Model)
	require.Positive(t, there.Searches)
	require.Empty(t, wrong)
	trees, err := os.ReadFile(filepath.Join(out, "trees.jsonl"))
	require.NoError(t, err)
	require.Contains(t, string(trees), `"unscored":true`)
	require.NotContains(t, string(trees), `"logprobs"`)
	again, _ := eval(append(served, "--out", out)...) // reads the journal
	require.Equal(t, there.Summary, again.Summary)

	var stdout, stderr bytes.Buffer
	require.Equal(t, exitDone, run(append([]string{"ask", "--json"}, served...), &stdout, &stderr), stderr.String())
	for _, bad := range [][]string{served[:2], served[2:], append([]string{"--model", dir}, served...)} {
		stderr.Reset()
		require.Equal(t, exitUnusable, run(append([]string{"eval"}, bad...), &stdout, &stderr))
		require.Contains(t, stderr.String(), "expected")
	}
}
