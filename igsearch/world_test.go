package igsearch_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/grpo"
	"searchrl/igsearch"
	"searchrl/internal/scripted"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
)

var (
	lunia = qa.Question{ID: "l", Text: "What is the capital of Lunia?", Answers: []string{"Marrow"}}
	bor   = qa.Question{ID: "b", Text: "What is the capital of Bor?", Answers: []string{"Tiller"}}
)

// oracle is a scripted policy that finds an answer likely where the last documents hold it: log-probability −0.5 a token, else
// −2.5, and −0.25 more after the weather.
type oracle struct {
	*scripted.Policy
	asked []rollout.ScoreRequest
}

func (o *oracle) Score(_ context.Context, reqs []rollout.ScoreRequest) ([][][]float64, error) {
	o.asked = append(o.asked, reqs...)
	out := make([][][]float64, len(reqs))
	for i, req := range reqs {
		last := lastDocuments(o.Tokenizer.Decode(req.Prefix))
		for _, target := range req.Targets {
			lp := -2.5
			if strings.Contains(last, strings.TrimSpace(o.Tokenizer.Decode(target))) {
				lp = -.5
			}
			if strings.Contains(last, "weather") {
				lp -= .25
			}
			row := make([]float64, len(target))
			for j := range row {
				row[j] = lp
			}
			out[i] = append(out[i], row)
		}
	}
	return out, nil
}

func lastDocuments(text string) string {
	from := strings.LastIndex(text, "<information>")
	return text[max(from, 0):]
}

// The steps of the scripted policy.
const (
	capitalLunia = "<think>I look it up.</think><search>capital of Lunia</search>"
	justLunia    = "<think>I look it up.</think><search>Lunia</search>"
	capitalBor   = "<think>I look it up.</think><search>capital of Bor</search>"
	justBor      = "<think>I look it up.</think><search>Bor</search>"
	weather      = "<think>Hm.</think><search>weather</search>"
	nonsense     = "<think>Hm.</think><search>zzz</search>"
	marrow       = "<think>There it is.</think><answer>Marrow</answer>"
	dole         = "<think>I guess.</think><answer>Dole</answer>"
)

// Where decision points stand.
const (
	asksLunia  = "Lunia?\n"
	asksBor    = "Bor?\n"
	foundLunia = "Marrow.</information>\n\n"
	foundBor   = "Tiller.</information>\n\n"
	foundElse  = "</information>\n\n"
)

// searching is a batch in which everybody searches once: two of three queries are good. Only the first trajectory of the
// first question ends well.
var searching = map[string][]string{
	asksLunia: {capitalLunia, weather, justLunia}, asksBor: {capitalBor, weather, justBor},
	"capital of Lunia</search>\n\n<information>Doc 1(Title: Lunia) The capital of Lunia is Marrow.</information>\n\n": {marrow},
	foundElse: {dole},
}

func environment(t testing.TB, texts map[string][]string) (*rollout.Env, *oracle) {
	env, err := scripted.World(scripted.Table(texts), []retrieval.Document{
		{ID: "1", Title: "Lunia", Text: "The capital of Lunia is Marrow."},
		{ID: "2", Title: "Bor", Text: "The capital of Bor is Tiller."},
		{ID: "3", Title: "Sky", Text: "The weather is fine today."},
	}...)
	require.NoError(t, err)
	p := &env.Protocol
	p.Loose, p.Notice, p.TopK = false, "", 1
	policy := &oracle{Policy: env.Policy.(*scripted.Policy)}
	env.Policy = policy
	return env, policy
}

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 1)) }

// three is the paper's method with groups of three.
func three() igsearch.Method {
	m := igsearch.Paper()
	m.Outcome.Group = 3
	return m
}

func collect(t testing.TB, m grpo.Method, env *rollout.Env, questions ...qa.Question) ([]*rollout.Tree, grpo.Metrics) {
	if len(questions) == 0 {
		questions = []qa.Question{lunia, bor}
	}
	trees, metrics, err := m.Collect(context.Background(), env, questions, seeded())
	require.NoError(t, err)
	for _, tree := range trees {
		require.NoError(t, tree.Validate())
	}
	return trees, metrics
}

// transcript writes the trajectories of a tree with the gain of each query and the advantage of each step's parts.
func transcript(tree *rollout.Tree) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n", tree.Question.Text)
	for _, trajectory := range tree.Trajectories {
		fmt.Fprintf(&out, "  R = %v:", trajectory.Reward)
		for _, i := range tree.Path(trajectory.Leaf) {
			s := tree.Segments[i]
			switch {
			case s.Kind == rollout.Documents:
				fmt.Fprintf(&out, " [%s]", s.Hits[0].Title)
			case len(s.Rewards) > 0:
				fmt.Fprintf(&out, " %s %q IG %+.3f z %+.2f %s", s.Kind, s.Value, s.Rewards[0].Value, s.Rewards[1].Value, advantage(s))
			case s.Kind == rollout.Query || s.Kind == rollout.Answer:
				fmt.Fprintf(&out, " %s %q %s", s.Kind, s.Value, advantage(s))
			case s.Sampled():
				fmt.Fprintf(&out, " %s %s", s.Kind, advantage(s))
			}
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func advantage(s rollout.Segment) string {
	for _, a := range s.Advantages {
		if a != s.Advantages[0] {
			return "A mixed"
		}
	}
	return fmt.Sprintf("A %+.2f", s.Advantages[0])
}
