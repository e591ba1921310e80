package runfolder_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
	"searchrl/runfolder"
)

func stateOf(step float32) checkpoint.State {
	return checkpoint.State{Tensors: checkpoint.Weights{"w": {Shape: []int{1}, Data: []float32{step}}}, Counts: map[string]int{"steps": int(step)}}
}

// stopped makes the folder of a run of so many steps, of which the state after one is kept, and leaves it as a kill does.
func stopped(t *testing.T, steps, kept int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	folder, err := runfolder.Continue(dir, map[string]any{"method": "slate", "steps": 3}, "steps")
	require.NoError(t, err)
	require.Zero(t, folder.Step())
	for step := range steps {
		require.NoError(t, folder.AppendMetrics(map[string]int{"step": step + 1}))
		if step < kept {
			require.NoError(t, folder.WriteState(step+1, stateOf(float32(step+1))))
		}
	}
	require.NoError(t, folder.Close())
	return dir
}

func TestContinue(t *testing.T) {
	dir := stopped(t, 3, 2)
	metrics := filepath.Join(dir, runfolder.MetricsFile)
	file, err := os.OpenFile(metrics, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = file.WriteString(`{"step":4,"em`) // killed while it wrote
	require.NoError(t, err)
	require.NoError(t, file.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, runfolder.ResultFile), []byte(`{"interrupted":true}`), 0o644))

	folder, err := runfolder.Continue(dir, map[string]any{"method": "slate", "steps": 9}, "steps")
	require.NoError(t, err)
	require.Equal(t, 2, folder.Step())
	require.False(t, folder.Ended())
	require.FileExists(t, folder.Path(runfolder.ResultFile), "nothing is touched yet")

	state, lines, err := folder.Rewind()
	require.NoError(t, err)
	require.Equal(t, stateOf(2), state)
	require.Len(t, lines, 2)
	require.JSONEq(t, `{"step":2}`, string(lines[1]))
	require.NoFileExists(t, folder.Path(runfolder.ResultFile))
	require.NoError(t, folder.AppendMetrics(map[string]int{"step": 3}))
	require.Equal(t, []map[string]int{{"step": 1}, {"step": 2}, {"step": 3}}, readLines[map[string]int](t, metrics))
	require.NoError(t, folder.WriteState(3, stateOf(3)))
	entries, err := os.ReadDir(folder.Path("state"))
	require.NoError(t, err)
	require.Len(t, entries, 1, "the last state is enough")
	config, err := os.ReadFile(folder.Path(runfolder.ConfigFile))
	require.NoError(t, err)
	require.JSONEq(t, `{"method":"slate","steps":9}`, string(config))

	_, err = runfolder.Continue(dir, map[string]any{"method": "slate"}, "steps")
	require.ErrorContains(t, err, "run folder "+dir+": another process is at work in it")
	require.NoError(t, folder.Close())
}

// TestContinueFromTheBeginning: killed before the first state was kept.
func TestContinueFromTheBeginning(t *testing.T) {
	folder, err := runfolder.Continue(stopped(t, 1, 0), map[string]any{"method": "slate"}, "steps")
	require.NoError(t, err)
	defer folder.Close()
	require.Zero(t, folder.Step())
	state, lines, err := folder.Rewind()
	require.NoError(t, err)
	require.Empty(t, state)
	require.Empty(t, lines)
	require.Empty(t, readLines[any](t, folder.Path(runfolder.MetricsFile)))
}

func TestContinueTellsWhatHasEnded(t *testing.T) {
	dir := stopped(t, 2, 2)
	require.NoError(t, os.WriteFile(filepath.Join(dir, runfolder.ResultFile), []byte(`{"interrupted":false}`), 0o644))
	folder, err := runfolder.Continue(dir, map[string]any{"method": "slate"}, "steps")
	require.NoError(t, err)
	defer folder.Close()
	require.True(t, folder.Ended())
	require.Equal(t, 2, folder.Step())
}

func TestContinueRefuses(t *testing.T) {
	other := map[string]any{"method": "search-r1"}
	_, err := runfolder.Continue(stopped(t, 1, 1), other, "steps")
	require.ErrorContains(t, err, `it belongs to a job with other settings: method is "search-r1" here and was "slate" there`)

	notes := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(notes, "notes.txt"), nil, 0o644))
	_, err = runfolder.Continue(notes, other)
	require.ErrorContains(t, err, "not empty (it holds notes.txt)")

	same := map[string]any{"method": "slate"}
	dir := stopped(t, 2, 2)
	require.NoError(t, os.Truncate(filepath.Join(dir, runfolder.MetricsFile), 5))
	folder, err := runfolder.Continue(dir, same, "steps")
	require.NoError(t, err)
	_, _, err = folder.Rewind()
	require.ErrorContains(t, err, "going on after step 2: metrics.jsonl has 0 whole lines, expected one for each step")
	require.NoError(t, folder.Close())

	dir = stopped(t, 2, 2)
	require.NoError(t, os.Truncate(filepath.Join(dir, "state", "step-0002.safetensors"), 50))
	folder, err = runfolder.Continue(dir, same, "steps")
	require.NoError(t, err)
	_, _, err = folder.Rewind()
	require.ErrorContains(t, err, "reading the state of training from step-0002.safetensors")
	require.NoError(t, folder.Close())

	dir = stopped(t, 2, 2)
	require.NoError(t, os.WriteFile(filepath.Join(dir, runfolder.ResultFile), []byte("{"), 0o644))
	_, err = runfolder.Continue(dir, same, "steps")
	require.ErrorContains(t, err, "result.json")
	require.NoError(t, os.Remove(filepath.Join(dir, runfolder.ResultFile)))
	folder, err = runfolder.Continue(dir, same, "steps")
	require.NoError(t, err, "a refused folder is not left locked")
	require.NoError(t, folder.Close())
}
