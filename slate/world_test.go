package slate_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/grpo"
	"searchrl/internal/scripted"
	"searchrl/judge"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/slate"
)

var lunia = qa.Question{ID: "q", Text: "What is the capital of Lunia?", Answers: []string{"Marrow", "Marrow City"}}

// The steps of the scripted policy.
const (
	good   = "<think>I look it up.</think><search>capital of Lunia</search>"
	vague  = "<think>I look it up.</think><search>Lunia</search>"
	stale  = "<think>Hm.</think><search>Lunia</search>"
	stray  = "<think>Hm.</think><search>weather</search>"
	wrong  = "<think>I guess.</think><answer>Dole</answer>"
	right  = "<think>There it is.</think><answer>Marrow</answer>"
	alias  = "<think>There it is.</think><answer>Marrow City</answer>"
	broken = "<think>Hm.</think>nothing"
)

// environment is a world of one passage; the policy's samples are those of the longest key that the prefix ends with.
func environment(t testing.TB, texts map[string][]string) (*rollout.Env, *scripted.Counter) {
	env, err := scripted.World(scripted.Table(texts), retrieval.Document{ID: "1", Title: "Lunia", Text: "The capital of Lunia is Marrow."})
	require.NoError(t, err)
	p := &env.Protocol
	p.Loose, p.Notice = false, ""
	searcher := &scripted.Counter{Searcher: env.Searcher}
	env.Searcher = searcher
	return env, searcher
}

// asks and found are where decision points stand: at the question, and after documents.
const asks, found = "Lunia?\n", "</information>\n\n"

// scores is a judge by table: of thoughts, queries and answers as they stand. Texts that are not in it cannot be judged.
type scores struct {
	table map[string]float64
	seen  []judge.Step
}

func (s *scores) Name() string { return "table" }

func (s *scores) Judge(_ context.Context, steps []judge.Step) ([]judge.Verdict, error) {
	s.seen = append(s.seen, steps...)
	out := make([]judge.Verdict, len(steps))
	for i, step := range steps {
		action := step.Query
		if step.IsAnswer {
			action = step.Answer
		}
		out[i] = judge.Verdict{Thought: s.score(step.Thought), Action: s.score(action)}
	}
	return out, nil
}

func (s *scores) score(text string) judge.Score {
	value, known := s.table[text]
	return judge.Score{Value: value, Known: known, Source: s.Name()}
}

// opinions are what the table judge thinks of the steps above.
func opinions() *scores {
	return &scores{table: map[string]float64{"I look it up.": 1, "Hm.": -1, "I guess.": -1, "There it is.": 1,
		"capital of Lunia": 1, "Lunia": 0, "weather": -1, "Dole": -1, "Marrow": 1, "Marrow City": 1}}
}

// failing is a judge that cannot be reached, or answers too little.
type failing struct{ err error }

func (failing) Name() string { return "failing" }
func (f failing) Judge(context.Context, []judge.Step) ([]judge.Verdict, error) {
	return nil, f.err
}

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 1)) }

func collect(t testing.TB, m slate.Method, env *rollout.Env, questions ...qa.Question) ([]*rollout.Tree, grpo.Metrics) {
	if len(questions) == 0 {
		questions = []qa.Question{lunia}
	}
	trees, metrics, err := m.Collect(context.Background(), env, questions, seeded())
	require.NoError(t, err)
	for _, tree := range trees {
		require.NoError(t, tree.Validate())
		require.Len(t, tree.Trajectories, 1, "the trajectory is the selected path")
	}
	return trees, metrics
}

// candidates returns the action segments of the candidates from base, in order.
func candidates(tree *rollout.Tree, base int) []int {
	var out []int
	for i := range tree.Segments {
		switch tree.Segments[i].Kind {
		case rollout.Query, rollout.Answer, rollout.Invalid:
			at := tree.Segments[i].Parent
			for at != base && at > 0 && tree.Segments[at].Sampled() {
				at = tree.Segments[at].Parent
			}
			if at == base {
				out = append(out, i)
			}
		}
	}
	return out
}

// transcript writes a tree's decision points with what became of each candidate.
func transcript(tree *rollout.Tree) string {
	var out strings.Builder
	selected := map[int]bool{}
	for _, i := range tree.Path(tree.Trajectories[0].Leaf) {
		selected[i] = true
	}
	for base := range tree.Segments {
		group := candidates(tree, base)
		if len(group) == 0 || tree.Segments[base].Sampled() {
			continue
		}
		fmt.Fprintf(&out, "after %s %q\n", tree.Segments[base].Kind, strings.TrimSpace(tree.Segments[base].Text))
		for _, leaf := range group {
			mark, parts, r := " ", []string{}, 0.
			if selected[leaf] {
				mark = "*"
			}
			for _, i := range tree.Path(leaf) {
				if i <= base {
					continue
				}
				for _, reward := range tree.Segments[i].Rewards {
					parts = append(parts, fmt.Sprintf("%s %+.3g (%s)", reward.Name, reward.Value, reward.Source))
					r += reward.Value
				}
			}
			advantage := "no advantage"
			if a := tree.Segments[leaf].Advantages; a != nil {
				advantage = fmt.Sprintf("A = %+.3f", a[0])
			}
			fmt.Fprintf(&out, "%s %-6s %-18q %s: r = %+.3g, %s\n", mark, tree.Segments[leaf].Kind, tree.Segments[leaf].Value,
				strings.Join(parts, ", "), r, advantage)
		}
	}
	return out.String()
}

var errDown = errors.New("judge is down")
