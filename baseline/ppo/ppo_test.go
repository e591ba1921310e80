package ppo_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/baseline/ppo"
	"searchrl/gae"
	"searchrl/grpo"
	"searchrl/internal/scripted"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
)

// The steps of the scripted policy: samples 0 to 3 of a question begin with these, and go on by what stands before them.
const (
	search  = "<think>I look it up.</think><search>capital of Lunia</search>"
	right   = "<think>There it is.</think><answer>Marrow City</answer>"
	wrong   = "<think>I guess.</think><answer>Dole</answer>"
	half    = "<think>I guess.</think><answer>Marrow</answer>"
	nothing = "<think>Hm.</think><search>again</search>"
)

// capital is a world of one passage.
func capital(t testing.TB) *rollout.Env {
	say := scripted.Table(map[string][]string{"Lunia?\n": {search, wrong, half, nothing}, "City.</information>\n\n": {right}, "</information>\n\n": {nothing}})
	env, err := scripted.World(say, retrieval.Document{ID: "1", Title: "Lunia", Text: "The capital of Lunia is Marrow City."})
	require.NoError(t, err)
	p := &env.Protocol
	p.Notice, p.MaxTurns = "", 2
	return env
}

var lunia = qa.Question{ID: "q", Text: "What is the capital of Lunia?", Answers: []string{"Marrow City"}}

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

// method is the paper's, with four trajectories a question.
var method = ppo.Method{Group: 4, Sampling: rollout.Sampling{Temperature: 1}, Outcome: ppo.ExactMatch,
	Estimator: gae.Estimator{Gamma: 1, Lambda: 1}}

func collect(t testing.TB, m ppo.Method, critic grpo.Critic) (*rollout.Tree, grpo.Metrics) {
	trees, metrics, err := m.WithCritic(critic).Collect(context.Background(), capital(t), []qa.Question{lunia}, rand.New(rand.NewPCG(1, 1)))
	require.NoError(t, err)
	require.Len(t, trees, 1)
	require.NoError(t, trees[0].Validate())
	return trees[0], metrics
}

// TestPaper checks Search-R1's reward and PPO's advantages.
func TestPaper(t *testing.T) {
	tree, metrics := collect(t, method, constant(.25))
	// §3.4: the reward is the exact match of the predicted answer and nothing else; no answer earns 0.
	var rewards []float64
	for _, trajectory := range tree.Trajectories {
		rewards = append(rewards, trajectory.Reward)
	}
	require.Equal(t, []float64{1, 0, 0, 0}, rewards)
	require.Equal(t, rollout.OutOfTurns, tree.Trajectories[3].End)
	for i, trajectory := range tree.Trajectories {
		for _, s := range tree.Path(trajectory.Leaf) {
			segment := tree.Segments[s]
			// §3.1: the loss is over the tokens that the model generated; retrieved tokens are masked.
			if segment.Kind == rollout.Prompt || segment.Kind == rollout.Documents {
				require.Nil(t, segment.Advantages, "%s", segment.Kind)
				require.Nil(t, segment.Values, "%s", segment.Kind)
				continue
			}
			// γ = λ = 1: what the trajectory earned minus what was expected; the critic learns what it earned.
			require.Len(t, segment.Advantages, len(segment.Tokens))
			for j := range segment.Tokens {
				require.InDelta(t, rewards[i]-.25, segment.Advantages[j], 1e-12, "trajectory %d, %s", i, segment.Kind)
				require.InDelta(t, rewards[i], segment.Returns[j], 1e-12)
			}
		}
	}
	require.InDelta(t, .25, metrics[grpo.MetricValue], 1e-12)
	require.InDelta(t, 0, metrics[grpo.MetricExplained], 1e-12, "a constant explains nothing")
}

// TestRewardAtTheLastSampledToken: with λ = 0 and a critic of zeros the reward is the advantage of that token alone, also
// where the trajectory goes on with tokens of the environment.
func TestRewardAtTheLastSampledToken(t *testing.T) {
	m := method
	m.Estimator.Lambda = 0
	tree, _ := collect(t, m, constant(0))
	for _, trajectory := range tree.Trajectories {
		var all []float64
		for _, s := range tree.Path(trajectory.Leaf) {
			all = append(all, tree.Segments[s].Advantages...)
		}
		last := len(all) - 1
		require.Equal(t, make([]float64, last), all[:last])
		require.Equal(t, trajectory.Reward, all[last])
	}
}

// TestDocumentsAreNoTime: with γλ < 1 the credit of the query's last token does not depend on how long the documents are.
func TestDocumentsAreNoTime(t *testing.T) {
	m := method
	m.Group, m.Estimator.Gamma = 1, .9
	credit := func(passage string) float64 {
		env := capital(t)
		corpus, err := retrieval.NewBM25([]retrieval.Document{{ID: "1", Title: "Lunia", Text: passage}})
		require.NoError(t, err)
		env.Searcher = corpus
		trees, _, err := m.WithCritic(constant(0)).Collect(t.Context(), env, []qa.Question{lunia}, rand.New(rand.NewPCG(1, 1)))
		require.NoError(t, err)
		for _, s := range trees[0].Segments {
			if s.Kind == rollout.Query {
				return s.Advantages[len(s.Advantages)-1]
			}
		}
		return 0
	}
	short := credit("The capital of Lunia is Marrow City.")
	require.Positive(t, short)
	require.Equal(t, short, credit(strings.Repeat("Lunia lies far away. ", 5)+"The capital of Lunia is Marrow City."))
}

func TestWhitened(t *testing.T) {
	m := method
	m.Estimator.Whiten = true
	tree, _ := collect(t, m, constant(.25))
	sum, squares, n := 0., 0., 0.
	for _, s := range tree.Segments {
		for _, a := range s.Advantages {
			sum, squares, n = sum+a, squares+a*a, n+1
		}
	}
	require.InDelta(t, 0, sum, 1e-9)
	require.InDelta(t, 1, squares/(n-1), 1e-6)
}

// TestF1: half of the answer is worth the F1 of it.
func TestF1(t *testing.T) {
	m := method
	m.Outcome = ppo.F1
	tree, _ := collect(t, m, constant(0))
	require.InDelta(t, 2./3, tree.Trajectories[2].Reward, 1e-12)
	require.Zero(t, tree.Trajectories[3].Reward, "no answer is worth nothing")
}

func TestBadSettings(t *testing.T) {
	for want, spoil := range map[string]func(m *ppo.Method){
		"group is 0":   func(m *ppo.Method) { m.Group = 0 },
		"top-p 0.9":    func(m *ppo.Method) { m.Sampling.TopP = .9 },
		"outcome \"\"": func(m *ppo.Method) { m.Outcome = "" },
		"γ is 2":       func(m *ppo.Method) { m.Estimator.Gamma = 2 },
	} {
		m := method
		spoil(&m)
		_, _, err := m.WithCritic(constant(0)).Collect(t.Context(), capital(t), []qa.Question{lunia}, rand.New(rand.NewPCG(1, 1)))
		require.ErrorContains(t, err, want)
	}
	_, _, err := method.Collect(t.Context(), capital(t), []qa.Question{lunia}, rand.New(rand.NewPCG(1, 1)))
	require.ErrorContains(t, err, "search-r1-ppo: there is no critic")
}

// Four trajectories and a critic that expects one in four to be right. A trajectory is compared with that, not with its group.
func ExampleMethod() {
	tree, metrics := collect(&testing.T{}, method, constant(.25))
	for _, trajectory := range tree.Trajectories {
		leaf := tree.Segments[trajectory.Leaf]
		fmt.Printf("%q after %d searches, %s: R = %v, V = %v, A = %+.2f\n",
			trajectory.Answer, trajectory.Searches, trajectory.End, trajectory.Reward, leaf.Values[0], leaf.Advantages[0])
	}
	fmt.Printf("explained variance: %.1f\n", metrics[grpo.MetricExplained])
	// Output:
	// "Marrow City" after 1 searches, answered: R = 1, V = 0.25, A = +0.75
	// "Dole" after 0 searches, answered: R = 0, V = 0.25, A = -0.25
	// "Marrow" after 0 searches, answered: R = 0, V = 0.25, A = -0.25
	// "" after 1 searches, out of turns: R = 0, V = 0.25, A = -0.25
	// explained variance: 0.0
}
