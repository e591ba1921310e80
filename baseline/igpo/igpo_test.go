package igpo_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/baseline/igpo"
	"searchrl/baseline/searchr1"
	"searchrl/grpo"
	"searchrl/internal/scripted"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/verify/exact"
)

var lunia = qa.Question{ID: "q", Text: "Where does the ruler of Lunia live?", Answers: []string{"Marrow", "Dole"}}

var method = igpo.Method{Group: 3, Sampling: rollout.Sampling{Temperature: 1}, Normalisation: grpo.MeanOnly, Gamma: 1}

// script: trajectory 0 finds the ruler, then where he lives, and is right; 1 searches for nothing of use and then guesses wrongly; 2
// guesses half of it at once.
func script(prefix string, sample int) string {
	episode := prefix[strings.Index(prefix, "live?\n")+len("live?\n"):]
	switch {
	case episode == "":
		return []string{"<think>a</think><search>ruler of Lunia</search>", "<think>b</think><search>weather</search>",
			"<think>c</think><answer>Marrow or</answer>"}[sample]
	case strings.Contains(episode, "weather"):
		return "<think>d</think><answer>Fen</answer>"
	case strings.Contains(episode, "home"):
		return "<think>e</think><answer>Marrow</answer>"
	}
	return "<think>f</think><search>home of Brann</search>"
}

// reader knows the first gold answer with the probability 1/8, 1/4 once the ruler is known, and 3/4 where it reads it.
type reader struct {
	*scripted.Policy
	calls int
}

func (r *reader) Score(_ context.Context, reqs []rollout.ScoreRequest) ([][][]float64, error) {
	r.calls++
	out := make([][][]float64, len(reqs))
	for i, req := range reqs {
		p, prefix := 1./8, r.Tokenizer.Decode(req.Prefix)
		switch {
		case !strings.HasSuffix(prefix, "<answer>"):
			return nil, fmt.Errorf("no opening at the end of %q", prefix)
		case strings.Contains(prefix, "in Marrow."):
			p = 3. / 4
		case strings.Contains(prefix, "is Brann."):
			p = 1. / 4
		}
		for _, target := range req.Targets {
			row := make([]float64, len(target))
			for j := range row {
				row[j] = math.Log(p)
			}
			row[0], row[len(row)-1] = row[0]-.25, row[len(row)-1]+.25 // tokens count alike, so p is still the mean
			out[i] = append(out[i], row)
		}
	}
	return out, nil
}

func environment(t testing.TB) (*rollout.Env, *reader) {
	env, err := scripted.World(script, retrieval.Document{ID: "1", Text: "The ruler of Lunia is Brann."}, retrieval.Document{ID: "2", Text: "The home of Brann is in Marrow."})
	require.NoError(t, err)
	p := &env.Protocol
	p.Document, p.Gap, p.TopK, p.ForcedAnswer = "{text}\n", "", 1, ""
	policy := &reader{Policy: env.Policy.(*scripted.Policy)}
	env.Policy = policy
	return env, policy
}

// TestOrder: normalise each kind within the group, then discount. Gains .25, .5, 0 have the mean .25, outcomes 1 and 0 have .5.
func TestOrder(t *testing.T) {
	group := []igpo.Episode{{Gains: []float64{.25, .5}, Outcome: 1}, {Gains: []float64{0}, Outcome: 0}}
	require.Equal(t, [][]float64{{.25, .5, .5}, {-.5, -.5}}, igpo.Advantages(group, .5, grpo.MeanOnly))
	// The first public code discounted first and centred then; its discounted sums are .75, 1, 1 and 0, 0, with the mean .55.
	require.NotEqual(t, .75-.55, igpo.Advantages(group, .5, grpo.MeanOnly)[0][0])
	// Each kind has a deviation of its own: .25 of the gains, 1/√2 of the outcomes.
	require.InDelta(t, -1-math.Sqrt2/4, igpo.Advantages(group, .5, grpo.Standardised)[1][0], 1e-5)
	require.Empty(t, igpo.Advantages(nil, 1, grpo.MeanOnly))
}

func TestGains(t *testing.T) {
	require.Equal(t, []float64{.25, -.5}, igpo.Gains([]float64{.5, .75, .25}))
	require.Empty(t, igpo.Gains([]float64{.5}))
	require.Empty(t, igpo.Gains(nil))
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 6).Draw(t, "p")
		sum := 0.0
		for _, g := range igpo.Gains(p) {
			sum += g
		}
		require.InDelta(t, p[len(p)-1]-p[0], sum, 1e-14, "they telescope")
	})
}

func TestCollect(t *testing.T) {
	env, policy := environment(t)
	trees, metrics := scripted.Collect(t, method, env, lunia, lunia)
	require.Equal(t, 1, policy.calls, "one call for all questions")
	tree := trees[0]
	// Gains .125, .5 and 0, mean 5/24; F1 1, 0 and 2/3, mean 5/9.
	g, o := 5./24, 5./9
	want := [][]float64{{.125 - g + .5 - g + 1 - o, .5 - g + 1 - o, 1 - o}, {-g - o, -o}, {2./3 - o}}
	for i, trajectory := range tree.Trajectories {
		for step, span := range tree.Steps(trajectory.Leaf) {
			for s := span.Action; s >= span.First; s = tree.Segments[s].Parent {
				require.Len(t, tree.Segments[s].Advantages, len(tree.Segments[s].Tokens))
				for _, a := range tree.Segments[s].Advantages {
					require.InDelta(t, want[i][step], a, 1e-12, "trajectory %d, step %d", i, step)
				}
			}
		}
	}
	for _, s := range tree.Segments {
		require.Equal(t, s.Sampled(), s.Advantages != nil)
	}
	require.InDelta(t, (.75+.125+.125)/3, metrics[igpo.MetricLast], 1e-12)
	require.InDelta(t, .125, metrics[igpo.MetricFirst], 1e-12)
	require.InDelta(t, .625/3, metrics[igpo.MetricGain], 1e-12)
	require.Positive(t, metrics[grpo.MetricScoredTokens])
	require.Zero(t, metrics[grpo.MetricDeadGroups])
}

// TestNoAnswer: a trajectory that did not end with an answer has no outcome, whatever stands in its place.
func TestNoAnswer(t *testing.T) {
	tree := &rollout.Tree{Question: lunia, Trajectories: []rollout.Trajectory{{End: rollout.OutOfTurns, Answer: "Marrow"}, {End: rollout.Answered, Answer: "Marrow"}}}
	require.Zero(t, igpo.Outcome(tree, 0))
	require.Equal(t, 1., igpo.Outcome(tree, 1))
}

// draws lets rapid draw processes.
type draws struct{ *rapid.T }

func (d draws) Int(label string, min, max int) int { return rapid.IntRange(min, max).Draw(d.T, label) }

// ignorant gives the gold answer the same probability whatever it reads.
type ignorant struct{ rollout.Policy }

func (ignorant) Score(_ context.Context, reqs []rollout.ScoreRequest) ([][][]float64, error) {
	out := make([][][]float64, len(reqs))
	for i, req := range reqs {
		for _, target := range req.Targets {
			out[i] = append(out[i], make([]float64, len(target)))
		}
	}
	return out, nil
}

// TestNothingToLearn, on drawn processes, to the bit: where p is constant and γ = 1 it is GRPO, here Search-R1 since answers of one
// word have an F1 of 0 or 1.
func TestNothingToLearn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		env, err := exact.NewEnv(exact.Draw(draws{t}, exact.Shape{Steps: 3, Actions: 3, Documents: 2, Nodes: 8}))
		require.NoError(t, err)
		env.Policy = ignorant{env.Policy}
		norm := rapid.SampledFrom([]grpo.Normalisation{grpo.Standardised, grpo.MeanOnly}).Draw(t, "norm")
		m := igpo.Method{Group: rapid.IntRange(1, 5).Draw(t, "G"), Sampling: rollout.Sampling{Temperature: 1}, Normalisation: norm, Gamma: 1}
		seed := rapid.Uint64().Draw(t, "seed")
		rng := func() *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
		questions := []qa.Question{env.Question, env.Question}
		got, _, err := m.Collect(context.Background(), env.Env, questions, rng())
		require.NoError(t, err)
		want, _, err := searchr1.Method{Group: m.Group, Sampling: m.Sampling, Normalisation: norm}.Collect(context.Background(), env.Env, questions, rng())
		require.NoError(t, err)
		for i := range want {
			require.Equal(t, want[i].Trajectories, got[i].Trajectories)
			for s, segment := range want[i].Segments {
				require.Equal(t, segment.Tokens, got[i].Segments[s].Tokens)
				require.Equal(t, segment.Advantages, got[i].Segments[s].Advantages)
			}
		}
	})
}

func TestBadSettings(t *testing.T) {
	for want, spoil := range map[string]func(m *igpo.Method){
		"group is 0":    func(m *igpo.Method) { m.Group = 0 },
		"top-k 3":       func(m *igpo.Method) { m.Sampling.TopK = 3 },
		"normalisation": func(m *igpo.Method) { m.Normalisation = "" },
		"γ is -1":       func(m *igpo.Method) { m.Gamma = -1 },
	} {
		m := method
		spoil(&m)
		env, _ := environment(t)
		_, _, err := m.Collect(context.Background(), env, []qa.Question{lunia}, rand.New(rand.NewPCG(1, 1)))
		require.ErrorContains(t, err, "igpo: "+want)
	}
}

// Each turn is paid for what the policy then knows of the answer, the last one for the answer.
func ExampleMethod() {
	env, _ := environment(&testing.T{})
	trees, _ := scripted.Collect(&testing.T{}, method, env, lunia)
	tree := trees[0]
	for i, trajectory := range tree.Trajectories {
		fmt.Printf("trajectory %d\n", i+1)
		for _, span := range tree.Steps(trajectory.Leaf) {
			action := tree.Segments[span.Action]
			fmt.Printf("  %-6s %-16q %s %.3f, A = %+.3f\n", action.Kind, action.Value, action.Rewards[0].Name, action.Rewards[0].Value, action.Advantages[0])
		}
	}
	// Output:
	// trajectory 1
	//   query  "ruler of Lunia" gain 0.125, A = +0.653
	//   query  "home of Brann"  gain 0.500, A = +0.736
	//   answer "Marrow"         outcome 1.000, A = +0.444
	// trajectory 2
	//   query  "weather"        gain 0.000, A = -0.764
	//   answer "Fen"            outcome 0.000, A = -0.556
	// trajectory 3
	//   answer "Marrow or"      outcome 0.667, A = +0.111
}
