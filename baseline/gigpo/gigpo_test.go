package gigpo_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/baseline/gigpo"
	"searchrl/baseline/searchr1"
	"searchrl/grpo"
	"searchrl/internal/scripted"
	"searchrl/qa"
	"searchrl/rollout"
	"searchrl/verify/exact"
)

func TestPaper(t *testing.T) {
	credit := method.Credit
	group := []gigpo.Episode{
		{Anchors: []string{"q", "d"}, Rewards: []float64{0, 1}},
		{Anchors: []string{"q", "d"}, Rewards: []float64{0, 0}},
		{Anchors: []string{"q", "d", "e"}, Rewards: []float64{0, 0, 1}},
		{Anchors: []string{"q"}, Rewards: []float64{0}},
	}
	// Eq. 3: the episodes' returns are 1, 0, 1, 0.
	require.Equal(t, []float64{.5, -.5, .5, -.5}, credit.EpisodeAdvantages(group))
	// Eq. 5: "R_t = Σ γ^(s−t) r_s", γ = 1/2.
	require.Equal(t, []float64{.25, .5, 1}, gigpo.Returns(group[2].Rewards, credit.Gamma))
	// Eq. 6 and 7: at the question returns .5, 0, .25, 0, mean 3/16; at the documents d 1, 0, .5, mean .5; e is alone.
	require.Equal(t, [][]float64{{.3125, .5}, {-.1875, -.5}, {.0625, 0, 0}, {-.1875}}, credit.StepAdvantages(group))
	// Eq. 8, ω = 1.
	require.Equal(t, [][]float64{{.8125, 1}, {-.6875, -1}, {.5625, .5, .5}, {-.6875}}, credit.Advantages(group))
	// F is the deviation of each group: at d 1, 0, .5 have .5.
	credit.Normalisation = grpo.Standardised
	require.InDelta(t, 1, credit.StepAdvantages(group)[0][1], 1e-5)
}

// TestPerStep: the source counts an episode once for each of its steps. Returns 1, 0 of 3 steps and 1 have the mean 3/4.
func TestPerStep(t *testing.T) {
	credit := gigpo.Credit{Normalisation: grpo.MeanOnly, Similarity: 1, PerStep: true}
	group := []gigpo.Episode{
		{Anchors: []string{"q", "d", "e"}, Rewards: []float64{0, 0, 1}}, {}, {Anchors: []string{"q"}, Rewards: []float64{0}},
	}
	require.Equal(t, []float64{.25, 0, -.75}, credit.EpisodeAdvantages(group))
	credit.PerStep = false
	require.InDeltaSlice(t, []float64{2. / 3, -1. / 3, -1. / 3}, credit.EpisodeAdvantages(group), 1e-15)
}

func TestGroups(t *testing.T) {
	anchors := []string{"q", "the blue tower", "q", "the blue towers", "a green hill", "the blue towers!"}
	require.Equal(t, [][]int{{0, 2}, {1}, {3}, {4}, {5}}, gigpo.Groups(anchors, 1))
	// Against the first member of a group, and not against the last one that joined.
	require.Equal(t, [][]int{{0, 2}, {1, 3}, {4}, {5}}, gigpo.Groups(anchors, .95))
	require.Equal(t, [][]int{{0, 2}, {1, 3, 5}, {4}}, gigpo.Groups(anchors, .9))
	require.Equal(t, [][]int{{0, 1}}, gigpo.Groups([]string{"abcd", "bcde"}, .75), "a ratio of .75 is enough")
	require.Empty(t, gigpo.Groups(nil, 1))
}

// TestRatio: values of Python's difflib.SequenceMatcher(None, a, b, autojunk=False).ratio().
func TestRatio(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want float64
	}{
		{"", "", 1}, {"", "a", 0}, {"a", "a", 1}, {"abcd", "bcde", .75}, {"qabxcd", "abycdf", 2. / 3},
		{"tide", "diet", .25}, {"diet", "tide", .5}, // not symmetric
		{"ärger", "årger", .8},
		{"The capital of Lunia is Marrow.", "The capital of Lunia is Dole.", 0.8666666666666667},
	} {
		require.Equal(t, c.want, gigpo.Ratio(c.a, c.b), "%q %q", c.a, c.b)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.StringOf(rapid.RuneFrom([]rune("abcé "))).Draw(t, "a"), rapid.StringOf(rapid.RuneFrom([]rune("abcé "))).Draw(t, "b")
		r := gigpo.Ratio(a, b)
		require.True(t, r >= 0 && r <= 1)
		require.Equal(t, a == b, r == 1)
	})
}

// TestCollect: in the scripted world the three ways to the passage share its observation, and no document is trained.
func TestCollect(t *testing.T) {
	trees, metrics := scripted.Collect(t, method, environment(t), lunia)
	tree := trees[0]
	require.Equal(t, grpo.Metrics{grpo.MetricDeadGroups: 0, gigpo.MetricShared: 3. / 4, gigpo.MetricSignal: 6. / 8}, metrics)
	want := [][]float64{{.8125, 1}, {-.6875, -1}, {.5625, .5, .5}, {-.6875}}
	for i, trajectory := range tree.Trajectories {
		for step, span := range tree.Steps(trajectory.Leaf) {
			for s := span.Action; s >= span.First; s = tree.Segments[s].Parent {
				require.Len(t, tree.Segments[s].Advantages, len(tree.Segments[s].Tokens))
				for _, a := range tree.Segments[s].Advantages {
					require.Equal(t, want[i][step], a, "trajectory %d, step %d", i, step)
				}
			}
		}
	}
	for _, s := range tree.Segments {
		require.Equal(t, s.Sampled(), s.Advantages != nil)
	}
}

// draws lets rapid draw processes.
type draws struct{ *rapid.T }

func (d draws) Int(label string, min, max int) int { return rapid.IntRange(min, max).Draw(d.T, label) }

// TestLimits, on drawn processes, to the bit: ω = 0 is Search-R1; where observations are distinct, only the first steps have
// step advantages.
func TestLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		env, err := exact.NewEnv(exact.Draw(draws{t}, exact.Shape{Steps: 3, Actions: 3, Documents: 2, Nodes: 8}))
		require.NoError(t, err)
		norm := rapid.SampledFrom([]grpo.Normalisation{grpo.Standardised, grpo.MeanOnly}).Draw(t, "norm")
		m := gigpo.Method{Group: rapid.IntRange(1, 5).Draw(t, "G"), Sampling: rollout.Sampling{Temperature: 1},
			Credit: gigpo.Credit{Gamma: .95, Normalisation: norm, Similarity: 1}}
		seed := rapid.Uint64().Draw(t, "seed")
		rng := func() *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
		questions := []qa.Question{env.Question, env.Question}
		got, _, err := m.Collect(context.Background(), env.Env, questions, rng())
		require.NoError(t, err)
		want, _, err := searchr1.Method{Group: m.Group, Sampling: m.Sampling, Normalisation: norm}.Collect(context.Background(), env.Env, questions, rng())
		require.NoError(t, err)
		require.Equal(t, want, got)

		group := make([]gigpo.Episode, rapid.IntRange(1, 5).Draw(t, "episodes"))
		for i := range group {
			for s := range rapid.IntRange(1, 4).Draw(t, "steps") {
				anchor := fmt.Sprint(i, s)
				if s == 0 {
					anchor = "question"
				}
				group[i].Anchors = append(group[i].Anchors, anchor)
				group[i].Rewards = append(group[i].Rewards, float64(rapid.IntRange(-4, 4).Draw(t, "reward"))/4)
			}
		}
		m.Gamma = rapid.SampledFrom([]float64{0, .5, 1}).Draw(t, "gamma")
		var first []float64
		for _, e := range group {
			first = append(first, gigpo.Returns(e.Rewards, m.Gamma)[0])
		}
		for i, row := range m.StepAdvantages(group) {
			require.Equal(t, grpo.GroupAdvantages(first, norm)[i], row[0])
			for _, a := range row[1:] {
				require.Zero(t, a)
			}
		}
	})
}

func TestBadSettings(t *testing.T) {
	for want, spoil := range map[string]func(m *gigpo.Method){
		"group is 0":      func(m *gigpo.Method) { m.Group = 0 },
		"top-k 3":         func(m *gigpo.Method) { m.Sampling.TopK = 3 },
		"normalisation":   func(m *gigpo.Method) { m.Normalisation = "" },
		"ω is -1":         func(m *gigpo.Method) { m.Omega = -1 },
		"ω is +Inf":       func(m *gigpo.Method) { m.Omega = math.Inf(1) },
		"γ is NaN":        func(m *gigpo.Method) { m.Gamma = math.NaN() },
		"γ is 1.5":        func(m *gigpo.Method) { m.Gamma = 1.5 },
		"similarity is 0": func(m *gigpo.Method) { m.Similarity = 0 },
	} {
		m := method
		spoil(&m)
		_, _, err := m.Collect(context.Background(), environment(t), []qa.Question{lunia}, rand.New(rand.NewPCG(1, 1)))
		require.ErrorContains(t, err, "gigpo: ")
		require.ErrorContains(t, err, want)
	}
}

// Three trajectories come by the same passage. What they do there is compared, however they got there.
func ExampleMethod() {
	trees, _ := scripted.Collect(&testing.T{}, method, environment(&testing.T{}), lunia)
	tree := trees[0]
	var group []gigpo.Episode
	for i := range tree.Trajectories {
		group = append(group, gigpo.Observe(tree, i))
	}
	episode, step := method.EpisodeAdvantages(group), method.StepAdvantages(group)
	for i, trajectory := range tree.Trajectories {
		fmt.Printf("trajectory %d: R = %v, A^E = %+.4f\n", i+1, trajectory.Reward, episode[i])
		returns := gigpo.Returns(group[i].Rewards, method.Gamma)
		for t, span := range tree.Steps(trajectory.Leaf) {
			action := tree.Segments[span.Action]
			fmt.Printf("  at %q\n     %s %q: return %v, A^S = %+.4f, A = %+.4f\n", strings.TrimSpace(group[i].Anchors[t]),
				action.Kind, action.Value, returns[t], step[i][t], action.Advantages[0])
		}
	}
	// Output:
	// trajectory 1: R = 1, A^E = +0.5000
	//   at "Question: What is the capital of Lunia?"
	//      query "capital of Lunia": return 0.5, A^S = +0.3125, A = +0.8125
	//   at "<information>The capital of Lunia is Marrow.</information>"
	//      answer "Marrow": return 1, A^S = +0.5000, A = +1.0000
	// trajectory 2: R = 0, A^E = -0.5000
	//   at "Question: What is the capital of Lunia?"
	//      query "Lunia's capital": return 0, A^S = -0.1875, A = -0.6875
	//   at "<information>The capital of Lunia is Marrow.</information>"
	//      answer "Dole": return 0, A^S = -0.5000, A = -1.0000
	// trajectory 3: R = 1, A^E = +0.5000
	//   at "Question: What is the capital of Lunia?"
	//      query "the capital Lunia": return 0.25, A^S = +0.0625, A = +0.5625
	//   at "<information>The capital of Lunia is Marrow.</information>"
	//      query "ruler": return 0.5, A^S = +0.0000, A = +0.5000
	//   at "<information>A ruler.</information>"
	//      answer "Marrow": return 1, A^S = +0.0000, A = +0.5000
	// trajectory 4: R = 0, A^E = -0.5000
	//   at "Question: What is the capital of Lunia?"
	//      answer "Dole": return 0, A^S = -0.1875, A = -0.6875
}
