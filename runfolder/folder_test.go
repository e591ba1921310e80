package runfolder_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
	"searchrl/qa"
	"searchrl/rollout"
	"searchrl/runfolder"
)

func TestWholeRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deeper", "run")
	folder, err := runfolder.Create(dir, map[string]any{"method": "search-r1", "tags": "<search>"})
	require.NoError(t, err)
	config, err := os.ReadFile(filepath.Join(dir, runfolder.ConfigFile))
	require.NoError(t, err, "the settings are there from the start")
	require.Contains(t, string(config), `"<search>"`, "tags stay readable")

	for step := range 3 {
		require.NoError(t, folder.AppendMetrics(map[string]int{"step": step + 1}))
		// Readable while the run goes on.
		require.Len(t, readLines[map[string]int](t, folder.Path(runfolder.MetricsFile)), step+1)
	}

	tree := &rollout.Tree{Question: qa.Question{ID: "q1", Text: "Who?", Answers: []string{"Ann"}}}
	root := tree.Add(rollout.Segment{Parent: rollout.NoParent, Kind: rollout.Prompt, Tokens: []int{1, 2}, Text: "Who?"})
	leaf := tree.Add(rollout.Segment{Parent: root, Kind: rollout.Answer, Tokens: []int{3}, Text: "<answer>Ann</answer>",
		Value: "Ann", LogProbs: []float64{-0.1}, Advantages: []float64{0.7}})
	tree.Trajectories = []rollout.Trajectory{{Leaf: leaf, End: rollout.Answered, Answer: "Ann", Turns: 1, Reward: 1}}
	require.NoError(t, folder.WriteTrees(7, []*rollout.Tree{tree, tree}))
	trees := readLines[rollout.Tree](t, folder.Path("trees/step-0007.jsonl"))
	require.Len(t, trees, 2)
	require.Equal(t, *tree, trees[1])

	cfg := checkpoint.Config{VocabSize: 8, HiddenSize: 4, IntermediateSize: 4, Layers: 1, Heads: 2, KVHeads: 1, HeadDim: 2,
		RMSNormEps: 1e-6, RopeTheta: 1000, TieEmbeddings: true, MaxPositions: 64}
	weights := checkpoint.Init(cfg, rand.New(rand.NewPCG(1, 1)))
	tokenizer := fstest.MapFS{"tokenizer.json": {Data: []byte("{}")}}
	require.NoError(t, folder.WriteCheckpoint(runfolder.CheckpointFolder, cfg, weights, tokenizer))
	_, back, err := checkpoint.Load(os.DirFS(folder.Path(runfolder.CheckpointFolder)))
	require.NoError(t, err)
	require.Equal(t, weights, back)
	require.FileExists(t, folder.Path("checkpoint/tokenizer.json"))

	require.NoError(t, runfolder.WriteLines(folder, "evaluation-after.jsonl", []int{1, 2, 3}))
	require.Equal(t, []int{1, 2, 3}, readLines[int](t, folder.Path("evaluation-after.jsonl")))
	require.NoError(t, folder.WriteResult(map[string]float64{"em_after": 0.5}))
	require.NoError(t, folder.Close())
	requireNoTemporaries(t, dir)
}

func TestCreateRefuses(t *testing.T) {
	full := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(full, "notes.txt"), nil, 0o644))
	file := filepath.Join(full, "notes.txt")
	for name, c := range map[string]struct{ dir, message string }{
		"not empty":      {full, "not empty (it holds notes.txt)"},
		"a file":         {file, "not a directory"},
		"below a file":   {filepath.Join(file, "run"), "not a directory"},
		"cannot be made": {"/proc/searchrl-run", "/proc/searchrl-run"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := runfolder.Create(c.dir, struct{}{})
			require.ErrorContains(t, err, "run folder "+c.dir)
			require.ErrorContains(t, err, c.message)
		})
	}
	_, err := runfolder.Create(filepath.Join(t.TempDir(), "x"), func() {})
	require.Error(t, err, "settings that are no JSON")
}

// A file that could not be written whole must not be there at all, nor must what it would have replaced be gone.
func TestWriteFileIsAllOrNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trees.jsonl")
	require.NoError(t, os.WriteFile(path, []byte("before"), 0o644))
	fault := errors.New("disk full")
	err := runfolder.WriteFile(path, func(w io.Writer) error {
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
		return fault
	})
	require.ErrorIs(t, err, fault)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "before", string(content))
	requireNoTemporaries(t, filepath.Dir(path))
}

func readLines[T any](t *testing.T, path string) []T {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var out []T
	scanner := bufio.NewScanner(f)
	for scanner.Scan() {
		var record T
		require.NoError(t, json.Unmarshal(scanner.Bytes(), &record))
		out = append(out, record)
	}
	require.NoError(t, scanner.Err())
	return out
}

func requireNoTemporaries(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), ".") && d.Name() != ".lock" {
			err = fmt.Errorf("%s was left behind", path)
		}
		return err
	}))
}

func ExampleCreate() {
	parent, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(parent)
	folder, err := runfolder.Create(filepath.Join(parent, "run"), map[string]int{"steps": 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = folder.AppendMetrics(map[string]float64{"reward": 0.25})
	_ = folder.Close()
	metrics, _ := os.ReadFile(folder.Path(runfolder.MetricsFile))
	fmt.Print(string(metrics))
	// Output: {"reward":0.25}
}
