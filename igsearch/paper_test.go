package igsearch_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/grpo"
	"searchrl/igsearch"
	"searchrl/rollout"
)

// What these tests quote is what is known of the paper: its abstract, and README and ig_reward.py of the released code.

// TestTranscript is the golden transcript of a batch of two questions. By hand: after the real documents ℓ = −0.5, after those
// of the other question −2.5, and −2.75 after the weather, which the other question's second trajectory brings. So the gain of
// a good query is −0.5 + (2.5 + 2.75)/2 = 2.125, and that of the weather −2.75 + 2.625 = −0.125. Over a group: mean 1.375, squared
// deviations 0.5625, 2.25, 0.5625, std √(3.375/2) = 1.299; z = 0.577, −1.155, 0.577; α z = 0.173, −0.346, 0.173. The second group
// failed entirely: only its queries have advantages. In the first A = 1.155, −0.577, −0.577.
func TestTranscript(t *testing.T) {
	env, _ := environment(t, searching)
	trees, _ := collect(t, three(), env)
	require.Equal(t, `What is the capital of Lunia?
  R = 1: think A +1.15 query "capital of Lunia" IG +2.125 z +0.58 A +1.33 [Lunia] think A +1.15 answer "Marrow" A +1.15
  R = 0: think A -0.58 query "weather" IG -0.125 z -1.15 A -0.92 [Sky] think A -0.58 answer "Dole" A -0.58
  R = 0: think A -0.58 query "Lunia" IG +2.125 z +0.58 A -0.40 [Lunia] think A -0.58 answer "Dole" A -0.58
`, transcript(trees[0]))
	require.Equal(t, `What is the capital of Bor?
  R = 0: think A +0.00 query "capital of Bor" IG +2.125 z +0.58 A +0.17 [Bor] think A +0.00 answer "Dole" A +0.00
  R = 0: think A +0.00 query "weather" IG -0.125 z -1.15 A -0.35 [Sky] think A +0.00 answer "Dole" A +0.00
  R = 0: think A +0.00 query "Bor" IG +2.125 z +0.58 A +0.17 [Bor] think A +0.00 answer "Dole" A +0.00
`, transcript(trees[1]))
}

// "IG_t = log pi_old(a* | C_t^real) − (1/N) sum_j log pi_old(a* | C_t^rand,j)"; "best REAL variant chosen, baseline taken from that
// same variant".
func TestGain(t *testing.T) {
	require.InDelta(t, -1-(-2.-4.)/2, igsearch.Gain([]float64{-1}, [][]float64{{-2}, {-4}}), 1e-15)
	require.InDelta(t, -1-(-5.), igsearch.Gain([]float64{-3, -1}, [][]float64{{-.5, -5}}), 1e-15)
	require.Zero(t, igsearch.Gain([]float64{-3, -1.1}, [][]float64{{-3, -1.1}, {-3, -1.1}, {-3, -1.1}}))
}

// "C_t^rand: same, but step t's (documents, refine) pair is replaced together by a pair of another rollout in the batch; the step-t
// query text is kept; steps after t dropped", and what we add: never of the same question.
func TestPairsAreReplacedTogether(t *testing.T) {
	env, policy := environment(t, map[string][]string{
		asksLunia: {capitalLunia}, asksBor: {capitalBor},
		foundLunia: {"<refine>Marrow it is.</refine><think>Good.</think><answer>Marrow</answer>"},
		foundBor:   {"<refine>Tiller so.</refine><think>Good.</think><answer>Tiller</answer>"},
	})
	env.Protocol.Tags.Refine = "refine"
	m := three()
	m.Outcome.Group = 1
	trees, _ := collect(t, m, env)
	require.Equal(t, rollout.Answered, trees[0].Trajectories[0].End)
	const shown = "\n\n<information>Doc 1(Title: "
	lead := "Question: What is the capital of Lunia?\n" + capitalLunia
	var contexts []string
	for _, req := range policy.asked {
		text := env.Tokenizer.Decode(req.Prefix)
		if strings.HasPrefix(text, lead) {
			contexts = append(contexts, strings.TrimPrefix(text, lead))
		}
	}
	require.Equal(t, []string{
		shown + "Lunia) The capital of Lunia is Marrow.</information>\n\n<refine>Marrow it is.</refine>\n<answer>",
		shown + "Bor) The capital of Bor is Tiller.</information>\n\n<refine>Tiller so.</refine>\n<answer>",
	}, contexts)
	for _, s := range trees[0].Segments {
		if s.Kind == rollout.Refine {
			require.Zero(t, s.Advantages[0], "the refine block has the trajectory's advantage")
		}
	}
}

// TestPairsAreOfOneKind: documents with a refine block are compared with such alone, and those without with those.
func TestPairsAreOfOneKind(t *testing.T) {
	env, policy := environment(t, map[string][]string{
		asksLunia: {capitalLunia, weather}, asksBor: {capitalBor, weather}, foundElse: {dole},
		foundLunia: {"<refine>Marrow it is.</refine>" + dole}, foundBor: {"<refine>Tiller so.</refine>" + dole},
	})
	env.Protocol.Tags.Refine = "refine"
	m := three()
	m.Outcome.Group = 2
	_, metrics := collect(t, m, env)
	require.Equal(t, 4., metrics[igsearch.MetricSteps])
	require.Equal(t, .5, metrics[igsearch.MetricPositive], "the weather gains 0, which is not positive")
	for _, req := range policy.asked {
		text := env.Tokenizer.Decode(req.Prefix)
		require.Equal(t, strings.Contains(text, "<search>weather"), !strings.Contains(lastDocuments(text), "<refine>"), text)
	}
	require.Len(t, policy.asked, 4*2, "each has one of its kind beside its own")
}

// "N = n_random_per_step = 3", "n_head = 3", "weight 3.0"; the rest is our reconstruction.
func TestDefaults(t *testing.T) {
	m := igsearch.Paper()
	require.NoError(t, m.Validate())
	require.Equal(t, 3, m.Counterfactuals)
	require.Equal(t, 3, m.Likelihood.HeadTokens)
	require.Equal(t, 3., m.Likelihood.HeadWeight)
	require.Equal(t, "ig-search", m.Name())
	require.Equal(t, igsearch.Modulation{Form: igsearch.Additive, Alpha: .3, Clip: 3}, m.Modulation)
	require.Equal(t, igsearch.Normalisation{Centre: igsearch.Group, Scale: igsearch.Group}, m.Normalisation)
	d := igsearch.Default()
	require.NoError(t, d.Validate())
	require.Equal(t, igsearch.Normalisation{Centre: igsearch.None, Scale: igsearch.Batch}, d.Normalisation)
}

// "Signal is non-zero even if all rollouts are wrong": of the forms, only those that add have it.
func TestForms(t *testing.T) {
	for form, want := range map[igsearch.Form][3]float64{ // at A = 1 (R = 1), A = −1 and A = 0 (both R = 0); z = 2
		igsearch.Additive:       {1 + .6, -1 + .6, .6},
		igsearch.Multiplicative: {1 * 1.6, -1 * .4, 0},
		igsearch.Gated:          {1 + .6, -1, 0},
	} {
		m := igsearch.Modulation{Form: form, Alpha: .3, Clip: 3}
		got := [3]float64{m.Modulate(1, 1, 2), m.Modulate(-1, 0, 2), m.Modulate(0, 0, 2)}
		for i := range want {
			require.InDelta(t, want[i], got[i], 1e-12, "%s, %d", form, i)
		}
	}
	gated := igsearch.Modulation{Form: igsearch.Gated, Alpha: .3, Clip: 3}
	require.InDelta(t, -1-.6, gated.Modulate(-1, 0, -2), 1e-12)
	far := igsearch.Modulation{Form: igsearch.Additive, Alpha: .3, Clip: 3}
	require.InDelta(t, .9, far.Modulate(0, 0, 100), 1e-12)
	require.InDelta(t, -.9, far.Modulate(0, 0, -100), 1e-12)
}

// TestNormalisations works one example through: a group with gains 4 and 0 in its first searches and 1 in a second, and one with
// a single search of gain 3. Over the batch: mean 2, std √(10/3).
func TestNormalisations(t *testing.T) {
	steps := []igsearch.Step{{Group: 0, Turn: 1, Gain: 4}, {Group: 0, Turn: 1, Gain: 0}, {Group: 0, Turn: 2, Gain: 1}, {Group: 1, Turn: 1, Gain: 3}}
	batch := math.Sqrt(10. / 3)
	own := math.Sqrt(26. / 3 / 2) // of the first group, whose mean is 5/3: squares 49/9, 25/9, 4/9
	for name, c := range map[string]struct {
		n    igsearch.Normalisation
		want []float64
	}{
		"group":         {igsearch.Normalisation{Centre: igsearch.Group, Scale: igsearch.Group}, []float64{7. / 3 / own, -5. / 3 / own, -2. / 3 / own, 1 / batch}},
		"turn":          {igsearch.Normalisation{Centre: igsearch.Turn, Scale: igsearch.Turn}, []float64{2 / math.Sqrt(8), -2 / math.Sqrt(8), -1 / batch, 1 / batch}},
		"uncentred":     {igsearch.Normalisation{Centre: igsearch.None, Scale: igsearch.Group}, []float64{4 / math.Sqrt(17./3), 0, 1 / math.Sqrt(17./3), 1}},
		"batch scale":   {igsearch.Normalisation{Centre: igsearch.Group, Scale: igsearch.Batch}, []float64{7. / 3 / own, -5. / 3 / own, -2. / 3 / own, 1 / batch}},
		"a floor of 10": {igsearch.Normalisation{Centre: igsearch.Group, Scale: igsearch.Group, Floor: 10}, []float64{7. / 30, -5. / 30, -2. / 30, .1}},
		"batch":         {igsearch.Normalisation{Centre: igsearch.Batch, Scale: igsearch.Batch}, []float64{2 / batch, -2 / batch, -1 / batch, 1 / batch}},
	} {
		require.InDeltaSlice(t, c.want, igsearch.Normalise(steps, c.n), 1e-12, name)
	}
	require.Equal(t, []float64{0, 0}, igsearch.Normalise([]igsearch.Step{{Gain: 1}, {Group: 1, Gain: 1}}, igsearch.Normalisation{Centre: igsearch.Group, Scale: igsearch.Group}))
	require.Empty(t, igsearch.Normalise(nil, igsearch.Normalisation{Centre: igsearch.Group, Scale: igsearch.Group}))
	require.Greater(t, own, grpo.StdEpsilon)
}
