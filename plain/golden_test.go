package plain_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
	"searchrl/internal/shared"
	"searchrl/plain"
	"searchrl/rollout"
	"searchrl/safetensors"
	"searchrl/sampling"
)

const tolerance = 1e-4

// golden is a fixture: a model folder, and what PyTorch computed with it.
type golden struct {
	cfg     checkpoint.Config
	model   *plain.Model
	tensors *safetensors.File
}

// forEachGolden runs check over every Qwen2 folder below dir.
func forEachGolden(t *testing.T, dir string, check func(t *testing.T, g golden)) {
	dirs, err := filepath.Glob(filepath.Join(dir, "qwen2-*"))
	require.NoError(t, err)
	if len(dirs) == 0 {
		t.Skipf("no Qwen2 fixtures in %s", dir)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) { check(t, openGolden(t, dir)) })
	}
}

// Over the shared fixtures.
func TestGoldenLogits(t *testing.T)   { forEachGolden(t, fixtures(t), checkLogits) }
func TestGoldenLogProbs(t *testing.T) { forEachGolden(t, fixtures(t), checkLogProbs) }
func TestGoldenGreedy(t *testing.T)   { forEachGolden(t, fixtures(t), checkGreedy) }
func TestGoldenTree(t *testing.T)     { forEachGolden(t, fixtures(t), checkTree) }

func fixtures(t *testing.T) string { return filepath.Join(shared.Dir(t), "fixtures") }

// Over small fixtures of the same layout that are kept here; testdata/make.py makes them.
func TestPyTorch(t *testing.T) {
	forEachGolden(t, "testdata", func(t *testing.T, g golden) {
		require.False(t, g.cfg.RotaryBF16, "these agree with the exact rotary frequencies")
		t.Run("logits", func(t *testing.T) { checkLogits(t, g) })
		t.Run("log-probabilities", func(t *testing.T) { checkLogProbs(t, g) })
		t.Run("greedy", func(t *testing.T) { checkGreedy(t, g) })
		t.Run("tree", func(t *testing.T) { checkTree(t, g) })
	})
}

func openGolden(t *testing.T, dir string) golden {
	cfg, w, err := checkpoint.Load(os.DirFS(dir))
	require.NoError(t, err)
	cfg.EOS = nil // greedy continuations run on
	f, err := safetensors.Open(os.DirFS(dir), "golden.safetensors")
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	g := golden{cfg: cfg, tensors: f}
	g.model, err = plain.New(cfg, w, nil)
	require.NoError(t, err)
	// Some figures come from a model that was converted to bfloat16 and back as a whole, which rounded its rotary
	// frequencies too. transformers does not do so when it loads the same folder. Tell by the figures themselves.
	if exact := g.logitsError(t); exact > tolerance {
		cfg.RotaryBF16 = true
		rounded, err := plain.New(cfg, w, nil)
		require.NoError(t, err)
		g.cfg, g.model = cfg, rounded
		t.Logf("logits are off by %.1e with the exact rotary frequencies, by %.1e with bfloat16 ones, which are used", exact, g.logitsError(t))
	}
	return g
}

func (g golden) floats(t *testing.T, name string) ([]int, []float64) {
	tensor, err := g.tensors.Tensor(name)
	require.NoError(t, err)
	values, err := tensor.Float64s()
	require.NoError(t, err)
	return tensor.Shape, values
}

func (g golden) ints(t *testing.T, name string) [][]int {
	tensor, err := g.tensors.Tensor(name)
	require.NoError(t, err)
	values, err := tensor.Ints()
	require.NoError(t, err)
	rows := [][]int{values}
	if len(tensor.Shape) == 2 {
		rows = nil
		for i := range tensor.Shape[0] {
			rows = append(rows, values[i*tensor.Shape[1]:(i+1)*tensor.Shape[1]])
		}
	}
	return rows
}

func (g golden) has(name string) bool { _, ok := g.tensors.Info(name); return ok }

// inputs returns the rows of input_ids without their padding, and the padded length.
func (g golden) inputs(t *testing.T) (rows [][]int, padded int) {
	rows = g.ints(t, "input_ids")
	padded = len(rows[0])
	if g.has("lengths") {
		for i, n := range g.ints(t, "lengths")[0] {
			rows[i] = rows[i][:n]
		}
	}
	return rows, padded
}

// logitsError returns the largest difference to the golden logits.
func (g golden) logitsError(t *testing.T) float64 {
	rows, padded := g.inputs(t)
	shape, want := g.floats(t, "logits")
	require.Equal(t, []int{len(rows), padded, g.cfg.VocabSize}, shape)
	worst := 0.0
	for i, tokens := range rows {
		got, err := g.model.Logits(tokens)
		require.NoError(t, err)
		for j := range got {
			for k, v := range got[j] {
				worst = max(worst, math.Abs(float64(v)-want[(i*padded+j)*g.cfg.VocabSize+k]))
			}
		}
	}
	return worst
}

func checkLogits(t *testing.T, g golden) {
	worst := g.logitsError(t)
	t.Logf("largest difference %.1e", worst)
	require.LessOrEqual(t, worst, tolerance)
}

// The readable forward pass and the fast decoder both give the log-probabilities of PyTorch.
func checkLogProbs(t *testing.T, g golden) {
	rows, padded := g.inputs(t)
	_, want := g.floats(t, "logprobs")
	for i, tokens := range rows {
		logits, err := g.model.Logits(tokens)
		require.NoError(t, err)
		scored, err := g.model.Score(context.Background(), []rollout.ScoreRequest{{Prefix: tokens[:1], Targets: [][]int{tokens[1:]}}})
		require.NoError(t, err)
		for j := 1; j < len(tokens); j++ {
			require.InDelta(t, want[i*(padded-1)+j-1], sampling.LogProb(logits[j-1], tokens[j]), tolerance, "row %d, token %d", i, j)
			require.InDelta(t, want[i*(padded-1)+j-1], scored[0][0][j-1], tolerance, "row %d, token %d", i, j)
		}
	}
}

func checkGreedy(t *testing.T, g golden) {
	if !g.has("greedy") {
		t.Skip("no greedy continuations in this fixture")
	}
	rows, _ := g.inputs(t)
	prompt := len(g.ints(t, "tree_prefix")[0])
	for i, want := range g.ints(t, "greedy") {
		prefix := rows[i][:prompt]
		out, err := g.model.Generate(context.Background(), []rollout.GenerateRequest{{Prefix: prefix, N: 1, MaxTokens: len(want)}})
		require.NoError(t, err)
		require.Equal(t, want, out[0][0].Tokens, "row %d", i)
	}
}

func checkTree(t *testing.T, g golden) {
	if !g.has("tree_prefix") {
		t.Skip("no tree in this fixture")
	}
	branches := g.ints(t, "tree_branches")
	_, want := g.floats(t, "tree_branch_logprobs")
	out, err := g.model.Score(context.Background(), []rollout.ScoreRequest{{Prefix: g.ints(t, "tree_prefix")[0], Targets: branches}})
	require.NoError(t, err)
	for i, branch := range branches {
		for j := range branch {
			require.InDelta(t, want[i*len(branch)+j], out[0][i][j], tolerance, "branch %d, token %d", i, j)
		}
	}
}
