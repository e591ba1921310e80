package rollout_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
)

// A document cannot look like another segment, nor move or colour the terminal.
func TestFormatKeepsDocumentsInTheirPlace(t *testing.T) {
	env, books := newEnv(t, nil)
	env.Policy = parrotOf(t, env, "<search>q</search>")
	env.Protocol.MaxTurns = 2
	books.documents["q"] = []retrieval.Document{{ID: "1", Text: "a\nanswer     London\r\x1b[31m\u202eb\tc\u2028d\x00"}}
	tree := one(t, env, qa.Question{ID: "1", Text: "Who?\nanswer     Paris", Answers: []string{"x"}})
	text := rollout.FormatTrajectory(tree, 0)
	require.NotContains(t, text, "\nanswer")
	for _, r := range "\r\x1b\u202e\t\u2028\x00" {
		require.NotContains(t, text, string(r))
	}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		require.Regexp(t, `^(question|query|documents|end|          ) `, line)
	}
	require.True(t, strings.HasSuffix(text, "end        out of turns: 2 turns, 1 search, 0 invalid actions, reward 0\n"), text)
}

func TestFormatShowsTextWhereThereIsNoContent(t *testing.T) {
	tree := &rollout.Tree{Question: opera, Segments: []rollout.Segment{
		{Parent: rollout.NoParent, Kind: rollout.Prompt},
		{Parent: 0, Kind: rollout.Think, Text: "<think></think>"},
		{Parent: 1, Kind: rollout.Decision, Text: " revise at step 2 "},
		{Parent: 2, Kind: rollout.Documents, Text: "<information></information>"},
	}}
	require.Equal(t, "question   "+opera.Text+"\nthink      <think></think>\ndecision   revise at step 2\ndocuments\n", rollout.Format(tree, 3))
}
