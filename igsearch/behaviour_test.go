package igsearch_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/grpo"
	"searchrl/igsearch"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
)

// recorder is a learner that keeps what it is told to learn.
type recorder struct {
	grpo.Learner
	batch grpo.Batch
}

func (r *recorder) Step(_ context.Context, batch grpo.Batch, _ grpo.Surrogate, _ grpo.AdamW) (grpo.Update, error) {
	r.batch = batch
	return grpo.Update{}, nil
}

// learned runs one training step and returns what moves.
func learned(t *testing.T, m grpo.Method, env *rollout.Env, questions ...qa.Question) grpo.Batch {
	r := &recorder{}
	trainer, err := grpo.NewTrainer(r, nil, env, m, questions, grpo.Config{Questions: len(questions), Epochs: 1, MiniBatches: 1,
		Aggregation: grpo.TokenMean, Surrogate: grpo.Surrogate{ClipLow: .2, ClipHigh: .2, KL: grpo.K3, Temperature: 1}}, 0)
	require.NoError(t, err)
	rollouts, err := trainer.Collect(context.Background())
	require.NoError(t, err)
	_, err = trainer.Update(context.Background(), rollouts)
	require.NoError(t, err)
	return r.batch
}

// TestAllFailed: where every trajectory of the batch failed, exactly the tokens of queries have a gradient, tags included.
func TestAllFailed(t *testing.T) {
	env, _ := environment(t, map[string][]string{
		asksLunia: {capitalLunia, weather, justLunia}, asksBor: {capitalBor, weather, justBor}, foundElse: {dole},
	})
	require.Empty(t, learned(t, three().Outcome, env, lunia, bor).Targets, "nothing moves with the outcome alone")
	batch := learned(t, three(), env, lunia, bor)
	moved := map[[3]int]bool{}
	for _, target := range batch.Targets {
		require.Equal(t, rollout.Query, batch.Trees[target.Tree].Segments[target.Segment].Kind)
		require.NotZero(t, target.Advantage)
		moved[[3]int{target.Tree, target.Segment, target.Index}] = true
	}
	tokens, text := 0, ""
	for _, tree := range batch.Trees {
		for _, s := range tree.Segments {
			if s.Kind == rollout.Query {
				tokens += len(s.Tokens)
				text += s.Text
			}
		}
	}
	require.Len(t, moved, tokens)
	require.Equal(t, 6, strings.Count(text, "<search>"))
	require.Equal(t, 6, strings.Count(text, "</search>"))
}

// TestNoSearch: without searches it is plain GRPO.
func TestNoSearch(t *testing.T) {
	env, policy := environment(t, map[string][]string{asksLunia: {marrow, dole, dole}, asksBor: {dole, dole, marrow}})
	want, _ := collect(t, three().Outcome, env)
	got, metrics := collect(t, three(), env)
	require.Equal(t, want, got)
	require.Empty(t, policy.asked)
	require.Zero(t, metrics[igsearch.MetricSteps])
	require.NotContains(t, metrics, igsearch.MetricMean)
	require.Equal(t, .5, metrics[grpo.MetricDeadGroups])
}

// TestOnlyQueriesMove: against Search-R1 with the same samples, nothing but the queries of executed searches has another
// advantage; documents and prompts have none.
func TestOnlyQueriesMove(t *testing.T) {
	env, _ := environment(t, searching)
	plain, _ := collect(t, three().Outcome, env)
	trees, _ := collect(t, three(), env)
	moved := 0
	for i, tree := range trees {
		for s := range tree.Segments {
			got, was := tree.Segments[s], plain[i].Segments[s]
			require.Equal(t, got.Sampled(), got.Advantages != nil)
			if got.Kind == rollout.Query {
				require.NotEqual(t, was.Advantages, got.Advantages)
				moved++
				continue
			}
			require.Equal(t, was, got, "%s", got.Kind)
		}
	}
	require.Equal(t, 6, moved)
}

// TestSearchesThatFoundNothing have no gain, do not count, and are nobody's counterfactual; nor has a query that was not
// executed.
func TestSearchesThatFoundNothing(t *testing.T) {
	env, policy := environment(t, map[string][]string{
		asksLunia: {capitalLunia, nonsense, justLunia}, asksBor: {capitalBor, nonsense, justBor}, foundElse: {dole}, "query.</information>\n\n": {weather},
	})
	env.Protocol.MaxTurns = 2
	trees, metrics := collect(t, three(), env)
	require.Equal(t, 4., metrics[igsearch.MetricSteps])
	require.InDelta(t, 2./6, metrics[igsearch.MetricUnknown], 1e-12)
	for _, req := range policy.asked {
		require.NotContains(t, env.Tokenizer.Decode(req.Prefix), "No passage")
	}
	for _, s := range trees[0].Segments {
		if s.Kind == rollout.Query && s.Value != "Lunia" && s.Value != "capital of Lunia" {
			require.Empty(t, s.Rewards)
			require.Zero(t, s.Advantages[0])
		}
	}
}

// TestNeverTheSameQuestion is the leak of the released code as a test: in a batch that holds a question twice, once under
// another ID, no search is ever compared with documents of its own question.
func TestNeverTheSameQuestion(t *testing.T) {
	env, policy := environment(t, map[string][]string{
		asksLunia: {capitalLunia, weather}, asksBor: {capitalBor}, foundElse: {dole},
	})
	again, other := lunia, lunia
	other.ID = "other"
	m := three()
	m.Outcome.Group = 2
	_, metrics := collect(t, m, env, lunia, again, bor, other)
	require.Equal(t, 8., metrics[igsearch.MetricSteps])
	for _, req := range policy.asked {
		text := env.Tokenizer.Decode(req.Prefix)
		last := lastDocuments(text)
		switch {
		case strings.Contains(text, "Lunia?") && strings.Contains(text, "<search>capital"):
			require.NotContains(t, last, "weather", "only searches for Lunia brought the weather")
		case strings.Contains(text, "Lunia?"):
			require.NotContains(t, last, "Marrow")
		}
	}
	require.Len(t, policy.asked, 6*(1+1)+2*(1+2), "Lunia's searches have Bor's documents beside theirs, Bor's two have both of Lunia's")
}

// TestOneQuestion: there is nothing to compare with, and that is said.
func TestOneQuestion(t *testing.T) {
	env, _ := environment(t, searching)
	reworded := bor
	reworded.ID = lunia.ID // whatever it says, it is filed as the same question
	for _, questions := range [][]qa.Question{{lunia}, {lunia, lunia}, {lunia, reworded}} {
		_, _, err := three().Collect(context.Background(), env, questions, seeded())
		require.ErrorContains(t, err, "expected two different questions or more")
	}
	nameless, another := lunia, bor // without an ID two questions are the same if their texts are
	nameless.ID, another.ID = "", ""
	_, metrics := collect(t, three(), env, nameless, another)
	require.Equal(t, 6., metrics[igsearch.MetricSteps])
	// Two questions of which one does not search: the other's searches have no gain, and it is plain GRPO.
	env, _ = environment(t, map[string][]string{asksLunia: {capitalLunia}, foundElse: {marrow}, asksBor: {dole}})
	want, _ := collect(t, three().Outcome, env)
	got, metrics := collect(t, three(), env)
	require.Equal(t, want, got)
	require.Equal(t, 1., metrics[igsearch.MetricUnknown])
}

// TestMatching: of documents of other questions, those with as many hits and the nearest length are taken.
func TestMatching(t *testing.T) {
	env, policy := environment(t, map[string][]string{
		asksLunia: {justLunia}, asksBor: {capitalBor, weather, nonsense, justBor}, foundElse: {dole},
	})
	env.Searcher = padded{env.Searcher}
	env.Protocol.TopK = 2
	m := three()
	m.Outcome.Group = 4
	for n, want := range map[int]string{1: "Tiller", 2: "a long story"} {
		m.Counterfactuals, policy.asked = n, nil
		collect(t, m, env)
		all := ""
		for _, req := range policy.asked {
			if text := env.Tokenizer.Decode(req.Prefix); strings.Contains(text, "Lunia?") {
				all += lastDocuments(text)
			}
		}
		require.Contains(t, all, want)
		require.NotContains(t, all, "weather", "that block has two documents")
		require.Equal(t, n > 1, strings.Contains(all, "story"), "the longer block comes second")
	}
}

// padded finds one document for each query, but two for the weather, and a long one for nonsense.
type padded struct{ retrieval.Searcher }

func (p padded) Search(ctx context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
	out, err := p.Searcher.Search(ctx, queries, k)
	for i, query := range queries {
		switch query {
		case "weather":
			out[i] = append(out[i][:1:1], out[i][0])
		case "zzz":
			out[i] = []retrieval.Hit{{Document: retrieval.Document{ID: "9", Title: "Tale", Text: "It is a long story, and nobody knows how it ends."}}}
		default:
			out[i] = out[i][:1]
		}
	}
	return out, err
}

// TestOrderOfCounterfactuals: permuting them changes nothing, to the last bit.
func TestOrderOfCounterfactuals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		aliases := rapid.IntRange(1, 3).Draw(t, "aliases")
		lp := rapid.SliceOfN(rapid.Float64Range(-30, 0), aliases, aliases)
		real, others := lp.Draw(t, "real"), rapid.SliceOfN(lp, 1, 6).Draw(t, "others")
		want := igsearch.Gain(real, others)
		require.Equal(t, want, igsearch.Gain(real, rapid.Permutation(others).Draw(t, "permuted")))
		same := make([][]float64, len(others))
		for n := range same {
			same[n] = real
		}
		require.Zero(t, igsearch.Gain(real, same))
	})
}

// TestNormaliseProperties: shifting the gains of a group changes no z that was put against the group, scaling changes
// none without a floor, and the order of the steps does not matter but for rounding.
func TestNormaliseProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		steps := make([]igsearch.Step, rapid.IntRange(0, 12).Draw(t, "steps"))
		for i := range steps {
			// On a grid: equal, or so far apart that rounding decides nothing.
			steps[i] = igsearch.Step{Group: rng.IntN(2), Turn: 1 + rng.IntN(3), Gain: float64(rng.IntN(33)-16) / 4}
		}
		n := igsearch.Normalisation{
			Centre: rapid.SampledFrom([]igsearch.Set{igsearch.Group, igsearch.Turn, igsearch.Batch, igsearch.None}).Draw(t, "centre"),
			Scale:  rapid.SampledFrom([]igsearch.Set{igsearch.Group, igsearch.Turn, igsearch.Batch}).Draw(t, "scale"),
		}
		z := igsearch.Normalise(steps, n)
		require.Len(t, z, len(steps))
		scaled, shifted := make([]igsearch.Step, len(steps)), make([]igsearch.Step, len(steps))
		order := rng.Perm(len(steps))
		permuted := make([]igsearch.Step, len(steps))
		for i, s := range steps {
			scaled[i], shifted[i], permuted[i] = s, s, steps[order[i]]
			scaled[i].Gain *= 7
			shifted[i].Gain += 5
		}
		require.InDeltaSlice(t, z, igsearch.Normalise(scaled, n), 1e-9)
		if n.Centre != igsearch.None {
			require.InDeltaSlice(t, z, igsearch.Normalise(shifted, n), 1e-9)
		}
		for i, x := range igsearch.Normalise(permuted, n) {
			require.InDelta(t, z[order[i]], x, 1e-9)
		}
		n.Floor = 1e6
		for _, x := range igsearch.Normalise(steps, n) {
			require.Less(t, math.Abs(x), 1e-4)
		}
	})
}

func TestMetrics(t *testing.T) {
	env, _ := environment(t, searching)
	_, metrics := collect(t, three(), env)
	require.Equal(t, 6., metrics[igsearch.MetricSteps])
	require.Zero(t, metrics[igsearch.MetricUnknown])
	require.InDelta(t, 1.375, metrics[igsearch.MetricMean], 1e-12)
	require.InDelta(t, 1.060660, metrics[igsearch.MetricStd], 1e-6)
	require.InDelta(t, 2./3, metrics[igsearch.MetricPositive], 1e-12)
	require.InDelta(t, 1.375, metrics[igsearch.MetricTurn+"1"], 1e-12)
	require.InDelta(t, 1.375, metrics[igsearch.MetricLength+"4"], 1e-12)
	require.Equal(t, 1., metrics[igsearch.MetricGroups])
	require.Equal(t, .5, metrics[igsearch.MetricOutcomeDead])
	require.Zero(t, metrics[grpo.MetricDeadGroups])
	require.Positive(t, metrics[grpo.MetricScoredTokens])
	short := lunia
	short.Answers = []string{"Fe"}
	_, few := collect(t, three(), env, short, bor)
	require.Contains(t, few, igsearch.MetricLength+"3", "two letters and the space before them")
	for name, x := range metrics {
		require.False(t, math.IsNaN(x), name)
	}
}

// impossible is a policy that cannot write any answer.
type impossible struct{ *oracle }

func (p impossible) Score(ctx context.Context, reqs []rollout.ScoreRequest) ([][][]float64, error) {
	out, err := p.oracle.Score(ctx, reqs)
	for _, row := range out {
		row[0][0] = math.Inf(-1)
	}
	return out, err
}

// mute is a policy that does not score.
type mute struct{ *oracle }

var errMute = errors.New("no scores today")

func (mute) Score(context.Context, []rollout.ScoreRequest) ([][][]float64, error) {
	return nil, errMute
}

func TestErrors(t *testing.T) {
	env, policy := environment(t, searching)
	for want, spoil := range map[string]func(m *igsearch.Method){
		"0 counterfactuals": func(m *igsearch.Method) { m.Counterfactuals = 0 },
		"group is 0":        func(m *igsearch.Method) { m.Outcome.Group = 0 },
		"head weight":       func(m *igsearch.Method) { m.Likelihood.HeadWeight = -1 },
		"centre":            func(m *igsearch.Method) { m.Normalisation.Centre = "world" },
		"scale":             func(m *igsearch.Method) { m.Normalisation.Scale = igsearch.None },
		"floor":             func(m *igsearch.Method) { m.Normalisation.Floor = math.NaN() },
		"form":              func(m *igsearch.Method) { m.Modulation.Form = "divisive" },
		"α is -1":           func(m *igsearch.Method) { m.Modulation.Alpha = -1 },
		"c is 0":            func(m *igsearch.Method) { m.Modulation.Clip = 0 },
		"c is +Inf":         func(m *igsearch.Method) { m.Modulation.Clip = math.Inf(1) },
		"expected 0 to 1e6": func(m *igsearch.Method) { m.Modulation.Alpha = 1e300 },
	} {
		m := three()
		spoil(&m)
		_, _, err := m.Collect(context.Background(), env, []qa.Question{lunia, bor}, seeded())
		require.ErrorContains(t, err, want)
	}
	for want, p := range map[string]rollout.Policy{"finds its answer impossible": impossible{policy}, errMute.Error(): mute{policy}} {
		broken := *env
		broken.Policy = p
		_, _, err := three().Collect(context.Background(), &broken, []qa.Question{lunia, bor}, seeded())
		require.ErrorContains(t, err, want)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err := three().Collect(ctx, env, []qa.Question{lunia, bor}, seeded())
	require.ErrorIs(t, err, context.Canceled)
}

// One batch of two questions: what each search was worth, and what its query's tokens got.
func ExampleMethod() {
	env, _ := environment(&testing.T{}, searching)
	m := igsearch.Paper()
	m.Outcome.Group = 3
	trees, _, err := m.Collect(context.Background(), env, []qa.Question{lunia, bor}, seeded())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range trees[1].Segments {
		if s.Kind == rollout.Query {
			fmt.Printf("%-16s gain %+.3f, A = %+.2f\n", s.Value, s.Rewards[0].Value, s.Advantages[0])
		}
	}
	// Output:
	// capital of Bor   gain +2.125, A = +0.17
	// weather          gain -0.125, A = -0.35
	// Bor              gain +2.125, A = +0.17
}
