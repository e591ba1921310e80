package stepsearch_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/baseline/stepsearch"
	"searchrl/grpo"
	"searchrl/internal/scripted"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
)

// The encyclopaedia, and a question that two of its passages answer.
var passages = []retrieval.Document{
	{ID: "capital", Title: "Lunia", Text: "The capital of Lunia is Marrow."},
	{ID: "mayor", Title: "Marrow", Text: "The mayor of Marrow is Ada Dole."},
	{ID: "river", Title: "Lunia", Text: "The river of Lunia is Brook."},
}

var lunia = qa.Question{
	ID: "q", Text: "Who is the mayor of the capital of Lunia?", Answers: []string{"Ada Dole"},
	Supporting: []qa.Support{{ID: "capital", Title: "Lunia", Text: "The capital of Lunia is Marrow."},
		{ID: "mayor", Title: "Marrow", Text: "The mayor of Marrow is Ada Dole."}},
	Keys: [][]string{{"capital of Lunia", "main city of Lunia"}, {"mayor of Marrow"}},
}

// The steps of the scripted policy. Every search finds one passage.
const (
	capital = "<think>First.</think><search>capital of Lunia</search>"
	mayor   = "<think>Then.</think><search>mayor of Marrow</search>"
	again   = "<think>Again.</think><search>Lunia capital</search>"
	river   = "<think>Hm.</think><search>river of Lunia</search>"
	right   = "<think>I know.</think><answer>Ada Dole</answer>"
	half    = "<think>I know.</think><answer>Ada</answer>"
)

// environment lets the only sample of a question take these steps.
func environment(t testing.TB, steps ...string) *rollout.Env {
	env, err := scripted.World(scripted.Turns("Lunia?\n", steps...), passages...)
	require.NoError(t, err)
	p := &env.Protocol
	p.Notice, p.TopK, p.MaxTurns = "", 1, 4
	return env
}

// constant is a critic that says the same of every token.
type constant float64

func (c constant) Values(_ context.Context, batch grpo.Batch) ([]float64, error) {
	values := make([]float64, len(batch.Targets))
	for j := range values {
		values[j] = float64(c)
	}
	return values, nil
}

func (c constant) Fit(context.Context, grpo.Batch, grpo.ValueLoss, grpo.AdamW) (grpo.ValueUpdate, error) {
	return grpo.ValueUpdate{}, nil
}

func raw() stepsearch.Method {
	m := stepsearch.Paper()
	m.Estimator.Whiten = false
	return m
}

func collect(t testing.TB, m grpo.CriticMethod, env *rollout.Env, questions ...qa.Question) ([]*rollout.Tree, grpo.Metrics) {
	if len(questions) == 0 {
		questions = []qa.Question{lunia}
	}
	trees, metrics, err := m.WithCritic(constant(0)).Collect(context.Background(), env, questions, rand.New(rand.NewPCG(1, 1)))
	require.NoError(t, err)
	for _, tree := range trees {
		require.NoError(t, tree.Validate())
	}
	return trees, metrics
}

// transcript writes the steps of a tree's only trajectory with their rewards and the advantage of their last token.
func transcript(tree *rollout.Tree) string {
	var out strings.Builder
	for _, s := range tree.Path(tree.Trajectories[0].Leaf) {
		switch segment := tree.Segments[s]; segment.Kind {
		case rollout.Query, rollout.Answer:
			fmt.Fprintf(&out, "%-6s %q", segment.Kind, segment.Value)
			for _, r := range segment.Rewards {
				fmt.Fprintf(&out, ", %s %+.3f", r.Name, r.Value)
			}
			a := segment.Advantages
			fmt.Fprintf(&out, ": A = %+.3f\n", a[len(a)-1])
		case rollout.Documents:
			fmt.Fprintf(&out, "       finds %q\n", segment.Hits[0].ID)
		}
	}
	fmt.Fprintf(&out, "%s, R = %+.3f\n", tree.Trajectories[0].End, tree.Trajectories[0].Reward)
	return out.String()
}
