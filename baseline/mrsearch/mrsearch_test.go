package mrsearch_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/baseline/mrsearch"
	"searchrl/baseline/searchr1"
	"searchrl/grpo"
	"searchrl/internal/scripted"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/verify/exact"
)

var _ grpo.Actor = mrsearch.Method{}

var lunia = qa.Question{ID: "q", Text: "What is the capital of Lunia?", Answers: []string{"Marrow"}}

var method = mrsearch.Method{Group: 3, Attempts: 2, Sampling: rollout.Sampling{Temperature: 1}, Discount: 1}

const (
	search = "<think>I look it up.</think><search>capital of Lunia</search>"
	right  = "<think>There it is.</think><answer>Marrow</answer>"
	wrong  = "<think>I guess.</think><answer>Dole</answer>"
	bad    = "<think>I know.</think><answer>The Dole</answer>"
)

// script: trajectory 0 guesses wrongly, then searches and is right; 1 guesses wrongly twice; 2 searches until its turns are
// spent, then answers rightly from what it read.
func script(prefix string, sample int) string {
	attempts := strings.Split(prefix, "Lunia?\n")[1:]
	first, now := attempts[0], attempts[len(attempts)-1]
	switch {
	case len(attempts) == 1 && now == "":
		return []string{wrong, bad, search}[sample]
	case len(attempts) == 1:
		return search
	case strings.Contains(first, "I know."):
		return wrong
	case strings.Contains(first, "I guess.") && now == "":
		return search
	}
	return right
}

func environment(t testing.TB, say func(prefix string, sample int) string) *rollout.Env {
	env, err := scripted.World(say, retrieval.Document{ID: "1", Text: "The capital of Lunia is Marrow."})
	require.NoError(t, err)
	p := &env.Protocol
	p.Document, p.Gap, p.MaxTurns = "{text}\n", "", 2
	return env
}

func TestCredit(t *testing.T) {
	// Leave-one-out at the first attempt: rewards 0, 0, 1; at the second 1, 0, 1. Then sums from each attempt on.
	require.Equal(t, [][]float64{{0, .5}, {-1.5, -1}, {1.5, .5}}, mrsearch.Advantages([][]float64{{0, 1}, {0, 0}, {1, 1}}, 1))
	require.Equal(t, [][]float64{{-.25, .5}, {-1, -1}, {1.25, .5}}, mrsearch.Advantages([][]float64{{0, 1}, {0, 0}, {1, 1}}, .5))
	require.Equal(t, [][]float64{{-.5, .5}, {-.5, -1}, {1, .5}}, mrsearch.Advantages([][]float64{{0, 1}, {0, 0}, {1, 1}}, 0))
	require.Equal(t, [][]float64{{0, 0}}, mrsearch.Advantages([][]float64{{1, 0}}, 1), "nobody to compare with")
	require.Empty(t, mrsearch.Advantages(nil, 1))
	require.Equal(t, []float64{1, -.5, 1.5}, mrsearch.Shape([]float64{1, 0, 1}, .5))
	require.Equal(t, []float64{1, 0, 1}, mrsearch.Shape([]float64{1, 0, 1}, 0))
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SliceOfN(rapid.Float64Range(-2, 2), 2, 6).Draw(t, "r")
		for i, a := range mrsearch.LeaveOneOut(r) {
			others := 0.0
			for j := range r {
				if j != i {
					others += r[j] / float64(len(r)-1)
				}
			}
			if !grpo.Dead(r) {
				require.InDelta(t, r[i]-others, a, 1e-12)
			}
		}
	})
}

func TestCollect(t *testing.T) {
	trees, metrics := scripted.Collect(t, method, environment(t, script), lunia)
	tree := trees[0]
	require.Len(t, tree.Trajectories, 3, "a trajectory is all its attempts")
	want := [][]float64{{.5, .5}, {-1, -1}, {.5, .5}}
	for i, trajectory := range tree.Trajectories {
		attempt := 0
		for _, s := range tree.Path(trajectory.Leaf) {
			segment := tree.Segments[s]
			switch segment.Kind {
			case rollout.Reflection:
				attempt++
				fallthrough
			case rollout.Prompt, rollout.Documents:
				require.Nil(t, segment.Advantages, "%s is the environment's", segment.Kind)
			default:
				require.Len(t, segment.Advantages, len(segment.Tokens))
				require.Equal(t, want[i][attempt], segment.Advantages[0])
			}
		}
		require.Equal(t, 1, attempt)
	}
	require.Equal(t, []float64{1, 0, 1}, []float64{tree.Trajectories[0].Reward, tree.Trajectories[1].Reward, tree.Trajectories[2].Reward})
	require.Equal(t, grpo.Metrics{grpo.MetricDeadGroups: 0, mrsearch.MetricAttempts: 2, mrsearch.MetricFirst: 0,
		mrsearch.MetricMended: 2. / 3, mrsearch.MetricSpoiled: 0, mrsearch.MetricRepeated: 1. / 3}, metrics)
	require.Equal(t, 3, tree.Trajectories[2].Turns, "two turns of the first attempt, one of the second")

	// λ: trajectory 1 gives one answer twice ("The Dole" and "Dole" are the same), so it loses λ/2.
	m := method
	m.Repetition = 1
	trees, _ = scripted.Collect(t, m, environment(t, script), lunia)
	leaf := trees[0].Segments[trees[0].Trajectories[1].Leaf]
	require.Equal(t, -1.5, leaf.Advantages[0])
}

// TestQuestionsStayApart: with the same samples (the script looks at no seed) the tree of a question, its grades and its advantages
// do not depend on the other questions of the call.
func TestQuestionsStayApart(t *testing.T) {
	other := qa.Question{ID: "r", Text: "Once more: what is the capital of Lunia?", Answers: []string{"Dole"}}
	both, _ := scripted.Collect(t, method, environment(t, script), lunia, other)
	alone, _ := scripted.Collect(t, method, environment(t, script), lunia)
	require.Equal(t, alone[0], both[0])
	require.Equal(t, 1., both[1].Trajectories[1].Reward, "graded by its own gold answer")
}

// draws lets rapid draw processes.
type draws struct{ *rapid.T }

func (d draws) Int(label string, min, max int) int { return rapid.IntRange(min, max).Draw(d.T, label) }

// TestOneAttempt, on drawn processes, to the bit: with N = 1 it is Search-R1 with mean-only advantages times G/(G − 1).
func TestOneAttempt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		env, err := exact.NewEnv(exact.Draw(draws{t}, exact.Shape{Steps: 3, Actions: 3, Documents: 2, Nodes: 8}))
		require.NoError(t, err)
		g := rapid.IntRange(1, 5).Draw(t, "G")
		seed := rapid.Uint64().Draw(t, "seed")
		rng := func() *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
		m := mrsearch.Method{Group: g, Attempts: 1, Sampling: rollout.Sampling{Temperature: 1}, Discount: 1}
		questions := []qa.Question{env.Question, env.Question}
		got, _, err := m.Collect(context.Background(), env.Env, questions, rng())
		require.NoError(t, err)
		want, _, err := searchr1.Method{Group: g, Sampling: m.Sampling, Normalisation: grpo.MeanOnly}.Collect(context.Background(), env.Env, questions, rng())
		require.NoError(t, err)
		for i := range want {
			require.Equal(t, want[i].Trajectories, got[i].Trajectories)
			for s, segment := range want[i].Segments {
				require.Equal(t, segment.Tokens, got[i].Segments[s].Tokens)
				require.Len(t, got[i].Segments[s].Advantages, len(segment.Advantages))
				for j, a := range segment.Advantages {
					require.Equal(t, a*(float64(g)/max(float64(g-1), 1)), got[i].Segments[s].Advantages[j])
				}
			}
		}
	})
}

// TestRoom: without room for another attempt the answer before it stands, and its reward.
func TestRoom(t *testing.T) {
	env := environment(t, script)
	trees, _ := scripted.Collect(t, method, env, lunia)
	longest := 0
	for _, trajectory := range trees[0].Trajectories {
		longest = max(longest, len(trees[0].PathTokens(trajectory.Leaf)))
	}
	env.Protocol.MaxTokens = (longest + 2) / 2
	trees, metrics := scripted.Collect(t, method, env, lunia)
	require.Equal(t, 2., metrics[mrsearch.MetricAttempts])
	for _, trajectory := range trees[0].Trajectories {
		require.Equal(t, rollout.Answered, trajectory.End, "two attempts have twice the room of one")
	}
	env.Protocol.MaxTokens = len(trees[0].PathTokens(trees[0].Trajectories[0].Leaf))
	env.Positions = env.Protocol.MaxTokens // no more than one trajectory had
	m := method
	m.Attempts = 3
	trees, metrics = scripted.Collect(t, m, env, lunia)
	require.Less(t, metrics[mrsearch.MetricAttempts], 3.)
	require.Greater(t, metrics[mrsearch.MetricAttempts], 1.)
	for i, trajectory := range trees[0].Trajectories {
		require.LessOrEqual(t, len(trees[0].PathTokens(trajectory.Leaf)), env.Positions)
		require.Equal(t, searchr1.Outcome(trees[0], i), trajectory.Reward)
	}
	require.Equal(t, "Marrow", trees[0].Trajectories[0].Answer)
}

func TestAct(t *testing.T) {
	env := environment(t, script)
	trees, err := method.Act(context.Background(), env, []qa.Question{lunia}, rollout.Sampling{}, rand.New(rand.NewPCG(1, 1)))
	require.NoError(t, err)
	require.Len(t, trees[0].Trajectories, 1)
	require.Equal(t, "Marrow", trees[0].Trajectories[0].Answer, "that of the last attempt")
	require.Equal(t, 3, trees[0].Trajectories[0].Turns, "the budget that all attempts used")
	for _, s := range trees[0].Segments {
		require.Nil(t, s.Advantages)
	}
}

// TestActInAnyNumberOfCalls: what is sampled for a question depends on its own number alone.
func TestActInAnyNumberOfCalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		env, err := exact.NewEnv(exact.Draw(draws{t}, exact.Shape{Steps: 3, Actions: 3, Documents: 2, Nodes: 8}))
		require.NoError(t, err)
		m := method
		m.Attempts = 3
		questions := []qa.Question{env.Question, env.Question, env.Question}
		act := func(rng *rand.Rand, questions []qa.Question) []*rollout.Tree {
			trees, err := m.Act(context.Background(), env.Env, questions, rollout.Sampling{Temperature: 1}, rng)
			require.NoError(t, err)
			return trees
		}
		seed := rapid.Uint64().Draw(t, "seed")
		rng := rand.New(rand.NewPCG(seed, 0))
		apart := append(act(rng, questions[:1]), act(rng, questions[1:])...)
		require.Equal(t, act(rand.New(rand.NewPCG(seed, 0)), questions), apart)
	})
}

func TestBadSettings(t *testing.T) {
	for want, spoil := range map[string]func(m *mrsearch.Method){
		"group is 0":             func(m *mrsearch.Method) { m.Group = 0 },
		"attempts is 0":          func(m *mrsearch.Method) { m.Attempts = 0 },
		"top-k 0 and top-p 0.95": func(m *mrsearch.Method) { m.Sampling.TopP = .95 },
		"discount is 2":          func(m *mrsearch.Method) { m.Discount = 2 },
		"improvement is NaN":     func(m *mrsearch.Method) { m.Improvement = math.NaN() },
		"repetition is -1":       func(m *mrsearch.Method) { m.Repetition = -1 },
	} {
		m := method
		spoil(&m)
		_, _, err := m.Collect(context.Background(), environment(t, script), []qa.Question{lunia}, rand.New(rand.NewPCG(1, 1)))
		require.ErrorContains(t, err, "mr-search: "+want)
	}
}

// The first trajectory mends a guess by a search, so its first attempt, though as wrong as the second trajectory's, gets credit.
func ExampleMethod() {
	trees, _ := scripted.Collect(&testing.T{}, method, environment(&testing.T{}, script), lunia)
	tree := trees[0]
	for i, trajectory := range tree.Trajectories[:2] {
		fmt.Print(rollout.FormatTrajectory(tree, i))
		for _, span := range tree.Steps(trajectory.Leaf) {
			action := tree.Segments[span.Action]
			fmt.Printf("  %s %q: A = %+.1f\n", action.Kind, action.Value, action.Advantages[0])
		}
	}
	// Output:
	// question   What is the capital of Lunia?
	// think      I guess.
	// answer     Dole
	// reflection Question: What is the capital of Lunia?
	// think      I look it up.
	// query      capital of Lunia
	// documents  The capital of Lunia is Marrow.
	// think      There it is.
	// answer     Marrow
	// end        answered: 3 turns, 1 search, 0 invalid actions, reward 1
	//   answer "Dole": A = +0.5
	//   query "capital of Lunia": A = +0.5
	//   answer "Marrow": A = +0.5
	// question   What is the capital of Lunia?
	// think      I know.
	// answer     The Dole
	// reflection Question: What is the capital of Lunia?
	// think      I guess.
	// answer     Dole
	// end        answered: 2 turns, 0 searches, 0 invalid actions, reward 0
	//   answer "The Dole": A = -1.0
	//   answer "Dole": A = -1.0
}
