package gigpo_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"searchrl/baseline/gigpo"
	"searchrl/grpo"
	"searchrl/internal/scripted"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tokenizer"
)

var lunia = qa.Question{ID: "q", Text: "What is the capital of Lunia?", Answers: []string{"Marrow"}}

var method = gigpo.Method{Group: 4, Sampling: rollout.Sampling{Temperature: 1},
	Credit: gigpo.Credit{Omega: 1, Gamma: 0.5, Normalisation: grpo.MeanOnly, Similarity: 1}}

// script: samples 0, 1 and 2 find the same passage by different queries; 0 answers rightly, 1 wrongly, 2 looks for another one
// first and then answers rightly; sample 3 guesses wrongly at once.
func script(prefix string, sample int) string {
	answer := func(thought, answer string) string {
		return "<think>" + thought + "</think><answer>" + answer + "</answer>"
	}
	episode := prefix[strings.Index(prefix, "?")+1:]
	switch {
	case strings.TrimSpace(episode) == "":
		return []string{"<think>zero</think><search>capital of Lunia</search>", "<think>one</think><search>Lunia's capital</search>",
			"<think>two</think><search>the capital Lunia</search>", answer("three", "Dole")}[sample]
	case strings.Contains(episode, "one"):
		return answer("", "Dole")
	case strings.Contains(episode, "two") && !strings.Contains(episode, "ruler"):
		return "<think></think><search>ruler</search>"
	}
	return answer("", "Marrow")
}

func environment(t testing.TB) *rollout.Env {
	file, err := tokenizer.BuildWords(nil, nil)
	require.NoError(t, err)
	tok, err := tokenizer.Load(fstest.MapFS{"tokenizer.json": {Data: file}})
	require.NoError(t, err)
	corpus, err := retrieval.NewBM25([]retrieval.Document{{ID: "1", Text: "The capital of Lunia is Marrow."}, {ID: "2", Text: "A ruler."}})
	require.NoError(t, err)
	protocol := rollout.SearchR1()
	protocol.Prompt, protocol.Document, protocol.Gap, protocol.TopK = "Question: {question}\n", "{text}\n", "", 1
	return &rollout.Env{Policy: &scripted.Policy{Tokenizer: tok, Say: script}, Searcher: corpus, Tokenizer: tok, Protocol: protocol}
}

func collect(t testing.TB, m grpo.Method, env *rollout.Env, questions ...qa.Question) ([]*rollout.Tree, grpo.Metrics) {
	t.Helper()
	trees, metrics, err := m.Collect(context.Background(), env, questions, rand.New(rand.NewPCG(1, 1)))
	require.NoError(t, err)
	for _, tree := range trees {
		require.NoError(t, tree.Validate())
	}
	return trees, metrics
}
