package slate_test

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/grpo"
	"searchrl/judge"
	"searchrl/qa"
	"searchrl/rollout"
	"searchrl/slate"
)

// What the released code gets wrong, as tests (see the package's documentation).

func questions(n int) []qa.Question {
	out := make([]qa.Question, n)
	for i := range out {
		out[i] = lunia
	}
	return out
}

// "step_data … nothing under verl/ reads it: as released, the step-level advantages never reach the loss."
func TestEveryCandidateReachesTheLoss(t *testing.T) {
	env, _ := environment(t, firstTurn)
	trees, _ := collect(t, best(), env)
	targets, err := grpo.Targets(trees, grpo.TokenMean)
	require.NoError(t, err)
	seen := map[int]float64{}
	for _, target := range targets {
		require.NotZero(t, target.Weight)
		seen[target.Segment] = target.Advantage
	}
	group := candidates(trees[0], 0)
	require.Len(t, group, 5)
	for _, leaf := range group {
		require.NotZero(t, seen[leaf], "candidate %q", trees[0].Segments[leaf].Text)
	}
}

// "Forced tokens are marked trainable."
func TestForcedTokensAreNotTrained(t *testing.T) {
	env, _ := environment(t, map[string][]string{asks: {good, stray}, "<answer>": {"Dole</answer>", "Marrow</answer>"}})
	env.Protocol.MaxTurns, env.Protocol.AfterLastTurn = 1, rollout.ForceAnswer
	trees, _ := collect(t, best(), env)
	forced := 0
	for _, s := range trees[0].Segments {
		if s.Kind == rollout.Opening {
			forced++
			require.Nil(t, s.Advantages)
			require.Empty(t, s.Rewards)
		}
	}
	require.Equal(t, 1, forced)
}

// "A failed judge call gives 0": here it moves nothing. The query of the second candidate cannot be judged, so it counts
// as the mean of the other two, (1 − 1)/2; of the fourth nothing can, so it is left out.
func TestUnknownScoresAreMasked(t *testing.T) {
	j := opinions()
	delete(j.table, "Lunia")
	j.table["weather"] = 0 // the known queries' mean is not 0 then
	env, _ := environment(t, map[string][]string{asks: {good, vague, stray, "<think>What?</think><search>which</search>"}})
	m := best()
	m.Judge, m.Candidates, m.Normalisation = j, 4, grpo.MeanOnly
	env.Protocol.MaxTurns = 1
	trees, metrics := collect(t, m, env)
	require.Equal(t, `after prompt "Question: What is the capital of Lunia?"
* query  "capital of Lunia" thought +1 (table), query +1 (table): r = +2, A = +1.167
  query  "Lunia"            thought +1 (table), query +0.5 (masked: table): r = +1.5, A = +0.667
  query  "weather"          thought -1 (table), query +0 (table): r = -1, A = -1.833
  query  "which"            thought +0 (masked: table), query +0 (masked: table): r = +0, no advantage
`, transcript(trees[0]))
	require.Equal(t, 3./8, metrics[slate.MetricMasked])
	require.Equal(t, 5., metrics[slate.MetricLabels])
	require.InDelta(t, (2+1.5-1)/3, metrics[slate.MetricStep], 1e-12, "of those that count")
	require.InDelta(t, (1.+1-1)/3, metrics[slate.MetricThought], 1e-12, "as known")
	require.InDelta(t, (1.+0)/2, metrics[slate.MetricQuery], 1e-12)
}

// TestAllUnknown: no advantages at all, the group is dead, and the question goes on.
func TestAllUnknown(t *testing.T) {
	env, searcher := environment(t, map[string][]string{asks: {good, vague}, found: {right}})
	m := slate.Paper(&scores{})
	m.Candidates = 2
	trees, metrics := collect(t, m, env)
	for _, s := range trees[0].Segments {
		require.Nil(t, s.Advantages)
	}
	require.Equal(t, 1., metrics[grpo.MetricDeadGroups])
	require.Equal(t, 1., metrics[slate.MetricMasked])
	require.Zero(t, metrics[slate.MetricLabels])
	require.Len(t, searcher.Queries, 1)
	require.Equal(t, 1., trees[0].Trajectories[0].Reward)
}

// TestLeftOutCandidatesCanBeTheNextPrefix: only if the judge has no say in it.
func TestLeftOutCandidatesCanBeTheNextPrefix(t *testing.T) {
	unknown := "<think>What?</think><search>which capital</search>"
	env, searcher := environment(t, map[string][]string{asks: {unknown, good}, found: {right}})
	m := best()
	m.Candidates = 2
	for _, next := range []slate.Next{slate.First, slate.Best} {
		m.Next = next
		collect(t, m, env)
	}
	require.Equal(t, []string{"which capital", "capital of Lunia"}, searcher.Queries)
}

// "Only the FIRST gold alias is passed": here the judge gets all, and the right prefix, of one prefix' steps only.
func TestWhatTheJudgeSees(t *testing.T) {
	j := opinions()
	env, _ := environment(t, map[string][]string{asks: {good, stray}, found: {alias, wrong}})
	m := best()
	m.Judge, m.Candidates = j, 2
	trees, _ := collect(t, m, env)
	require.Len(t, j.seen, 4)
	require.Equal(t, judge.Step{Question: lunia, Thought: "I look it up.", Query: "capital of Lunia"}, j.seen[0])
	second := j.seen[2]
	require.True(t, second.IsAnswer)
	require.Equal(t, "Marrow City", second.Answer)
	require.Equal(t, []string{"Marrow", "Marrow City"}, second.Question.Answers)
	require.Len(t, second.Past, 1)
	require.Equal(t, "I look it up.", second.Past[0].Thought)
	require.Equal(t, "capital of Lunia", second.Past[0].Query)
	require.Equal(t, "The capital of Lunia is Marrow.", second.Past[0].Documents[0].Text)
	require.Equal(t, 1., trees[0].Trajectories[0].Reward, "any alias is right")
}

// TestDeadGroups: one candidate, or equal ones, carry no signal, and the walk goes on.
func TestDeadGroups(t *testing.T) {
	env, _ := environment(t, map[string][]string{asks: {good}, found: {right}})
	for _, k := range []int{1, 4} {
		for _, norm := range []grpo.Normalisation{grpo.Standardised, grpo.MeanOnly} {
			m := slate.Paper(opinions())
			m.Candidates, m.Normalisation = k, norm
			trees, metrics := collect(t, m, env)
			require.Equal(t, 1., metrics[grpo.MetricDeadGroups])
			require.Equal(t, 2., metrics[slate.MetricGroups])
			require.Equal(t, float64(4*k), metrics[slate.MetricLabels])
			require.Equal(t, 1., trees[0].Trajectories[0].Reward)
			for _, s := range trees[0].Segments {
				for _, a := range s.Advantages {
					require.Zero(t, a)
				}
			}
		}
	}
}

// TestInvalidCandidates: the lowest reward, no judging; selected, it ends the trajectory under this protocol.
func TestInvalidCandidates(t *testing.T) {
	j := opinions()
	env, _ := environment(t, map[string][]string{asks: {broken, vague}})
	m := best()
	m.Judge, m.Candidates, m.Next = j, 2, slate.First
	trees, metrics := collect(t, m, env)
	require.Len(t, j.seen, 1)
	require.Equal(t, rollout.InvalidAction, trees[0].Trajectories[0].End)
	require.Equal(t, .5, metrics[slate.MetricInvalid])
	require.Negative(t, trees[0].Segments[candidates(trees[0], 0)[0]].Advantages[0])
}

// TestBatching: what is sampled for a question does not depend on the others in the call.
func TestBatching(t *testing.T) {
	env, _ := environment(t, firstTurn)
	m := slate.Paper(opinions())
	for seed := range uint64(20) {
		rng := func() *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }
		trees, metrics, err := m.Collect(t.Context(), env, questions(3), rng())
		require.NoError(t, err)
		require.Len(t, trees, 3)
		require.GreaterOrEqual(t, metrics[slate.MetricGroups], 3.)
		alone, _, err := m.Collect(t.Context(), env, questions(1), rng())
		require.NoError(t, err)
		require.Equal(t, alone[0], trees[0])
	}
}

// TestInvalidStepsAreNoPast: where the protocol lets the agent go on from an invalid step, it has taken a turn, and the judge
// sees nothing of it.
func TestInvalidStepsAreNoPast(t *testing.T) {
	j := opinions()
	env, _ := environment(t, map[string][]string{asks: {broken}, "again.\n": {good}, found: {right}})
	env.Protocol.Notice = "\nTry again.\n"
	m := best()
	m.Judge, m.Candidates = j, 1
	trees, _ := collect(t, m, env)
	require.Len(t, j.seen, 2)
	require.Empty(t, j.seen[0].Past)
	require.Len(t, j.seen[1].Past, 1)
	require.Equal(t, "capital of Lunia", j.seen[1].Past[0].Query)
	last := trees[0].Segments[trees[0].Trajectories[0].Leaf]
	require.InDelta(t, .1*(4-3)/4, last.Rewards[1].Value, 1e-12)
}

func TestErrors(t *testing.T) {
	env, _ := environment(t, firstTurn)
	for want, spoil := range map[string]func(m *slate.Method){
		"candidates is 0":      func(m *slate.Method) { m.Candidates = 0 },
		"top-k 4":              func(m *slate.Method) { m.Behaviour.TopK = 4 },
		"normalisation":        func(m *slate.Method) { m.Normalisation = "median" },
		"sampling":             func(m *slate.Method) { m.Sampling = "half" },
		"reward":               func(m *slate.Method) { m.Reward = "sparse" },
		"next prefix":          func(m *slate.Method) { m.Next = "worst" },
		"η is 0":               func(m *slate.Method) { m.Next, m.Eta = slate.Softmax, 0 },
		"λ is -1":              func(m *slate.Method) { m.Early = -1 },
		"need a judge":         func(m *slate.Method) { m.Judge = nil },
		"credit":               func(m *slate.Method) { m.Sampling, m.Credit = slate.Full, "" },
		"baseline \"mean\"":    func(m *slate.Method) { m.Baseline = "mean" },
		"baseline zero with":   func(m *slate.Method) { m.Sampling, m.Baseline = slate.Full, slate.Zero },
		"completions is 0":     func(m *slate.Method) { m.Sampling, m.Completions = slate.Completed, 0 },
		errDown.Error():        func(m *slate.Method) { m.Judge = failing{errDown} },
		"it answered for 0":    func(m *slate.Method) { m.Judge = failing{} },
		"has the score NaN":    func(m *slate.Method) { m.Judge = &scores{table: map[string]float64{"I look it up.": math.NaN()}} },
		"expected one from −1": func(m *slate.Method) { m.Judge = &scores{table: map[string]float64{"I look it up.": 3}} },
	} {
		m := best()
		spoil(&m)
		_, _, err := m.Collect(context.Background(), env, questions(1), seeded())
		require.ErrorContains(t, err, want)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	m := best()
	_, _, err := m.Collect(ctx, env, questions(1), seeded())
	require.ErrorIs(t, err, context.Canceled)
}

func TestSettingsAsJSON(t *testing.T) {
	text, err := best().MarshalJSON()
	require.NoError(t, err)
	require.True(t, strings.Contains(string(text), `"judge":"table"`) && strings.Contains(string(text), `"eta":0.7`), string(text))
}
