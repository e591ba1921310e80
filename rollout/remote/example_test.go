package remote

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/internal/scripted"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
)

// nothing finds nothing.
type nothing struct{}

func (nothing) Search(_ context.Context, queries []string, _ int) ([][]retrieval.Hit, error) {
	return make([][]retrieval.Hit, len(queries)), nil
}

func answer(t testing.TB, env *rollout.Env) *rollout.Tree {
	trees, err := env.Rollout(t.Context(), []qa.Question{{ID: "1", Text: "Where?"}}, 1, rollout.Sampling{}, rand.New(rand.NewPCG(1, 2)))
	require.NoError(t, err)
	return trees[0]
}

// A server completes a prompt of two tokens.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"choices":[{"text":"<answer>Tarn","finish_reason":"stop","stop_reason":"</answer>"}]}`)
	}))
	defer server.Close()
	tokenizer, err := scripted.NewTokenizer(nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	policy, err := New(DefaultOptions(server.URL+"/v1", "some-model"), tokenizer)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer policy.Close()
	completions, err := policy.Generate(context.Background(), []rollout.GenerateRequest{{
		Prefix: tokenizer.Encode("Q:"), N: 1, MaxTokens: 40, Stop: []string{"</search>", "</answer>"},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tokenizer.Decode(completions[0][0].Tokens), completions[0][0].Unscored)
	// Output: <answer>Tarn</answer> true
}
