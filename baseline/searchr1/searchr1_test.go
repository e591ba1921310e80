package searchr1_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/baseline/searchr1"
	"searchrl/grpo"
	"searchrl/internal/scripted"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
)

// capital is a world of one passage; samples 0 to 3 of a question do what says[n] tells.
func capital(t testing.TB, says func(prefix string, sample int) string) *rollout.Env {
	env, err := scripted.World(says, retrieval.Document{ID: "1", Title: "Lunia", Text: "The capital of Lunia is Marrow."})
	require.NoError(t, err)
	return env
}

var lunia = qa.Question{ID: "q", Text: "What is the capital of Lunia?", Answers: []string{"Marrow"}}

const (
	search  = "<think>I look it up.</think><search>capital of Lunia</search>"
	right   = "<think>There it is.</think><answer>Marrow</answer>"
	wrong   = "<think>I guess.</think><answer>Dole</answer>"
	nothing = "<think>Hm.</think><search>again</search>"
)

// script: sample 0 searches and answers, 1 guesses wrongly, 2 guesses rightly, 3 searches until its turns are spent.
// After the first step only the text tells the samples apart.
func script(prefix string, sample int) string {
	first := scripted.Table(map[string][]string{"Lunia?\n": {search, wrong, right, nothing}})(prefix, sample)
	if first != "" {
		return first
	}
	if scripted.Table(map[string][]string{"Marrow.</information>\n\n": {right}})(prefix, sample) != "" {
		return right
	}
	return nothing
}

func collect(t testing.TB, m searchr1.Method) (*rollout.Tree, grpo.Metrics) {
	trees, metrics, err := m.Collect(context.Background(), capital(t, script), []qa.Question{lunia}, rand.New(rand.NewPCG(1, 1)))
	require.NoError(t, err)
	require.Len(t, trees, 1)
	require.NoError(t, trees[0].Validate())
	return trees[0], metrics
}

var method = searchr1.Method{Group: 4, Sampling: rollout.Sampling{Temperature: 1}, Normalisation: grpo.Standardised}

func TestPaper(t *testing.T) {
	tree, metrics := collect(t, method)
	require.Zero(t, metrics[grpo.MetricDeadGroups])

	// §3.4: the reward is the exact match of the predicted answer and nothing else; no answer earns 0.
	var rewards []float64
	for _, trajectory := range tree.Trajectories {
		rewards = append(rewards, trajectory.Reward)
	}
	require.Equal(t, []float64{1, 0, 1, 0}, rewards)
	require.Equal(t, rollout.OutOfTurns, tree.Trajectories[3].End)

	// §3.1 (GRPO): each trajectory's advantage is its reward against its group's mean, in units of the group's
	// standard deviation, here 1/√3.
	for i, trajectory := range tree.Trajectories {
		want := math.Sqrt(3) / 2
		if rewards[i] == 0 {
			want = -want
		}
		for _, s := range tree.Path(trajectory.Leaf) {
			segment := tree.Segments[s]
			// §3.1: the loss is over the tokens that the model generated; retrieved tokens are masked.
			if segment.Kind == rollout.Prompt || segment.Kind == rollout.Documents {
				require.Nil(t, segment.Advantages, "%s", segment.Kind)
				continue
			}
			require.Len(t, segment.Advantages, len(segment.Tokens))
			for _, a := range segment.Advantages {
				require.InDelta(t, want, a, 1e-5, "trajectory %d, %s", i, segment.Kind)
			}
		}
	}
}

// TestOnlyTheResponseIsGraded: a prompt that shows an example answer does not answer for the model, as it does in the
// released reward.
func TestOnlyTheResponseIsGraded(t *testing.T) {
	env := capital(t, func(string, int) string { return nothing })
	env.Protocol.Prompt = "For example <answer>Marrow</answer> and <answer>Marrow</answer>. Question: {question}\n"
	trees, metrics, err := method.Collect(context.Background(), env, []qa.Question{lunia}, rand.New(rand.NewPCG(1, 1)))
	require.NoError(t, err)
	for _, trajectory := range trees[0].Trajectories {
		require.Zero(t, trajectory.Reward)
	}
	require.Equal(t, 1., metrics[grpo.MetricDeadGroups])
}

// TestNoAnswerEarnsNothing: some gold answers ("A+") normalise to nothing, and so does an answer that was never given.
func TestNoAnswerEarnsNothing(t *testing.T) {
	tree := &rollout.Tree{Question: qa.Question{Answers: []string{"A+"}}, Trajectories: []rollout.Trajectory{
		{End: rollout.OutOfTurns}, {End: rollout.Answered, Answer: "A+"},
	}}
	require.Zero(t, searchr1.Outcome(tree, 0))
	require.Equal(t, 1., searchr1.Outcome(tree, 1))
}

func TestMeanOnly(t *testing.T) {
	m := method
	m.Normalisation = grpo.MeanOnly
	tree, _ := collect(t, m)
	leaf := tree.Segments[tree.Trajectories[0].Leaf]
	require.Equal(t, .5, leaf.Advantages[0])
}

func TestBadSettings(t *testing.T) {
	for want, m := range map[string]searchr1.Method{
		"group is 0":    {Normalisation: grpo.MeanOnly},
		"top-p 0.9":     {Group: 4, Sampling: rollout.Sampling{Temperature: 1, TopP: .9}, Normalisation: grpo.MeanOnly},
		"normalisation": {Group: 4, Normalisation: "median"},
	} {
		_, _, err := m.Collect(context.Background(), capital(t, script), []qa.Question{lunia}, rand.New(rand.NewPCG(1, 1)))
		require.ErrorContains(t, err, want)
	}
}

// A group of four: two right, two wrong.
func ExampleMethod() {
	m := searchr1.Method{Group: 4, Sampling: rollout.Sampling{Temperature: 1}, Normalisation: grpo.Standardised}
	env := capital(&testing.T{}, script)
	trees, _, err := m.Collect(context.Background(), env, []qa.Question{lunia}, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, trajectory := range trees[0].Trajectories {
		leaf := trees[0].Segments[trajectory.Leaf]
		fmt.Printf("%q after %d searches, %s: R = %v, A = %+.2f\n",
			trajectory.Answer, trajectory.Searches, trajectory.End, trajectory.Reward, leaf.Advantages[0])
	}
	// Output:
	// "Marrow" after 1 searches, answered: R = 1, A = +0.87
	// "Dole" after 0 searches, answered: R = 0, A = -0.87
	// "Marrow" after 0 searches, answered: R = 1, A = +0.87
	// "" after 3 searches, out of turns: R = 0, A = -0.87
}
