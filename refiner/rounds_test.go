package refiner_test

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/interval"
	"searchrl/judge"
	"searchrl/qa"
	"searchrl/refiner"
	"searchrl/rollout"
)

// twice is one draft that strays, is repaired, and is then spoilt: both decisions keep the first step.
func twice(t *testing.T, change func(m *refiner.Method)) (tree *rollout.Tree, metrics map[string]float64) {
	env, _ := environment(t, turns(" revise 2</decision>", weather, mayor, weather))
	m := method(nil)
	m.Group, m.Rounds, m.Normalisation = 1, 2, "mean-only"
	change(&m)
	trees, metrics := collect(t, m, env, lunia)
	return trees[0], metrics
}

// With two rounds the draft of the second is the first one's revision. The group of one has the advantage 0, so +0.00 is trained
// and - is not.
func TestTwoRounds(t *testing.T) {
	const kept, cut, found = "capital of Lunia", "weather", "mayor of Marrow"
	for name, c := range map[string]struct {
		change func(m *refiner.Method)
		want   []string
	}{
		"prefix": {func(*refiner.Method) {}, []string{kept + " +0.00", cut + " -", "Bo -", "revise 2 +0.00", found + " -", "Ada -", "revise 2 +0.00", cut + " +0.00", "Bo +0.00"}},
		"none": {func(m *refiner.Method) { m.Discarded = refiner.None },
			[]string{kept + " -", cut + " -", "Bo -", "revise 2 +0.00", found + " -", "Ada -", "revise 2 +0.00", cut + " +0.00", "Bo +0.00"}},
		"all": {func(m *refiner.Method) { m.Discarded = refiner.All },
			[]string{kept + " +0.00", cut + " +0.00", "Bo +0.00", "revise 2 +0.00", found + " +0.00", "Ada +0.00", "revise 2 +0.00", cut + " +0.00", "Bo +0.00"}},
		"gain": {func(m *refiner.Method) { m.Gain = true },
			[]string{kept + " +0.00", cut + " -", "Bo -", "revise 2 +0.00", found + " -", "Ada -", "revise 2 -1.00", cut + " +0.00", "Bo +0.00"}},
	} {
		t.Run(name, func(t *testing.T) {
			tree, metrics := twice(t, c.change)
			require.Equal(t, c.want, credits(tree))
			require.Equal(t, map[bool]float64{false: 1}[name == "gain"], metrics["dead_groups"], "a gain is a signal, whatever the group")
			require.Zero(t, metrics[refiner.MetricRepaired])
			require.Equal(t, 2., float64(len(tree.Trajectories))+metrics[refiner.MetricKept])
		})
	}
}

// A right draft that a revision spoils and the next one repairs is not harmed.
func TestHarmIsWhatIsLeft(t *testing.T) {
	env, _ := environment(t, turns(" revise 2</decision>", mayor, weather, mayor))
	m := method(nil)
	m.Group, m.Rounds = 1, 2
	_, metrics := collect(t, m, env, lunia)
	require.Equal(t, 1., metrics[refiner.MetricDraftEM])
	require.Zero(t, metrics[refiner.MetricHarmed])
}

// opinions is a table of what a policy thinks of a draft of three steps; .2 of it is on no decision.
var opinions = map[string]float64{" accept</decision>": math.Log(.2), " revise 1</decision>": math.Log(.1),
	" revise 2</decision>": math.Log(.3), " revise 3</decision>": math.Log(.2)}

// The terms are those of the first round, and α is all that does not revise: .4 of the mass, not the .25 of what can be read.
func TestTermsOfARun(t *testing.T) {
	terms := func(rounds int, temperature float64) map[string]float64 {
		env, _ := environment(t, turns(" revise 2</decision>", weather, mayor, weather))
		env.Policy = oddsPolicy{env.Policy, env, opinions}
		m := method(nil)
		m.Group, m.Rounds, m.Terms, m.Sampling.Temperature = 1, rounds, true, temperature
		_, metrics := collect(t, m, env, lunia)
		return metrics
	}
	for rounds := 1; rounds <= 2; rounds++ {
		metrics := terms(rounds, 1)
		require.InDelta(t, .6, metrics[refiner.MetricRevising], 1e-12)
		require.InDelta(t, 1, metrics[refiner.MetricGain], 1e-12)
		require.InDelta(t, 1/.6, metrics[refiner.MetricTrimming], 1e-12)
		require.Zero(t, metrics[refiner.MetricAccepting])
	}
	metrics := terms(1, .7)
	require.NotContains(t, metrics, refiner.MetricRevising, "scores are those of temperature 1")
	require.NotContains(t, metrics, "scored_tokens")
}

// Intervals are over the questions' means of each estimate's own parts.
func TestIntervalsByHand(t *testing.T) {
	terms := refiner.Estimate([]refiner.Revision{ // w = 2, 0, -4, 0; the means are α = .5 and w = -.5
		{Cluster: 3, Accept: .5, Final: 1, Revised: true},
		{Cluster: 3, Accept: .25, Draft: 1, Final: 1},
		{Cluster: 7, Accept: .75, Draft: 1, Revised: true},
		{Cluster: 7, Accept: .5, Draft: 1, Final: 1},
	})
	for _, c := range []struct {
		got     interval.Interval
		a, b    float64 // the clusters' means
		purpose string
	}{
		{terms.GainCI, .5, -.5, "(1-α)w"},
		{terms.RevisingCI, .625, .375, "1-α"},
		{terms.TrimmingCI, 1, -2, "w"},
		{terms.AcceptingCI, .125 / 2, .875 / 2, "-(α-.5)(w+.5)"},
	} {
		_, want := interval.Mean([]float64{c.a, c.b})
		require.InDelta(t, want.Low, c.got.Low, 1e-12, c.purpose)
		require.InDelta(t, want.High, c.got.High, 1e-12, c.purpose)
	}
	// Revised all the same, by a decision in a spelling that was not scored.
	sure := refiner.Estimate([]refiner.Revision{{Accept: 1, Final: 1, Revised: true}})
	require.Zero(t, sure.Gain)
	require.Zero(t, sure.Trimming)
}

// Sampled answers are cut where π_h draws, greedy ones where it is highest.
func TestCutsAreDrawn(t *testing.T) {
	env, _ := environment(t, stray(""))
	table := map[string]float64{" accept</decision>": math.Log(.4), " revise 1</decision>": math.Log(.18),
		" revise 2</decision>": math.Log(.12), " revise 3</decision>": math.Log(.3)}
	env.Policy = oddsPolicy{env.Policy, env, table}
	m := method(nil)
	const n = 400
	questions := make([]qa.Question, n)
	for i := range questions {
		questions[i] = lunia
	}
	cuts := func(sampling rollout.Sampling) map[string]int {
		trees, err := m.Act(context.Background(), env, questions, sampling, seeded())
		require.NoError(t, err)
		count := map[string]int{}
		for _, tree := range trees {
			for _, s := range tree.Segments {
				if s.Kind == rollout.Decision {
					count[s.Value]++
				}
			}
		}
		return count
	}
	require.Equal(t, map[string]int{"revise 3": n}, cuts(rollout.Sampling{}))
	drawn := cuts(rollout.Sampling{Temperature: 1})
	for decision, p := range map[string]float64{"revise 1": .3, "revise 2": .2, "revise 3": .5} {
		require.InDelta(t, p*n, drawn[decision], 40) // the seed is fixed; four standard deviations
	}
}

// bold keeps more steps than there are.
type bold struct{}

func (bold) Rule(*rollout.Tree, int) (rollout.Ruling, error) { return rollout.Ruling{Keep: 3}, nil }

func TestReviewerOutOfRange(t *testing.T) {
	env, _ := environment(t, stray(""))
	m := method(nil)
	m.Reviewer = bold{}
	_, _, err := m.Collect(context.Background(), env, []qa.Question{lunia}, seeded())
	require.ErrorContains(t, err, `reviewing a draft of "Who runs the capital of Lunia?": the reviewer keeps 3 of 3 steps`)
}

// Answers do not depend on how the questions are divided into calls, so that an evaluation can go on where it was broken off; the
// drafts are those of the plain agent loop.
func TestActInAnyNumberOfCalls(t *testing.T) {
	env, _, world := embedded(t)
	questions := world.Questions(rand.New(rand.NewPCG(1, 1)), 5)
	m := method(nil)
	m.Threshold, m.Suffix, m.Rounds = 1, refiner.Sampled, 2
	sampled := rollout.Sampling{Temperature: 1}
	act := func(rng *rand.Rand, questions []qa.Question) []*rollout.Tree {
		trees, err := m.Act(context.Background(), env, questions, sampled, rng)
		require.NoError(t, err)
		return trees
	}
	rng := seeded()
	apart := append(act(rng, questions[:2]), act(rng, questions[2:])...)
	together := act(seeded(), questions)
	require.Equal(t, together, apart)
	plain, err := env.Rollout(context.Background(), questions, 1, sampled, seeded())
	require.NoError(t, err)
	for i, tree := range plain {
		require.Equal(t, tree.Segments, together[i].Segments[:len(tree.Segments)])
	}
}

// sampler remembers how each call was sampled.
type sampler struct {
	rollout.Policy
	seen []rollout.Sampling
}

func (s *sampler) Generate(ctx context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	for _, req := range reqs {
		s.seen = append(s.seen, req.Sampling)
	}
	return s.Policy.Generate(ctx, reqs)
}

// Drafts are sampled as Act is told, suffixes as the method says.
func TestSuffixSampling(t *testing.T) {
	draft := rollout.Sampling{Temperature: .5, TopK: 3}
	for suffix, want := range map[refiner.Suffix]rollout.Sampling{refiner.Same: draft, refiner.Greedy: {}, refiner.Sampled: {Temperature: 1}} {
		env, _ := environment(t, turns("", weather, mayor))
		calls := &sampler{Policy: oddsPolicy{env.Policy, env, map[string]float64{" accept</decision>": -9, " revise 1</decision>": -99,
			" revise 2</decision>": -1, " revise 3</decision>": -99}}}
		env.Policy = calls
		m := method(nil)
		m.Suffix = suffix
		trees, err := m.Act(context.Background(), env, []qa.Question{lunia}, draft, seeded())
		require.NoError(t, err)
		require.Equal(t, "Ada", trees[0].Trajectories[0].Answer)
		require.Equal(t, []rollout.Sampling{draft, draft, draft, want, want}, calls.seen, suffix)
	}
}

// The second cut keeps more than the first: None trains the last suffix alone.
func TestSecondCutKeepsMore(t *testing.T) {
	decided := 0
	play := turns("", weather, mayor)
	env, _ := environment(t, func(prefix string, sample int) string {
		if strings.HasSuffix(prefix, decides) {
			decided++
			return []string{" revise 2</decision>", " revise 3</decision>"}[decided-1]
		}
		return play(prefix, sample)
	})
	m := method(nil)
	m.Group, m.Rounds, m.Discarded = 1, 2, refiner.None
	trees, _ := collect(t, m, env, lunia)
	require.Equal(t, []string{"capital of Lunia -", "weather -", "Bo -", "revise 2 +0.00", "mayor of Marrow -", "Ada -", "revise 3 +0.00", "Ada +0.00"}, credits(trees[0]))
}

// A search that finds again what was shown is not paid.
func TestRepeatsAreNotPaid(t *testing.T) {
	env, _ := environment(t, func(prefix string, _ int) string {
		episode := prefix[strings.LastIndex(prefix, asks)+len(asks):]
		switch {
		case strings.HasSuffix(prefix, decides):
			return " accept</decision>"
		case strings.Count(episode, "<search>") < 2:
			return mayor
		}
		return right
	})
	m := method(nil)
	m.Group, m.Process = 1, judge.Density{}
	trees, metrics := collect(t, m, env, lunia)
	require.Equal(t, 1.5, trees[0].Trajectories[0].Reward)
	require.Equal(t, .5, metrics[refiner.MetricUseful])
	var noted []float64
	for _, s := range trees[0].Segments {
		for _, r := range s.Rewards {
			noted = append(noted, r.Value)
		}
	}
	require.Equal(t, []float64{1, 0}, noted, "each where its documents are")
}

// Accepting changes nothing, so its gain is 0 also where the draft is right.
func TestAcceptingGainsNothing(t *testing.T) {
	env, _ := environment(t, turns(" accept</decision>", mayor))
	m := method(nil)
	m.Group, m.Gain = 1, true
	trees, metrics := collect(t, m, env, lunia)
	require.Equal(t, []string{"capital of Lunia +0.00", "mayor of Marrow +0.00", "Ada +0.00", "accept +0.00"}, credits(trees[0]))
	require.Equal(t, 1., metrics[refiner.MetricDraftEM])
	require.Zero(t, metrics[refiner.MetricHarmed])
}
