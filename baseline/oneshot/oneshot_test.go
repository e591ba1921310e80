package oneshot_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/baseline/oneshot"
	"searchrl/grpo"
	"searchrl/internal/scripted"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
)

var (
	_ grpo.Untrained = oneshot.Direct{}
	_ grpo.Untrained = oneshot.RAG{}
)

var lunia = qa.Question{ID: "q", Text: "What is the capital of Lunia?", Answers: []string{"Marrow"}}

// reader knows what it reads and guesses "Dole" otherwise.
func reader(prefix string, _ int) string {
	switch {
	case !strings.HasSuffix(prefix, "<answer>"):
		return "<think>Hm.</think><search>capital</search>"
	case strings.Contains(prefix, "is Marrow."):
		return "Marrow</answer>"
	}
	return "Dole</answer>"
}

func environment(t testing.TB, say func(prefix string, sample int) string) *rollout.Env {
	env, err := scripted.World(say, retrieval.Document{ID: "1", Title: "Lunia", Text: "The capital of Lunia is Marrow."})
	require.NoError(t, err)
	p := &env.Protocol
	p.Gap, p.ForcedAnswer = "", ""
	return env
}

func act(t testing.TB, a grpo.Actor, env *rollout.Env, questions ...qa.Question) []*rollout.Tree {
	trees, err := a.Act(context.Background(), env, questions, rollout.Sampling{}, rand.New(rand.NewPCG(1, 1)))
	require.NoError(t, err)
	require.Len(t, trees, len(questions))
	for _, tree := range trees {
		require.NoError(t, tree.Validate())
		require.Len(t, tree.Trajectories, 1)
	}
	return trees
}

func TestAct(t *testing.T) {
	env := environment(t, reader)
	other := qa.Question{ID: "r", Text: "Who rules?", Answers: []string{"Dole"}}
	for i, tree := range act(t, oneshot.Direct{}, env, lunia, other) {
		require.Equal(t, rollout.Trajectory{Leaf: 2, End: rollout.Answered, Answer: "Dole", Turns: 1, Reward: float64(i)}, tree.Trajectories[0])
	}
	trees := act(t, oneshot.RAG{}, env, lunia, other)
	require.Equal(t, rollout.Trajectory{Leaf: 3, End: rollout.Answered, Answer: "Marrow", Turns: 1, Searches: 1, Reward: 1}, trees[0].Trajectories[0])
	require.Equal(t, "1", trees[0].Segments[1].Hits[0].ID)
	require.False(t, trees[0].Segments[1].Sampled())
	require.False(t, trees[0].Segments[2].Sampled(), "the answer's opening is the environment's")
	require.Equal(t, "Dole", trees[1].Trajectories[0].Answer, "each question is answered from its own documents")
}

// spy notes what is asked of a policy.
type spy struct {
	rollout.Policy
	seeds    map[uint64]bool
	prefixes [][]int
}

func (s *spy) Generate(ctx context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	for _, req := range reqs {
		s.seeds[req.Seed] = true
		s.prefixes = append(s.prefixes, req.Prefix)
	}
	return s.Policy.Generate(ctx, reqs)
}

// TestRequests: the opening is the protocol's, where it has one, and each question has a seed of its own.
func TestRequests(t *testing.T) {
	env := environment(t, reader)
	env.Protocol.ForcedAnswer = "\n<think>So.</think><answer>"
	s := &spy{Policy: env.Policy, seeds: map[uint64]bool{}}
	env.Policy = s
	act(t, oneshot.Direct{}, env, lunia, lunia)
	require.Len(t, s.seeds, 2)
	for _, prefix := range s.prefixes {
		require.True(t, strings.HasSuffix(env.Tokenizer.Decode(prefix), "\n<think>So.</think><answer>"))
	}
}

// TestNoAnswer: text that is no answer, and a prefix without room for one.
func TestNoAnswer(t *testing.T) {
	tree := act(t, oneshot.Direct{}, environment(t, func(string, int) string { return "Marrow" }), lunia)[0]
	require.Equal(t, rollout.InvalidAction, tree.Trajectories[0].End)
	require.Zero(t, tree.Trajectories[0].Reward)

	env := environment(t, reader)
	room := len(tree.PathTokens(1))
	env.Protocol.MaxTokens = room
	require.Equal(t, rollout.OutOfTokens, act(t, oneshot.Direct{}, env, lunia)[0].Trajectories[0].End)
	env.Protocol.MaxTokens = room + 100
	require.Equal(t, rollout.Answered, act(t, oneshot.Direct{}, env, lunia)[0].Trajectories[0].End)
}

func TestCollect(t *testing.T) {
	for _, m := range []grpo.Untrained{oneshot.Direct{}, oneshot.RAG{}} {
		_, _, err := m.Collect(context.Background(), nil, nil, nil)
		require.ErrorContains(t, err, m.Name()+" only answers")
	}
}

// The search engine knows what the policy does not.
func ExampleRAG() {
	env := environment(&testing.T{}, reader)
	for _, method := range []grpo.Untrained{oneshot.Direct{}, oneshot.RAG{}} {
		trees, err := method.Act(context.Background(), env, []qa.Question{lunia}, rollout.Sampling{}, rand.New(rand.NewPCG(1, 1)))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s\n%s", method.Name(), rollout.FormatTrajectory(trees[0], 0))
	}
	// Output:
	// direct
	// question   What is the capital of Lunia?
	// opening    <answer>
	// answer     Dole
	// end        answered: 1 turn, 0 searches, 0 invalid actions, reward 0
	// rag
	// question   What is the capital of Lunia?
	// documents  Doc 1(Title: Lunia) The capital of Lunia is Marrow.
	// opening    <answer>
	// answer     Marrow
	// end        answered: 1 turn, 1 search, 0 invalid actions, reward 1
}
