package experiment_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/experiment"
	"searchrl/grpo"
	"searchrl/interval"
	"searchrl/qa"
	"searchrl/rollout"
)

// recorder is a method that writes down the questions it gets.
type recorder struct {
	grpo.Method
	name string
	seen *[][]string
}

func (r recorder) Name() string { return r.name }

func (r recorder) Collect(ctx context.Context, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, grpo.Metrics, error) {
	var ids []string
	for _, q := range questions {
		ids = append(ids, q.ID)
	}
	*r.seen = append(*r.seen, ids)
	return r.Method.Collect(ctx, env, questions, rng)
}

func TestCompare(t *testing.T) {
	task := tinyTask(t)
	var a, b [][]string
	opened, released := 0, 0
	lessons := []float64{0.3, 0.02} // the first contender learns faster
	dir := t.TempDir()
	c := experiment.Comparison{
		Task:       task,
		Contenders: []experiment.Contender{{Name: "fast", Method: recorder{method(), "fast", &a}}, {Name: "slow", Method: recorder{method(), "slow", &b}}},
		Seeds:      []uint64{3, 4, 5}, Config: settings(0), Budget: experiment.Budget{Steps: 2}, Backend: "test", Dir: dir,
		Open: func(context.Context) (experiment.Learner, grpo.Scorer, func(), error) {
			opened++
			return newApprentice(t, task, lessons[(opened-1)%2]), nil, func() { released++ }, nil
		},
	}
	evaluations := 0
	last := -1
	c.Observe = func(run int, contender experiment.Contender, seed uint64, e experiment.Event) {
		if e.Phase == experiment.Before && e.Done == e.Total {
			evaluations++
		}
		require.GreaterOrEqual(t, run, last)
		last = run
	}
	table, results, err := c.Compare(context.Background())
	require.NoError(t, err)
	require.Equal(t, c.Runs(), opened)
	require.Equal(t, opened, released)
	require.Equal(t, 1, evaluations, "the base policy is the same for all")
	require.Equal(t, c.Runs()-1, last)

	// Paired: the same questions in the same order for each seed, other ones for other seeds.
	require.Equal(t, a, b)
	require.Len(t, a, 6)
	require.NotEqual(t, a[0], a[2])

	fast, slow := table.Methods["fast"], table.Methods["slow"]
	require.Len(t, fast.EM, 3)
	mean, ci := interval.Mean(fast.EM)
	require.Equal(t, mean, fast.EMMean)
	require.Equal(t, ci.Clamp(0, 1), fast.EMCI)
	require.Equal(t, 2.0, fast.Steps)
	require.Len(t, table.Differences, 1)
	d := table.Differences[0]
	require.Equal(t, "fast", d.A)
	require.Equal(t, "slow", d.B)
	require.InDelta(t, fast.EMMean-slow.EMMean, d.Mean, 1e-12)
	require.Positive(t, d.Mean)
	require.True(t, d.CI.Contains(d.Mean))
	require.Equal(t, uint64(4), results["slow"][1].Seed)
	require.FileExists(t, filepath.Join(dir, "slow", "seed-4", "result.json"))

	requireKeys(t, table, "differences", "methods")
	requireKeys(t, fast, "computed_tokens", "em", "em_ci", "em_mean", "sampled_tokens", "step_seconds", "steps")
	requireKeys(t, d, "a", "b", "ci", "mean")
}

// The documents' keys are a contract with scripts.
func requireKeys(t *testing.T, value any, keys ...string) {
	t.Helper()
	data, err := json.Marshal(value)
	require.NoError(t, err)
	var object map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(data, &object))
	var got []string
	for key := range object {
		got = append(got, key)
	}
	slices.Sort(got)
	require.Equal(t, keys, got)
}

func TestCompareRefusesAndFails(t *testing.T) {
	task := tinyTask(t)
	c := experiment.Comparison{Task: task, Contenders: []experiment.Contender{{Name: "x", Method: method()}, {Name: "x", Method: method()}}}
	_, _, err := c.Compare(context.Background())
	require.ErrorContains(t, err, `"x" is named twice`)

	c = experiment.Comparison{Task: task, Contenders: []experiment.Contender{{Name: "x", Method: method()}}, Seeds: []uint64{1}, Config: settings(0),
		Open: func(context.Context) (experiment.Learner, grpo.Scorer, func(), error) {
			return nil, nil, nil, os.ErrInvalid
		}}
	_, _, err = c.Compare(context.Background())
	require.ErrorIs(t, err, os.ErrInvalid)
	require.ErrorContains(t, err, "x, seed 1")
}

// One seed has no spread: the intervals are null, not zero.
func TestOneSeed(t *testing.T) {
	task := tinyTask(t)
	c := experiment.Comparison{Task: task, Contenders: []experiment.Contender{{Name: "x", Method: method()}}, Seeds: []uint64{1}, Config: settings(0),
		Open: func(context.Context) (experiment.Learner, grpo.Scorer, func(), error) {
			return newApprentice(t, task, 0), nil, func() {}, nil
		}}
	table, _, err := c.Compare(context.Background())
	require.NoError(t, err)
	data, err := json.Marshal(table)
	require.NoError(t, err)
	require.Contains(t, string(data), `"em_ci":null`)
	require.Contains(t, string(data), `"differences":[]`)
}
