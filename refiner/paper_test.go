package refiner_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/grpo"
	"searchrl/judge"
	"searchrl/qa"
	"searchrl/refiner"
	"searchrl/rollout"
)

// "R(y) = r_out · (1 + r_proc), r_proc = (1/M) Σ u_i": the process reward counts for a right answer only.
func TestHybridReward(t *testing.T) {
	for _, c := range []struct {
		em     float64
		useful []float64
		want   float64
	}{
		{0, []float64{1, 1}, 0},
		{1, nil, 1},
		{1, []float64{0}, 1},
		{1, []float64{1}, 2},
		{1, []float64{1, 0, 0, 1}, 1.5},
	} {
		require.InDelta(t, c.want, refiner.Hybrid(c.em, c.useful), 1e-12)
	}
}

// verdicts is an assessor by table: of queries. What is not in it is unknown.
type verdicts map[string]float64

func (verdicts) Name() string { return "table" }

func (v verdicts) Assess(_ context.Context, sets []judge.Retrieval) ([]judge.Score, error) {
	out := make([]judge.Score, len(sets))
	for i, set := range sets {
		value, ok := v[set.Query]
		out[i] = judge.Score{Value: value, Known: ok, Source: "table"}
	}
	return out, nil
}

// repaired is one question's group of two: both drafts stray, the first suffix finds the way, the second does not.
func repaired(t testing.TB, change func(m *refiner.Method)) (*rollout.Tree, grpo.Metrics) {
	env, _ := environment(t, turns(" revise 2</decision>", weather, weather, mayor, weather))
	m := method(nil)
	m.Group, m.Normalisation = 2, grpo.MeanOnly
	change(&m)
	trees, metrics := collect(t, m, env, lunia)
	return trees[0], metrics
}

func TestProcessReward(t *testing.T) {
	tree, metrics := repaired(t, func(m *refiner.Method) { m.Process = verdicts{"capital of Lunia": 1, "mayor of Marrow": 0} })
	require.Equal(t, 1.5, tree.Trajectories[0].Reward)
	require.Zero(t, tree.Trajectories[1].Reward, "wrong answers are not assessed")
	require.Equal(t, .5, metrics[refiner.MetricUseful])
	require.Zero(t, metrics[refiner.MetricMasked])

	tree, metrics = repaired(t, func(m *refiner.Method) { m.Process = verdicts{"capital of Lunia": 1} })
	require.Equal(t, 2.0, tree.Trajectories[0].Reward, "what is unknown is left out of the mean")
	require.Equal(t, .5, metrics[refiner.MetricMasked])

	env, _ := environment(t, turns(" accept</decision>", mayor))
	m := method(nil)
	m.Process = verdicts{"capital of Lunia": .5, "mayor of Marrow": 1}
	_, _, err := m.Collect(context.Background(), env, []qa.Question{lunia}, seeded())
	require.ErrorContains(t, err, "table gave 0.5, expected 0 or 1")
}

// credits returns the advantage of each sampled segment as text, by what it says; "-" for none.
func credits(tree *rollout.Tree) []string {
	var out []string
	for i := range tree.Segments {
		s := &tree.Segments[i]
		if s.Kind != rollout.Query && s.Kind != rollout.Answer && s.Kind != rollout.Decision {
			continue
		}
		text := s.Value + " -"
		if s.Advantages != nil {
			text = fmt.Sprintf("%s %+.2f", s.Value, s.Advantages[0])
		}
		out = append(out, text)
	}
	return out
}

// Rewards are 1 and 0, so the advantages are ±0.5 whatever is trained. The group's segments in the order of sampling: the
// drafts' three steps side by side, decisions, suffixes.
func TestCredit(t *testing.T) {
	const kept, cut = "capital of Lunia", "weather"
	for name, c := range map[string]struct {
		change func(m *refiner.Method)
		want   []string
	}{
		"prefix": {func(*refiner.Method) {}, []string{
			kept + " +0.50", kept + " -0.50", cut + " -", cut + " -", "Bo -", "Bo -",
			"revise 2 +0.50", "revise 2 -0.50", "mayor of Marrow +0.50", cut + " -0.50", "Ada +0.50", "Bo -0.50"}},
		"none": {func(m *refiner.Method) { m.Discarded = refiner.None }, []string{
			kept + " -", kept + " -", cut + " -", cut + " -", "Bo -", "Bo -",
			"revise 2 +0.50", "revise 2 -0.50", "mayor of Marrow +0.50", cut + " -0.50", "Ada +0.50", "Bo -0.50"}},
		"all": {func(m *refiner.Method) { m.Discarded = refiner.All }, []string{
			kept + " +0.50", kept + " -0.50", cut + " +0.50", cut + " -0.50", "Bo +0.50", "Bo -0.50",
			"revise 2 +0.50", "revise 2 -0.50", "mayor of Marrow +0.50", cut + " -0.50", "Ada +0.50", "Bo -0.50"}},
		"frozen": {func(m *refiner.Method) { m.Frozen = true }, []string{
			kept + " +0.50", kept + " -0.50", cut + " -", cut + " -", "Bo -", "Bo -",
			"revise 2 -", "revise 2 -", "mayor of Marrow +0.50", cut + " -0.50", "Ada +0.50", "Bo -0.50"}},
		"gain": {func(m *refiner.Method) { m.Gain = true }, []string{
			kept + " +0.50", kept + " -0.50", cut + " -", cut + " -", "Bo -", "Bo -",
			"revise 2 +1.00", "revise 2 +0.00", "mayor of Marrow +0.50", cut + " -0.50", "Ada +0.50", "Bo -0.50"}},
	} {
		t.Run(name, func(t *testing.T) {
			tree, metrics := repaired(t, c.change)
			require.Equal(t, c.want, credits(tree))
			require.Zero(t, metrics[grpo.MetricDeadGroups])
			for _, s := range tree.Segments {
				require.True(t, s.Sampled() || s.Advantages == nil)
			}
		})
	}
}

// Algorithm 1: "if π_d ≥ τ accept; else draw the cut from π_h, keep, regenerate".
func TestThreshold(t *testing.T) {
	for _, c := range []struct {
		accept  float64 // probability of accept; the rest is on revise 2
		tau     float64
		revised bool
	}{{.4, .5, true}, {.5, .5, false}, {.6, .5, false}, {.4, .3, false}, {.9, .95, true}, {.4, 0, false}} {
		env, _ := environment(t, turns("", weather, mayor))
		env.Policy = oddsPolicy{env.Policy, env, map[string]float64{
			" accept</decision>": math.Log(c.accept), " revise 1</decision>": math.Log((1 - c.accept) / 4),
			" revise 2</decision>": math.Log((1 - c.accept) / 2), " revise 3</decision>": math.Log((1 - c.accept) / 4)}}
		m := method(nil)
		m.Threshold = c.tau
		trees, err := m.Act(context.Background(), env, []qa.Question{lunia}, rollout.Sampling{}, seeded())
		require.NoError(t, err)
		require.Len(t, trees[0].Trajectories, 1)
		require.Equal(t, map[bool]string{false: "Bo", true: "Ada"}[c.revised], trees[0].Trajectories[0].Answer, "%+v", c)
		last := -1
		for i := range trees[0].Segments {
			if s := &trees[0].Segments[i]; s.Kind == rollout.Decision {
				last = i
				require.False(t, s.Sampled(), "the threshold decided")
			}
		}
		require.Equal(t, map[bool]string{false: "accept", true: "revise 2"}[c.revised], trees[0].Segments[last].Value)
	}
}

// oddsPolicy scores decisions by a table.
type oddsPolicy struct {
	rollout.Policy
	env   *rollout.Env
	table map[string]float64
}

func (p oddsPolicy) Score(_ context.Context, reqs []rollout.ScoreRequest) ([][][]float64, error) {
	out := make([][][]float64, len(reqs))
	for i, req := range reqs {
		for _, target := range req.Targets {
			row := make([]float64, len(target))
			row[0] = p.table[p.env.Tokenizer.Decode(target)]
			out[i] = append(out[i], row)
		}
	}
	return out, nil
}

// A greedy suffix of a greedy draft is the draft's own: the refiner can change nothing.
func TestGreedySuffixOfAGreedyDraft(t *testing.T) {
	env, _, world := embedded(t)
	questions := world.Questions(rand.New(rand.NewPCG(1, 1)), 12)
	m := method(world)
	m.Threshold = 1 // revise whatever can be revised
	m.Suffix = refiner.Greedy
	acted, err := m.Act(context.Background(), env, questions, rollout.Sampling{}, seeded())
	require.NoError(t, err)
	plain, err := env.Rollout(context.Background(), questions, 1, rollout.Sampling{}, seeded())
	require.NoError(t, err)
	for i := range plain {
		require.Equal(t, plain[i].PathTokens(plain[i].Trajectories[0].Leaf), acted[i].PathTokens(acted[i].Trajectories[0].Leaf))
	}
}

// "ΔJ = A_prec + V_inter · S_trim" holds of the estimates themselves, whatever was drawn.
func TestEstimatesKeepTheIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "n")
		revisions := make([]refiner.Revision, n)
		for i := range revisions {
			r := refiner.Revision{
				Cluster: rapid.IntRange(0, 5).Draw(t, "cluster"), Accept: rapid.Float64Range(0, .95).Draw(t, "alpha"),
				Draft: rapid.Float64Range(0, 2).Draw(t, "draft"), Revised: rapid.Bool().Draw(t, "revised"),
			}
			r.Final = r.Draft
			if r.Revised {
				r.Final = rapid.Float64Range(0, 2).Draw(t, "final")
			}
			revisions[i] = r
		}
		terms := refiner.Estimate(revisions)
		require.InDelta(t, terms.Gain, terms.Accepting+terms.Revising*terms.Trimming, 1e-9)
		mean := 0.0
		for _, r := range revisions {
			mean += (r.Final - r.Draft) / float64(n)
		}
		require.InDelta(t, mean, terms.Gain, 1e-9)
	})
}

func TestEstimatesByHand(t *testing.T) {
	// Two drafts, each cut with probability 1/2 and 3/4: the first was cut and gained 1, the second was not.
	terms := refiner.Estimate([]refiner.Revision{
		{Cluster: 0, Accept: .5, Draft: 0, Final: 1, Revised: true},
		{Cluster: 1, Accept: .25, Draft: 1, Final: 1},
	})
	require.InDelta(t, .5, terms.Gain, 1e-12)
	require.InDelta(t, 1, terms.Trimming, 1e-12) // w = 2, 0
	require.InDelta(t, .625, terms.Revising, 1e-12)
	require.InDelta(t, -.125, terms.Accepting, 1e-12)
	require.True(t, terms.GainCI.Known())
	require.True(t, math.IsNaN(refiner.Estimate(nil).Gain))
}
