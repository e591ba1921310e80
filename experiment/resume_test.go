package experiment_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
	"searchrl/experiment"
	"searchrl/runfolder"
)

// State and SetState make the apprentice a learner whose training goes on.
func (a *apprentice) State() (checkpoint.State, error) {
	return checkpoint.State{Tensors: checkpoint.Weights{"skill": {Shape: []int{1}, Data: []float32{float32(a.skill)}}}}, nil
}

func (a *apprentice) SetState(s checkpoint.State) error {
	skill, ok := s.Tensors["skill"]
	if !ok {
		return errors.New("no skill")
	}
	a.skill = float64(skill.Data[0])
	return nil
}

// files reads what a run left, by name, without what depends on the clock.
func files(t *testing.T, dir string) map[string]any {
	t.Helper()
	clock := []string{"collect_seconds", "update_seconds", "seconds", "step_seconds", "peak_memory", "folder"}
	out := map[string]any{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		require.NoError(t, err)
		data, err := os.ReadFile(path)
		out[name] = string(data)
		if name == runfolder.MetricsFile || name == runfolder.ResultFile {
			lines := []map[string]any{}
			if name == runfolder.MetricsFile {
				lines = readLines(t, path)
			} else {
				var result map[string]any
				require.NoError(t, runfolder.ReadJSON(path, &result))
				lines = append(lines, result)
			}
			for _, line := range lines {
				maps.DeleteFunc(line, func(key string, _ any) bool { return strings.Contains(strings.Join(clock, " "), key) })
			}
			out[name] = lines
		}
		return err
	}))
	return out
}

// TestStoppedRunGoesOn: stopped at any event or optimiser step, and again a little later, a run ends with the files of one that never
// was.
func TestStoppedRunGoesOn(t *testing.T) {
	task := tinyTask(t)
	task.Test.Questions = task.Test.Questions[:10]
	settingsOf := map[string]any{"seed": 0}
	// sitting goes on with the run in dir until it has seen stop of them, and says whether it came to the end.
	sitting := func(dir string, stop int) (events int, ended bool) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		folder, err := runfolder.Continue(dir, settingsOf)
		require.NoError(t, err)
		defer folder.Close()
		run := experiment.Run{Task: task, Method: method(), Config: settings(0), Budget: experiment.Budget{Steps: 4}, Folder: folder, Trees: true,
			KeepState: true, SaveEvery: 3, EvaluateEvery: 2, GradientsEvery: 2, Probes: 2, Sampled: true, Backend: "test"}
		count := func() {
			if events++; events == stop {
				cancel()
			}
		}
		run.Observe = func(experiment.Event) { count() }
		learner := newApprentice(t, task, 1./64) // numbers that float32 adds exactly
		learner.skill, learner.stepped = 0.75, count
		result, err := run.Train(ctx, learner, nil)
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
			require.True(t, result.Interrupted)
			if strings.Contains(err.Error(), "sampling trajectories") && result.Steps > 0 {
				require.FileExists(t, folder.Path(fmt.Sprintf("state/step-%04d.safetensors", result.Steps)), "no whole step is lost")
			}
		}
		return events, err == nil
	}
	unbroken := filepath.Join(t.TempDir(), "unbroken")
	events, ended := sitting(unbroken, 0)
	require.True(t, ended)
	want := files(t, unbroken)
	require.Contains(t, want, filepath.Join("state", "step-0004.safetensors"))
	require.GreaterOrEqual(t, events, 13+2*3, "three steps at least that train, in two passes")
	require.Contains(t, want, filepath.Join("probes", "step-0002.jsonl"))
	for stop := 1; stop <= events; stop++ {
		dir := filepath.Join(t.TempDir(), "stopped")
		_, ended := sitting(dir, stop)
		for again := stop + 5; !ended; again += 5 { // a little further each time
			_, ended = sitting(dir, again)
		}
		require.Equal(t, want, files(t, dir), "stopped after event %d of %d", stop, events)
	}
}

func TestGoingOnRefuses(t *testing.T) {
	task := tinyTask(t)
	dir := filepath.Join(t.TempDir(), "run")
	train := func(learner experiment.Learner, steps int) error {
		folder, err := runfolder.Continue(dir, map[string]any{})
		require.NoError(t, err)
		defer folder.Close()
		run := experiment.Run{Task: task, Method: method(), Config: settings(0), Budget: experiment.Budget{Steps: steps}, Folder: folder, KeepState: true}
		_, err = run.Train(context.Background(), learner, nil)
		return err
	}
	require.NoError(t, train(newApprentice(t, task, 0.1), 1))
	before := filepath.Join(dir, "evaluation-before.jsonl")
	require.NoError(t, os.Rename(before, before+".away"))
	require.ErrorContains(t, train(newApprentice(t, task, 0.1), 2), "evaluation-before.jsonl")
	require.NoError(t, os.Rename(before+".away", before))
	require.ErrorContains(t, train(struct{ experiment.Learner }{newApprentice(t, task, 0.1)}, 2), "going on after step 1: the learner")
	require.NoError(t, os.Truncate(filepath.Join(dir, "state", "step-0001.safetensors"), 30))
	left := files(t, dir)
	require.ErrorContains(t, train(newApprentice(t, task, 0.1), 2), "going on after step 1: reading the state of training")
	require.Equal(t, left, files(t, dir), "nothing is lost")
}
