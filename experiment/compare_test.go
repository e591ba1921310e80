package experiment_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/experiment"
	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/rollout"
	"searchrl/runfolder"
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
		ids = append(ids, q.ID+" "+q.Text)
	}
	*r.seen = append(*r.seen, ids)
	return r.Method.Collect(ctx, env, questions, rng)
}

// newComparison returns one of two contenders that are the same method.
func newComparison(t *testing.T, dir string, seeds ...uint64) *experiment.Comparison {
	t.Helper()
	task := tinyTask(t)
	folder, err := runfolder.Open(dir, map[string]any{"seeds": seeds}, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, folder.Close()) })
	same := func() (grpo.Method, error) { return method(), nil }
	return &experiment.Comparison{
		Task: task, Contenders: []experiment.Contender{{Name: "a", Make: same}, {Name: "b", Make: same}}, Seeds: seeds,
		Config: settings(0), Budget: experiment.Budget{Steps: 2}, Backend: "test", Folder: folder, EvaluateEvery: 1, Probes: 2,
		Open: func(context.Context) (experiment.Learner, grpo.Scorer, func(), error) {
			return newApprentice(t, task, 0.1), nil, func() {}, nil
		},
	}
}

func TestCompare(t *testing.T) {
	dir := t.TempDir()
	c := newComparison(t, dir, 3, 4, 5)
	var a, b [][]string
	c.Contenders = []experiment.Contender{
		{Name: "a", Make: func() (grpo.Method, error) { return recorder{method(), "a", &a}, nil }},
		{Name: "b", Make: func() (grpo.Method, error) { return recorder{method(), "b", &b}, nil }},
	}
	opened, released := 0, 0
	open := c.Open
	c.Open = func(ctx context.Context) (experiment.Learner, grpo.Scorer, func(), error) {
		opened++
		learner, scorer, _, err := open(ctx)
		return learner, scorer, func() { released++ }, err
	}
	evaluations, last := 0, -1
	c.Observe = func(run int, contender experiment.Contender, seed uint64, e experiment.Event) {
		if e.Phase == experiment.Before && e.Done == e.Total {
			evaluations++
		}
		require.GreaterOrEqual(t, run, last)
		last = run
	}
	require.NoError(t, c.Run(context.Background()))
	require.Equal(t, c.Runs()+1, opened, "one a run, and one for the base policy")
	require.Equal(t, opened, released)
	require.Equal(t, 1, evaluations, "the base policy is the same for all")
	require.Equal(t, c.Runs()-1, last)

	// Paired: the same questions in the same order for each seed, other ones for other seeds. The first seed has two
	// steps and probes before, between and after.
	require.Equal(t, a, b)
	require.Len(t, a, 6+3)
	require.Len(t, a[0], 2, "probes")
	require.Equal(t, a[0], a[2], "the same questions again")
	require.NotEqual(t, a[1], a[5])
	train := map[string]bool{}
	for _, q := range c.Task.Train.Questions {
		train[q.ID+" "+q.Text] = true
	}
	for _, q := range c.Task.Test.Questions {
		delete(train, q.ID+" "+q.Text)
	}
	for _, questions := range a {
		for _, q := range questions {
			require.True(t, train[q], "%s is trained on, and no question for training alone", q)
		}
	}
	for _, name := range []string{"result.json", "evaluation-after.jsonl", "probes/step-0000.jsonl", "probes/step-0001.jsonl", "probes/step-0002.jsonl"} {
		require.FileExists(t, filepath.Join(dir, experiment.RunName("b", 3), name))
	}
	require.NoDirExists(t, filepath.Join(dir, experiment.RunName("b", 4), "probes"))
}

// figures are what a run left, apart from times and memory.
func figures(t *testing.T, dir string) map[string]any {
	t.Helper()
	out := map[string]any{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		if err != nil || entry.IsDir() || entry.Name() == ".lock" || strings.Contains(name, "checkpoint") {
			return err
		}
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		out[name] = regexp.MustCompile(`"(\w*seconds|peak_memory|folder)": ?("[^"]*"|[\w.e+-]+)`).ReplaceAllString(string(data), "")
		return nil
	}))
	return out
}

// Whatever is missing is made again, and all is as in an unbroken comparison: whether the process ended between runs, in
// one, or while one was written down; one after another or side by side.
func TestResume(t *testing.T) {
	whole := t.TempDir()
	require.NoError(t, newComparison(t, whole, 3, 4).Run(context.Background()))
	want := figures(t, whole)
	require.Greater(t, len(want), 20)
	for name, spoil := range map[string]func(t *testing.T, dir string){
		"nothing": func(*testing.T, string) {},
		"a run": func(t *testing.T, dir string) {
			require.NoError(t, os.RemoveAll(filepath.Join(dir, "runs", "a", "seed-4")))
		},
		"a result": func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, "runs", "b", "seed-3", "result.json")))
		},
		"all but a result": func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "runs", "b", "seed-3", "result.json"), []byte(`{"interrupted": true}`), 0o644))
		},
		"the base": func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, experiment.BeforeFile)))
		},
		"all runs": func(t *testing.T, dir string) { require.NoError(t, os.RemoveAll(filepath.Join(dir, "runs"))) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "copy")
			require.NoError(t, os.CopyFS(dir, os.DirFS(whole)))
			spoil(t, dir)
			c := newComparison(t, dir, 3, 4)
			require.True(t, c.Folder.Resumed())
			c.Parallel = 3
			c.Memory = 1 << 40
			require.NoError(t, c.Run(context.Background()))
			require.Equal(t, want, figures(t, dir))
		})
	}
}

// A comparison that is interrupted says so, and goes on from there.
func TestCompareInterrupted(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	c := newComparison(t, dir, 3, 4)
	c.Observe = func(run int, _ experiment.Contender, _ uint64, e experiment.Event) {
		if run == 1 && e.Step != nil {
			cancel()
		}
	}
	require.ErrorIs(t, c.Run(ctx), context.Canceled)
	require.NoError(t, c.Folder.Close())
	again := newComparison(t, dir, 3, 4)
	var known []int
	again.Observe = func(run int, _ experiment.Contender, _ uint64, e experiment.Event) {
		if e.Phase == experiment.Known {
			known = append(known, run)
		}
	}
	require.NoError(t, again.Run(context.Background()))
	require.Equal(t, []int{0}, known)
}

// Side by side, events come one at a time, and every run is made once.
func TestParallel(t *testing.T) {
	c := newComparison(t, t.TempDir(), 1, 2, 3, 4)
	c.Parallel = 4
	inside, ended := 0, map[int]int{}
	c.Observe = func(run int, _ experiment.Contender, _ uint64, e experiment.Event) {
		inside++
		require.Equal(t, 1, inside)
		if e.Phase == experiment.After && e.Done == e.Total {
			ended[run]++
		}
		inside--
	}
	require.NoError(t, c.Run(context.Background()))
	require.Len(t, ended, c.Runs())
	for _, n := range ended {
		require.Equal(t, 1, n)
	}
}

func TestCompareRefusesAndFails(t *testing.T) {
	c := newComparison(t, t.TempDir(), 1)
	c.Contenders[1].Name = "a"
	require.ErrorContains(t, c.Run(context.Background()), `"a" is named twice`)

	c = newComparison(t, t.TempDir(), 1)
	calls := 0
	open := c.Open
	c.Open = func(ctx context.Context) (experiment.Learner, grpo.Scorer, func(), error) {
		if calls++; calls > 1 {
			return nil, nil, nil, os.ErrInvalid
		}
		return open(ctx)
	}
	err := c.Run(context.Background())
	require.ErrorIs(t, err, os.ErrInvalid)
	require.ErrorContains(t, err, "a, seed 1")
}
