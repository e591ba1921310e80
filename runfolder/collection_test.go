package runfolder

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/rollout"
)

type settings map[string]any

func opened(t *testing.T, dir string, s settings) *Collection {
	t.Helper()
	c, err := Open(dir, s, "about")
	require.NoError(t, err)
	return c
}

func TestCollection(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := settings{"lr": 0.1, "deep": map[string]any{"x": []int{1, 2}}}
	c := opened(t, dir, s)
	require.False(t, c.Resumed())
	_, err := Open(dir, s, nil)
	require.ErrorContains(t, err, "another process is at work in it")

	// A run ends with its result, and not before.
	run, done, err := c.Run("runs/x", "config")
	require.NoError(t, err)
	require.False(t, done)
	require.NoError(t, run.AppendMetrics(1))
	require.NoError(t, run.Close())
	again, done, err := c.Run("runs/x", "config")
	require.NoError(t, err)
	require.False(t, done)
	metrics, err := os.ReadFile(again.Path(MetricsFile))
	require.NoError(t, err)
	require.Empty(t, metrics, "what the unfinished run left is gone")
	require.NoError(t, again.WriteResult(map[string]bool{"interrupted": true}))
	require.NoError(t, again.Close())
	last, done, err := c.Run("runs/x", "config")
	require.NoError(t, err)
	require.False(t, done)
	require.NoError(t, last.WriteResult(map[string]int{"steps": 3}))
	require.NoError(t, last.Close())
	require.NoError(t, c.Close())

	c = opened(t, dir, settings{"deep": map[string]any{"x": []int{1, 2}}, "lr": 0.1})
	require.True(t, c.Resumed())
	_, done, err = c.Run("runs/x", "config")
	require.NoError(t, err)
	require.True(t, done)
	require.NoError(t, c.Close())

	// A finished run from elsewhere is refused.
	other := opened(t, filepath.Join(dir, "other"), settings{"lr": 0.2})
	require.NoError(t, os.CopyFS(other.Path("runs"), os.DirFS(c.Path("runs"))))
	_, _, err = other.Run("runs/x", "config")
	require.ErrorContains(t, err, "other settings")
	require.NoError(t, other.Close())
}

func TestOtherSettingsAreNamed(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, opened(t, dir, settings{"lr": 0.1, "seeds": []int{0, 1}, "deep": settings{"k": 5}}).Close())
	for want, s := range map[string]settings{
		"lr is 0.2 here and was 0.1 there":          {"lr": 0.2, "seeds": []int{0, 1}, "deep": settings{"k": 5}},
		"seeds is [0,1,2] here and was [0,1] there": {"lr": 0.1, "seeds": []int{0, 1, 2}, "deep": settings{"k": 5}},
		"deep.k is 6 here and was 5 there":          {"lr": 0.1, "seeds": []int{0, 1}, "deep": settings{"k": 6}},
		"new is true here and was nothing there":    {"lr": 0.1, "seeds": []int{0, 1}, "deep": settings{"k": 5}, "new": true},
		"and 2 more":                                {"a": 1, "b": 1, "c": 1, "d": 1, "seeds": []int{0, 1}, "e": 0},
	} {
		_, err := Open(dir, s, nil)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "name another folder")
	}
	require.NoError(t, opened(t, dir, settings{"lr": 0.1, "seeds": []int{0, 1}, "deep": settings{"k": 5}}).Close(), "nothing was lost")
}

func TestForeignFolders(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "precious.txt"), nil, 0o644))
	_, err := Open(dir, settings{}, nil)
	require.ErrorContains(t, err, "precious.txt")

	run := filepath.Join(t.TempDir(), "run")
	folder, err := Create(run, 1)
	require.NoError(t, err)
	require.NoError(t, folder.Close())
	_, err = Open(run, settings{}, nil)
	require.ErrorContains(t, err, "not that of a job")

	// A process that was killed before it wrote config.json leaves a temporary file.
	killed := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(killed, ".config.json123"), nil, 0o644))
	require.NoError(t, opened(t, killed, settings{}).Close())
}

func TestProbes(t *testing.T) {
	folder, err := Create(filepath.Join(t.TempDir(), "[odd]*"), nil)
	require.NoError(t, err)
	defer folder.Close()
	none, err := ReadProbes(folder.Dir())
	require.NoError(t, err)
	require.Empty(t, none)
	tree := &rollout.Tree{}
	tree.Add(rollout.Segment{Parent: rollout.NoParent, Kind: rollout.Prompt, Tokens: []int{1}, Text: "x"})
	require.NoError(t, folder.WriteProbes(10, []*rollout.Tree{tree}))
	require.NoError(t, folder.WriteProbes(0, []*rollout.Tree{tree, tree}))
	probes, err := ReadProbes(folder.Dir())
	require.NoError(t, err)
	require.Len(t, probes, 2)
	require.Len(t, probes[0], 2)
	require.Equal(t, "x", probes[10][0].Segments[0].Text)
}

func TestReadLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.jsonl")
	require.NoError(t, os.WriteFile(path, []byte("{\"a\":1}\n{\"a\":2}\n"), 0o644))
	type line struct{ A int }
	lines, err := ReadLines[line](path)
	require.NoError(t, err)
	require.Equal(t, []line{{1}, {2}}, lines)
	require.NoError(t, os.WriteFile(path, []byte("{\"a\":1}\n{\"a\""), 0o644))
	_, err = ReadLines[line](path)
	require.ErrorContains(t, err, "document 2")
	_, err = ReadLines[line](path + "x")
	require.ErrorIs(t, err, os.ErrNotExist)
}
