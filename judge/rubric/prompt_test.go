package rubric

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/judge"
	"searchrl/qa"
	"searchrl/retrieval"
)

// The mark is not in the data, and the instructions are the same for all steps but for the mark.
func TestFrame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		step := judge.Step{Question: qa.Question{Text: rapid.String().Draw(t, "question")}, Thought: rapid.String().Draw(t, "thought"),
			Query: rapid.String().Draw(t, "query")}
		plain, err := New(Query, judge.Step{}, 10)
		require.NoError(t, err)
		p, err := New(Query, step, 10)
		require.NoError(t, err)
		again, err := New(Query, step, 10)
		require.NoError(t, err)
		require.Equal(t, p, again, "a prompt depends on the step alone")
		mark := func(p Prompt) string { return strings.Trim(strings.SplitN(p.User, "\n", 2)[0], "-") }
		require.Equal(t, strings.ReplaceAll(plain.System, mark(plain), "M"), strings.ReplaceAll(p.System, mark(p), "M"))
		require.Equal(t, 2, strings.Count(p.User, mark(p)))
	})
}

func TestNewErrors(t *testing.T) {
	for c, isAnswer := range map[Component]bool{Query: true, Answer: false, "style": false, Evidence: false} {
		_, err := New(c, judge.Step{IsAnswer: isAnswer}, 10)
		require.ErrorContains(t, err, string(c))
	}
}

func TestCut(t *testing.T) {
	require.Equal(t, "héllo", cut("héllo", 5))
	require.Equal(t, "hé …", cut("héllo", 2))
	long := retrieval.Hit{Document: retrieval.Document{ID: "1", Text: strings.Repeat("long ", 1000)}}
	p, err := New(Query, judge.Step{Query: "q", Past: []judge.Past{{Documents: []retrieval.Hit{long}}}}, 100)
	require.NoError(t, err)
	require.Less(t, len(p.User), 1000)
}
