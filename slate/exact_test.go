package slate_test

import (
	"context"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/estimator"
	"searchrl/grpo"
	"searchrl/judge"
	"searchrl/qa"
	"searchrl/rollout"
	"searchrl/slate"
	"searchrl/verify/exact"
)

// processJudge scores the steps of an enumerable process by its rewards, a quarter of each so that they are scores.
type processJudge struct{ process *exact.Process }

func (processJudge) Name() string { return "process" }

func (p processJudge) Judge(_ context.Context, steps []judge.Step) ([]judge.Verdict, error) {
	out := make([]judge.Verdict, len(steps))
	for i, step := range steps {
		node := p.process.Root
		for _, past := range step.Past {
			action, err := strconv.Atoi(past.Thought)
			if err != nil {
				return nil, err
			}
			document, err := strconv.Atoi(past.Documents[0].ID)
			if err != nil {
				return nil, err
			}
			node = node.Actions[action].Documents[document].Next
		}
		action, err := strconv.Atoi(step.Thought)
		if err != nil {
			return nil, err
		}
		reward, _ := node.Actions[action].Reward.Float64()
		out[i].Thought = judge.Score{Known: true, Source: "process"}
		out[i].Action = judge.Score{Value: reward / 4, Known: true, Source: "process"}
	}
	return out, nil
}

// draws lets rapid draw processes.
type draws struct{ *rapid.T }

func (d draws) Int(label string, min, max int) int { return rapid.IntRange(min, max).Draw(d.T, label) }

// TestExactProcess runs SLATE as it trains on drawn processes whose trajectories can all be enumerated. Exactly: the
// candidates of a decision point share its prefix, their tokens' log-probabilities add up to the logarithm of the
// enumerated probability, their advantages are those of the enumerated rewards, and the environment searches T−1 times.
func TestExactProcess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		env, err := exact.NewEnv(exact.Draw(draws{t}, exact.Shape{Steps: 3, Actions: 3, Documents: 2, Nodes: 8}))
		require.NoError(t, err)
		m := slate.Paper(processJudge{env.Process()})
		m.Candidates, m.Early, m.Normalisation = rapid.IntRange(1, 5).Draw(t, "k"), 0, grpo.MeanOnly
		m.Next = rapid.SampledFrom([]slate.Next{slate.Softmax, slate.Best, slate.Uniform, slate.First}).Draw(t, "next")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		trees, metrics, err := m.Collect(context.Background(), env.Env, []qa.Question{env.Question, env.Question}, rng)
		require.NoError(t, err)
		groups := 0
		for _, tree := range trees {
			require.NoError(t, tree.Validate())
			trajectory := tree.Trajectories[0]
			require.Equal(t, rollout.Answered, trajectory.End)
			require.Equal(t, trajectory.Turns-1, tree.Total().Searches)
			for base := range tree.Segments {
				group := candidates(tree, base)
				if len(group) == 0 || tree.Segments[base].Sampled() {
					continue
				}
				groups++
				require.Len(t, group, m.Candidates)
				checkGroup(t, env, tree, group)
			}
		}
		require.Equal(t, float64(groups), metrics[slate.MetricGroups])
		require.Equal(t, float64(2*groups*m.Candidates), metrics[slate.MetricLabels])
	})
}

func checkGroup(t *rapid.T, env *exact.Env, tree *rollout.Tree, group []int) {
	rewards := make([]float64, len(group))
	for j, leaf := range group {
		so, _, err := env.Follow(tree.PathTokens(leaf))
		require.NoError(t, err)
		logP := 0.0
		for _, s := range tree.Path(leaf) {
			for _, lp := range tree.Segments[s].LogProbs {
				logP += lp
			}
		}
		p, _ := so.P.Float64()
		require.InDelta(t, math.Log(p), logP, 1e-12)
		rewards[j] = so.Floats()[len(so.Rewards)-1] / 4
	}
	for j, a := range estimator.Truncated(rewards, grpo.MeanOnly) {
		require.InDelta(t, a, tree.Segments[group[j]].Advantages[0], 1e-12)
	}
}

// TestFullTrajectories: the ablation gives each step its reward to go, or its trajectory's return.
func TestFullTrajectories(t *testing.T) {
	env, _ := environment(t, map[string][]string{asks: {good, wrong}, found: {right}})
	m := best()
	m.Sampling, m.Candidates, m.Normalisation, m.Early = slate.Full, 2, grpo.MeanOnly, 0
	for credit, want := range map[slate.Credit][][]float64{
		slate.ToGo:   {{3, 1}, {-3}}, // returns 2 + 2 and −2; to go at the second step 2 and 0
		slate.Return: {{3, 3}, {-3}},
	} {
		m.Credit = credit
		trees, metrics, err := m.Collect(t.Context(), env, questions(1), seeded())
		require.NoError(t, err)
		require.Equal(t, "slate-full", m.Name())
		tree := trees[0]
		require.Len(t, tree.Trajectories, 2)
		for i, trajectory := range tree.Trajectories {
			var got []float64
			for _, s := range tree.Path(trajectory.Leaf) {
				if kind := tree.Segments[s].Kind; kind == rollout.Query || kind == rollout.Answer {
					got = append(got, tree.Segments[s].Advantages[0])
				}
			}
			require.InDeltaSlice(t, want[i], got, 1e-12)
		}
		require.Equal(t, []float64{1, 0}, []float64{tree.Trajectories[0].Reward, tree.Trajectories[1].Reward})
		require.Equal(t, 6., metrics[slate.MetricLabels])
	}
	// In [0, 1] a step more does not lower a return: 0 and 1 + 1 against 0.
	m.Shifted, m.Credit = true, slate.Return
	trees, _, err := m.Collect(t.Context(), env, questions(1), seeded())
	require.NoError(t, err)
	require.Equal(t, 2., trees[0].Segments[trees[0].Trajectories[0].Leaf].Advantages[0])
}

// TestFullTrajectoriesMasked: what could not be judged, were it a whole step, takes the mean over all trajectories of the
// question: the first step of the first one gets (1 − 1 + 1)/3 for its thought and for its query.
func TestFullTrajectoriesMasked(t *testing.T) {
	j := opinions()
	delete(j.table, "I look it up.")
	delete(j.table, "capital of Lunia")
	env, _ := environment(t, map[string][]string{asks: {good, wrong, right}, found: {right}})
	m := best()
	m.Judge, m.Sampling, m.Candidates, m.Normalisation, m.Early = j, slate.Full, 3, grpo.MeanOnly, 0
	trees, metrics, err := m.Collect(t.Context(), env, questions(2), seeded())
	require.NoError(t, err)
	for _, tree := range trees {
		var got []float64
		for _, trajectory := range tree.Trajectories {
			for _, s := range tree.Path(trajectory.Leaf) {
				if kind := tree.Segments[s].Kind; kind == rollout.Query || kind == rollout.Answer {
					got = append(got, tree.Segments[s].Advantages[0])
				}
			}
		}
		require.InDeltaSlice(t, []float64{8./3 - 8./9, 2 - 2./3, -2 - 8./9, 2 - 8./9}, got, 1e-12) // to go 2/3 + 2, −2, 2; then 2, 0, 0
	}
	require.Equal(t, 2./8, metrics[slate.MetricMasked])
}

// TestFullTrajectoriesForced: a forced answer is a step without a thought, and the forced tag is not trained.
func TestFullTrajectoriesForced(t *testing.T) {
	env, _ := environment(t, map[string][]string{asks: {good, stray}, "<answer>": {"Marrow</answer>"}})
	env.Protocol.MaxTurns, env.Protocol.AfterLastTurn = 1, rollout.ForceAnswer
	m := best()
	m.Sampling, m.Candidates = slate.Full, 2
	trees, _, err := m.Collect(t.Context(), env, questions(1), seeded())
	require.NoError(t, err)
	require.Len(t, trees[0].Trajectories, 2)
	for _, trajectory := range trees[0].Trajectories {
		last := trees[0].Segments[trajectory.Leaf]
		require.Equal(t, []rollout.Reward{{Name: "answer", Value: 1, Source: "table"}, {Name: "early", Value: 0, Source: "rule"}}, last.Rewards)
		opening := trees[0].Segments[last.Parent]
		require.Equal(t, rollout.Opening, opening.Kind)
		require.Nil(t, opening.Advantages)
	}
}

// TestOutcome: no judge, ±1 for an answer, 0 for a search.
func TestOutcome(t *testing.T) {
	env, _ := environment(t, map[string][]string{asks: {good, wrong, right, broken}, found: {right}})
	m := best()
	m.Reward, m.Judge, m.Candidates = slate.Outcome, nil, 4
	for shifted, want := range map[bool]string{false: `after prompt "Question: What is the capital of Lunia?"
  query  "capital of Lunia" : r = +0, A = +0.261
  answer "Dole"             answer -1 (exact match): r = -1, A = -0.783
* answer "Marrow"           answer +1 (exact match): r = +1, A = +1.306
  invalid ""                 invalid -1 (rule): r = -1, A = -0.783
`, true: `after prompt "Question: What is the capital of Lunia?"
  query  "capital of Lunia" : r = +0, A = -0.500
  answer "Dole"             answer +0 (exact match): r = +0, A = -0.500
* answer "Marrow"           answer +1 (exact match): r = +1, A = +1.500
  invalid ""                 invalid +0 (rule): r = +0, A = -0.500
`} {
		m.Shifted = shifted
		trees, metrics := collect(t, m, env)
		require.Equal(t, want, transcript(trees[0]))
		require.Zero(t, metrics[slate.MetricLabels])
	}
	require.Equal(t, "slate-outcome", m.Name())
}

// TestBaselineZero: of bad candidates the best one is reinforced against the group's mean, and none against 0; the same one
// is selected. A group of equally bad ones is dead with the mean alone.
func TestBaselineZero(t *testing.T) {
	env, _ := environment(t, map[string][]string{asks: {stray, stale, stray}})
	m := best()
	m.Candidates, m.Normalisation = 3, grpo.MeanOnly
	for baseline, want := range map[slate.Baseline]string{slate.GroupMean: `after prompt "Question: What is the capital of Lunia?"
  query  "weather"          thought -1 (table), query -1 (table): r = -2, A = -0.333
* query  "Lunia"            thought -1 (table), query +0 (table): r = -1, A = +0.667
  query  "weather"          thought -1 (table), query -1 (table): r = -2, A = -0.333
`, slate.Zero: `after prompt "Question: What is the capital of Lunia?"
  query  "weather"          thought -1 (table), query -1 (table): r = -2, A = -2.000
* query  "Lunia"            thought -1 (table), query +0 (table): r = -1, A = -1.000
  query  "weather"          thought -1 (table), query -1 (table): r = -2, A = -2.000
`} {
		m.Baseline = baseline
		env.Protocol.MaxTurns = 1
		trees, _ := collect(t, m, env)
		require.Equal(t, want, transcript(trees[0]))
	}
	m.Baseline = slate.Zero
	require.Equal(t, "slate-zero", m.Name())
	env, _ = environment(t, map[string][]string{asks: {stray}})
	env.Protocol.MaxTurns = 1
	for baseline, dead := range map[slate.Baseline]float64{slate.GroupMean: 1, slate.Zero: 0} {
		m.Baseline = baseline
		_, metrics := collect(t, m, env)
		require.Equal(t, dead, metrics[grpo.MetricDeadGroups])
	}
}

// TestCompleted: a search whose continuation answers rightly is worth as much as the right answer.
func TestCompleted(t *testing.T) {
	env, _ := environment(t, map[string][]string{asks: {good, wrong, broken}, found: {right}})
	m := best()
	m.Sampling, m.Judge, m.Candidates, m.Normalisation, m.Completions = slate.Completed, nil, 3, grpo.MeanOnly, 2
	trees, metrics := collect(t, m, env)
	require.InDelta(t, 1./6, metrics[slate.MetricInvalid], 1e-12, "one of three candidates at the first of two decision points")
	tree := trees[0]
	var got []float64
	for _, leaf := range candidates(tree, 0) {
		got = append(got, tree.Segments[leaf].Advantages[0])
	}
	require.InDeltaSlice(t, []float64{2. / 3, -1. / 3, -1. / 3}, got, 1e-12)
	untrained := 0
	for _, s := range tree.Segments {
		if s.Kind == rollout.Answer && s.Advantages == nil {
			untrained++
		}
	}
	require.Equal(t, 2, untrained, "completions are not trained")
	require.Equal(t, "slate-completed", m.Name())
	m.Reward = slate.Outcome
	require.Equal(t, "slate-completed", m.Name(), "its reward is the outcome in any case")
}
