package gigpo_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/baseline/gigpo"
	"searchrl/grpo"
	"searchrl/internal/scripted"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
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
	env, err := scripted.World(script, retrieval.Document{ID: "1", Text: "The capital of Lunia is Marrow."}, retrieval.Document{ID: "2", Text: "A ruler."})
	require.NoError(t, err)
	p := &env.Protocol
	p.Document, p.Gap, p.TopK = "{text}\n", "", 1
	return env
}
