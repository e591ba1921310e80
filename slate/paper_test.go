package slate_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/grpo"
	"searchrl/internal/scripted"
	"searchrl/rollout"
	"searchrl/slate"
)

// What these tests quote is what is known of the paper: its abstract, and the released code with the numbers of equations
// that it names.

// firstTurn is a decision point with all kinds of candidates.
var firstTurn = map[string][]string{asks: {good, vague, wrong, right, broken}, found: {right}}

// best is the paper's method but for the selection, which is not left to chance.
func best() slate.Method {
	m := slate.Paper(opinions())
	m.Next = slate.Best
	return m
}

// TestTranscript is the golden transcript of one question. By hand, at the first of B = 4 turns: rewards 2, 1, −2 + 0.075,
// 2 + 0.075, −2; mean 0.23, squared deviations 3.1329 + 0.5929 + 4.644025 + 3.404025 + 4.9729 = 16.74675, std with k−1 = 4
// in the denominator 2.046140; so A = 1.77, 0.77, −2.155, 1.845, −2.23 in units of that.
func TestTranscript(t *testing.T) {
	env, _ := environment(t, firstTurn)
	trees, metrics := collect(t, best(), env)
	for name, want := range map[string]float64{slate.MetricGroups: 1, slate.MetricStep: 1.15 / 5, slate.MetricThought: 2. / 4, slate.MetricQuery: 1. / 2,
		slate.MetricAnswer: 0, slate.MetricAnswers: 2. / 5, slate.MetricInvalid: 1. / 5, slate.MetricFlawedBest: 0, slate.MetricMasked: 0} {
		require.InDelta(t, want, metrics[name], 1e-12, name)
	}
	require.Equal(t, `after prompt "Question: What is the capital of Lunia?"
  query  "capital of Lunia" thought +1 (table), query +1 (table): r = +2, A = +0.865
  query  "Lunia"            thought +1 (table), query +0 (table): r = +1, A = +0.376
  answer "Dole"             thought -1 (table), answer -1 (table), early +0.075 (rule): r = -1.93, A = -1.053
* answer "Marrow"           thought +1 (table), answer +1 (table), early +0.075 (rule): r = +2.08, A = +0.902
  invalid ""                 invalid -2 (rule): r = -2, A = -1.090
`, transcript(trees[0]))
	require.Equal(t, 1., trees[0].Trajectories[0].Reward)
}

// "r_t = r_think + r_query", "r_t = r_think + r_answer + lambda*(B − t)/B", "lambda = 0.1": Eq. 3 and 4, here over two
// turns. t counts from 1.
func TestStepRewards(t *testing.T) {
	env, _ := environment(t, map[string][]string{asks: {good, stray}, found: {right, wrong}})
	m := best()
	m.Candidates = 2
	trees, _ := collect(t, m, env)
	tree := trees[0]
	first := candidates(tree, 0)
	require.Len(t, first, 2)
	require.Equal(t, []rollout.Reward{{Name: "query", Value: 1, Source: "table"}}, tree.Segments[first[0]].Rewards)
	require.Equal(t, []rollout.Reward{{Name: "query", Value: -1, Source: "table"}}, tree.Segments[first[1]].Rewards)
	last := tree.Segments[tree.Trajectories[0].Leaf]
	require.Equal(t, []rollout.Reward{{Name: "answer", Value: 1, Source: "table"}, {Name: "early", Value: .1 * (4 - 2) / 4, Source: "rule"}}, last.Rewards)
	// B turns at the shortest: in the only turn there is, answering is not early.
	env.Protocol.MaxTurns = 1
	env.Policy, _ = policyOf(t, map[string][]string{asks: {right, wrong}})
	trees, _ = collect(t, m, env)
	require.Equal(t, rollout.Reward{Name: "early", Value: 0, Source: "rule"}, trees[0].Segments[trees[0].Trajectories[0].Leaf].Rewards[1])
}

func policyOf(t testing.TB, texts map[string][]string) (rollout.Policy, *scripted.Counter) {
	env, c := environment(t, texts)
	return env.Policy, c
}

// "A_t^(j) = (r_t^(j) − mean_j r_t) / (std_j r_t + 1e-6); torch std = unbiased (k−1)": Eq. 5; mean-only as an option.
func TestAdvantages(t *testing.T) {
	env, _ := environment(t, map[string][]string{asks: {good, vague, stray}})
	env.Protocol.MaxTurns = 1
	for norm, want := range map[grpo.Normalisation][]float64{
		grpo.MeanOnly:     {5. / 3, 2. / 3, -7. / 3}, // r = 2, 1, −2: mean 1/3, std √(13/3)
		grpo.Standardised: {5. / 3 / math.Sqrt(13./3), 2. / 3 / math.Sqrt(13./3), -7. / 3 / math.Sqrt(13./3)},
	} {
		m := best()
		m.Candidates, m.Normalisation = 3, norm
		trees, _ := collect(t, m, env)
		for j, leaf := range candidates(trees[0], 0) {
			require.InDelta(t, want[j], trees[0].Segments[leaf].Advantages[0], 1e-5)
		}
	}
}

// "index ~ softmax(A_t / eta), eta = 0.7"; the first of two candidates is ahead by 4 with mean-only advantages ±2, so it is
// selected with the probability 1/(1+exp(−4/η)), here with η = 4/ln 3 in three of four cases. Hoeffding over 2000 questions:
// off by 0.08 with a probability below 2·exp(−2·2000·0.08²) < 2e-11.
func TestSelectionOfThePrefix(t *testing.T) {
	env, _ := environment(t, map[string][]string{asks: {good, stray}, found: {right}})
	env.Protocol.MaxTurns = 2
	const n = 2000
	for next, want := range map[slate.Next]float64{slate.Softmax: .75, slate.Best: 1, slate.Uniform: .5, slate.First: 1} {
		m := best()
		m.Candidates, m.Normalisation, m.Next, m.Eta = 2, grpo.MeanOnly, next, 4/math.Log(3)
		selected := 0.
		rng := rand.New(rand.NewPCG(rand.Uint64(), 0))
		for range n {
			trees, _, err := m.Collect(t.Context(), env, questions(1), rng)
			require.NoError(t, err)
			for _, i := range trees[0].Path(trees[0].Trajectories[0].Leaf) {
				if trees[0].Segments[i].Value == "capital of Lunia" {
					selected += 1. / n
				}
			}
		}
		require.InDelta(t, want, selected, .08, "%s", next)
	}
}

// "only the winner's search is executed (1 retrieval per step instead of k)", "all k candidates trained, retrieved tokens
// masked", "after B turns without one, force <answer>".
func TestOnePrefixManyCandidates(t *testing.T) {
	env, searcher := environment(t, map[string][]string{asks: {good, vague, stray, good, good}, found: {vague, stray, good},
		"\n<answer>": {"Dole</answer>", "Marrow</answer>"}})
	env.Protocol.AfterLastTurn = rollout.ForceAnswer
	trees, metrics := collect(t, best(), env)
	tree := trees[0]
	require.Equal(t, rollout.Answered, tree.Trajectories[0].End)
	require.Equal(t, 4, tree.Trajectories[0].Searches)
	require.Equal(t, 4, tree.Total().Searches, "T retrievals")
	require.Len(t, searcher.Queries, 4, "T retrievals, not kT")
	require.Equal(t, 5., metrics[slate.MetricGroups])
	// Every sampled token is a target, once, and no other token is.
	targets, err := grpo.Targets(trees, grpo.TokenMean)
	require.NoError(t, err)
	require.Len(t, targets, tree.Total().Sampled)
	for _, target := range targets {
		require.InDelta(t, 1/float64(len(targets)), target.Weight, 1e-12)
	}
	for _, s := range tree.Segments {
		require.Equal(t, s.Sampled(), s.Advantages != nil, "%s", s.Kind)
	}
	// A forced answer: no thought, no bonus.
	last := tree.Segments[tree.Trajectories[0].Leaf]
	require.Equal(t, "Marrow", last.Value)
	require.Equal(t, []rollout.Reward{{Name: "answer", Value: 1, Source: "table"}, {Name: "early", Value: 0, Source: "rule"}}, last.Rewards)
}

// The hyperparameters of configs/slate.yaml and scripts/train_slate.sh: k = 5, η = 0.7, λ = 0.1.
func TestDefaults(t *testing.T) {
	m := slate.Paper(opinions())
	require.NoError(t, m.Validate())
	require.Equal(t, 5, m.Candidates)
	require.Equal(t, .7, m.Eta)
	require.Equal(t, .1, m.Early)
	require.Equal(t, "slate", m.Name())
}

// closing is a judge that counts how often it is closed.
type closing struct {
	*scores
	closed *int
}

func (c closing) Close() error { *c.closed++; return nil }

// A method is released with its judge, once; one whose judge holds nothing, or that has none, can be released too.
func TestRelease(t *testing.T) {
	closed := 0
	require.NoError(t, grpo.Release(slate.Paper(closing{opinions(), &closed})))
	require.Equal(t, 1, closed)
	require.NoError(t, grpo.Release(slate.Paper(opinions())))
	require.NoError(t, grpo.Release(slate.Method{}))
}
