package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFillWeaviate: a new collection is made once, an import that broke off goes on with it, and one that is there without
// a state file is left alone. Package weaviate tests the import itself, with a real server too.
func TestFillWeaviate(t *testing.T) {
	created, objects, full := 0, 0, false
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Class   string
			Objects []struct{ ID string }
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		switch {
		case r.URL.Path == "/v1/schema" && created == 0 && body.Class == "Wiki":
			created++
		case r.URL.Path == "/v1/batch/objects" && !full:
			var out []string
			for _, o := range body.Objects {
				objects++
				out = append(out, fmt.Sprintf(`{"id":%q,"result":{"status":"SUCCESS"}}`, o.ID))
			}
			_, _ = fmt.Fprintf(w, "[%s]", strings.Join(out, ","))
		default:
			http.Error(w, "refused", http.StatusUnprocessableEntity)
		}
	}))
	defer node.Close()
	dir := t.TempDir()
	corpus, state := filepath.Join(dir, "corpus.jsonl"), filepath.Join(dir, "state.json")
	var lines bytes.Buffer
	for i := range 700 {
		fmt.Fprintf(&lines, `{"id":"%d","title":"T","text":"t"}`+"\n", i)
	}
	require.NoError(t, os.WriteFile(corpus, lines.Bytes(), 0o666))
	f := weaviateFlags{Weaviate: "Wiki@" + node.URL, Replicas: 1, Settle: -1}
	var out bytes.Buffer
	con := newConsole(&out, &bytes.Buffer{})
	full = true
	require.ErrorContains(t, f.fill(context.Background(), con, corpus, state, 0.9, 0.4), "passages 0 to 499")
	require.NoError(t, os.WriteFile(state, []byte(`{"version":1,"collection":"Wiki","done":500,"last":"499"}`), 0o666))
	full = false
	require.NoError(t, f.fill(context.Background(), con, corpus, state, 0.9, 0.4))
	require.Equal(t, 1, created)
	require.Equal(t, 200, objects)
	require.Contains(t, out.String(), "700 passages in Wiki@")
	require.ErrorContains(t, f.fill(context.Background(), con, corpus, state+"2", 0.9, 0.4), "creating collection Wiki")
}
