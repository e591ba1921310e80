package comparison

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/evaluate"
	"searchrl/experiment"
	"searchrl/interval"
	"searchrl/runfolder"
)

// TestReadRun: a run is read with its answers; one that answered other questions than the base policy, or not to its end, is
// refused: it could not be paired.
func TestReadRun(t *testing.T) {
	answers := func(ids ...string) (out []evaluate.Result) {
		for _, id := range ids {
			out = append(out, evaluate.Result{ID: id, EM: 1})
		}
		return out
	}
	write := func(interrupted bool, after []evaluate.Result) string {
		dir, em := filepath.Join(t.TempDir(), "run"), 1.
		folder, err := runfolder.Create(dir, nil)
		require.NoError(t, err)
		if after != nil {
			require.NoError(t, runfolder.WriteLines(folder, experiment.AfterFile, after))
		}
		unknown := interval.Unknown()
		require.NoError(t, folder.WriteResult(&experiment.Result{EMAfter: &em, Interrupted: interrupted, EMBeforeCI: unknown, EMAfterCI: unknown, GainCI: unknown}))
		require.NoError(t, folder.Close())
		return dir
	}
	before := answers("q1", "q2")
	run, err := ReadRun(write(false, answers("q1", "q2")), before)
	require.NoError(t, err)
	require.Equal(t, before, run.Answers)
	run, err = ReadRun(write(false, nil), before)
	require.NoError(t, err)
	require.Equal(t, before, run.Answers, "a run without training ends as it began")
	for want, dir := range map[string]string{
		`question 1 is "q2", and "q1" before training`:     write(false, answers("q2", "q1")),
		"1 questions were answered, and 2 before training": write(false, answers("q1")),
		"did not reach its end":                            write(true, answers("q1", "q2")),
		"no such file":                                     t.TempDir(),
	} {
		_, err := ReadRun(dir, before)
		require.ErrorContains(t, err, want)
	}
}
