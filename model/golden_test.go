package model

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/stretchr/testify/require"

	"searchrl/accel"
	"searchrl/checkpoint"
	"searchrl/grpo"
	"searchrl/internal/shared"
	"searchrl/plain"
	"searchrl/rollout"
	"searchrl/safetensors"
)

// eachBackend runs the test on the pure-Go backend and on XLA CPU where it is installed.
func eachBackend(t *testing.T, test func(t *testing.T, b *accel.Backend)) {
	for _, spec := range []string{"go", "xla:cpu"} {
		t.Run(spec, func(t *testing.T) { test(t, openBackend(t, spec)) })
	}
}

func openBackend(t testing.TB, spec string) *accel.Backend {
	t.Helper()
	b, err := accel.Open(spec)
	if err != nil && spec != "go" {
		t.Skipf("%s is not installed: %v", spec, err)
	}
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

// goldenFolders lists the Qwen2 models among the fixtures.
func goldenFolders(t *testing.T) []string {
	dirs, err := filepath.Glob(filepath.Join(shared.Dir(t), "fixtures", "qwen2-*"))
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	return dirs
}

// golden is a fixture: a model and what it should compute.
type golden struct {
	t    *testing.T
	file *safetensors.File
	cfg  checkpoint.Config
	w    checkpoint.Weights
}

func openGolden(t *testing.T, dir string) *golden {
	file, err := safetensors.Open(os.DirFS(dir), "golden.safetensors")
	require.NoError(t, err)
	t.Cleanup(func() { file.Close() })
	cfg, w, err := checkpoint.Load(os.DirFS(dir))
	require.NoError(t, err)
	cfg.EOS = nil // greedy continuations run on
	g := &golden{t: t, file: file, cfg: cfg, w: w}
	if g.has("logits") {
		// Some figures come from a model that was converted to bfloat16 and back as a whole, its rotary frequencies too,
		// which transformers does not do when it loads the same folder. The readable forward pass tells.
		host, err := plain.New(cfg, w, nil)
		require.NoError(t, err)
		logits, err := host.Logits(g.sequences()[0])
		require.NoError(t, err)
		want, _ := g.floats("logits")
		for i, x := range logits[len(logits)-1] {
			g.cfg.RotaryBF16 = g.cfg.RotaryBF16 || math.Abs(float64(x)-want[(len(logits)-1)*cfg.VocabSize+i]) > tolerance
		}
	}
	return g
}

func (g *golden) has(name string) bool { _, ok := g.file.Info(name); return ok }

func (g *golden) floats(name string) (values []float64, shape []int) {
	tensor, err := g.file.Tensor(name)
	require.NoError(g.t, err)
	values, err = tensor.Float64s()
	require.NoError(g.t, err)
	return values, tensor.Shape
}

// rows returns a matrix of numbers by row.
func (g *golden) rows(name string) [][]float64 {
	values, shape := g.floats(name)
	return split(values, shape[0])
}

func (g *golden) ints(name string) [][]int {
	tensor, err := g.file.Tensor(name)
	require.NoError(g.t, err)
	values, err := tensor.Ints()
	require.NoError(g.t, err)
	if len(tensor.Shape) == 1 {
		return [][]int{values}
	}
	return split(values, tensor.Shape[0])
}

func split[T any](values []T, n int) [][]T {
	out := make([][]T, n)
	for i := range out {
		out[i] = values[i*len(values)/n : (i+1)*len(values)/n]
	}
	return out
}

// sequences returns input_ids without their padding.
func (g *golden) sequences() [][]int {
	ids := g.ints("input_ids")
	if g.has("lengths") {
		for i, n := range g.ints("lengths")[0] {
			ids[i] = ids[i][:n]
		}
	}
	return ids
}

func (g *golden) model(b *accel.Backend, opts Options) *Model {
	m, err := New(b, g.cfg, g.w, nil, opts)
	require.NoError(g.t, err)
	g.t.Cleanup(m.Close)
	return m
}

// eachGolden runs a test over backends and fixtures that hold the named tensor.
func eachGolden(t *testing.T, tensor string, test func(t *testing.T, b *accel.Backend, g *golden)) {
	dirs := goldenFolders(t)
	eachBackend(t, func(t *testing.T, b *accel.Backend) {
		ran := false
		for _, dir := range dirs {
			t.Run(filepath.Base(dir), func(t *testing.T) {
				if g := openGolden(t, dir); g.has(tensor) {
					ran = true
					test(t, b, g)
				}
			})
		}
		require.True(t, ran, "no fixture holds %s", tensor)
	})
}

const tolerance = 1e-4

func requireClose(t require.TestingT, want, got []float64, tolerance float64, what string) {
	require.Len(t, got, len(want), what)
	worst, at := 0.0, 0
	for i := range want {
		if d := math.Abs(want[i] - got[i]); !(d <= worst) {
			worst, at = d, i
		}
	}
	require.LessOrEqual(t, worst, tolerance, "%s: element %d is %v, expected %v", what, at, at2(got, at), at2(want, at))
}

func at2(x []float64, i int) any {
	if i < len(x) {
		return x[i]
	}
	return nil
}

// chain is a tree of one segment.
func chain(tokens []int) *rollout.Tree {
	tree := &rollout.Tree{}
	tree.Add(rollout.Segment{Parent: rollout.NoParent, Tokens: tokens})
	return tree
}

func TestGoldenLogits(t *testing.T) {
	eachGolden(t, "logits", func(t *testing.T, b *accel.Backend, g *golden) {
		m := g.model(b, Options{})
		want, shape := g.floats("logits")
		for i, tokens := range g.sequences() {
			got := logitsOf(t, m, tokens)
			from := i * shape[1] * shape[2]
			requireClose(t, want[from:from+len(got)], got, tolerance, fmt.Sprint("logits of sequence ", i))
		}
	})
}

// logitsOf evaluates the compiled network at every position of one sequence.
func logitsOf(t *testing.T, m *Model, tokens []int) []float64 {
	tree, targets := chain(tokens), []grpo.Target{}
	for j := 1; j < len(tokens); j++ {
		targets = append(targets, grpo.Target{Index: j})
	}
	tree.Segments[0].Tokens = append(append([]int{}, tokens...), 0) // so that the last token is evaluated too
	targets = append(targets, grpo.Target{Index: len(tokens)})
	p, err := pack([]*rollout.Tree{tree}, targets, m.cost, 4096)
	require.NoError(t, err)
	require.Len(t, p.rows, 1)
	in, err := m.uploadRow(p.rows[0], p.bucket)
	require.NoError(t, err)
	out, err := m.call("logits", p.bucket.String(), func(n []*Node) []*Node {
		params, in := n[:len(m.names)], n[len(m.names):]
		d := m.decoderOf(params)
		hidden := d.hidden(in[0], in[1], blockAttention(m.cfg, in[2], in[3]))
		return []*Node{linear(hidden, d.head())}
	}, anys(m.params, in))
	require.NoError(t, err)
	all := tensors.MustCopyFlatData[float32](out[0])
	got := make([]float64, len(tokens)*m.cfg.VocabSize)
	for i := range got {
		got[i] = float64(all[i])
	}
	return got
}

func TestGoldenLogProbs(t *testing.T) {
	eachGolden(t, "logprobs", func(t *testing.T, b *accel.Backend, g *golden) {
		m := g.model(b, Options{})
		var batch grpo.Batch
		var want []float64
		for i, tokens := range g.sequences() {
			batch.Trees = append(batch.Trees, chain(tokens))
			for j := 1; j < len(tokens); j++ {
				batch.Targets = append(batch.Targets, grpo.Target{Tree: i, Index: j})
			}
			want = append(want, g.rows("logprobs")[i][:len(tokens)-1]...)
		}
		got, err := m.LogProbs(context.Background(), batch, 1)
		require.NoError(t, err)
		requireClose(t, want, got, tolerance, "log-probabilities")
	})
}

func TestGoldenTree(t *testing.T) {
	eachGolden(t, "tree_branches", func(t *testing.T, b *accel.Backend, g *golden) {
		m := g.model(b, Options{})
		req := rollout.ScoreRequest{Prefix: g.ints("tree_prefix")[0], Targets: g.ints("tree_branches")}
		got, err := m.scoreCompiled(context.Background(), []rollout.ScoreRequest{req})
		require.NoError(t, err)
		for i, want := range g.rows("tree_branch_logprobs") {
			requireClose(t, want, got[0][i], tolerance, fmt.Sprint("branch ", i))
		}
	})
}

// goldenBatch is the fixture's policy-gradient objective.
func goldenBatch(g *golden) (grpo.Batch, grpo.Surrogate, grpo.AdamW) {
	var batch grpo.Batch
	mask, advantages, old, ref := g.rows("loss_mask"), g.rows("advantages"), g.rows("old_logprobs"), g.rows("ref_logprobs")
	for i, tokens := range g.sequences() {
		batch.Trees = append(batch.Trees, chain(tokens))
		for j := 1; j < len(tokens); j++ {
			if mask[i][j] != 0 {
				batch.Targets = append(batch.Targets, grpo.Target{Tree: i, Index: j, Advantage: advantages[i][j], OldLogProb: old[i][j-1], RefLogProb: ref[i][j-1], Weight: 1})
			}
		}
	}
	for j := range batch.Targets {
		batch.Targets[j].Weight = 1 / float64(len(batch.Targets))
	}
	return batch, grpo.Surrogate{ClipLow: .2, ClipHigh: .2, KL: grpo.K3, KLCoef: .05, Temperature: 1},
		grpo.AdamW{LearningRate: 1e-3, Beta1: .9, Beta2: .999, Epsilon: 1e-8, WeightDecay: .01, MaxGradNorm: 1}
}

// gradientsOf returns the gradient of the batch's loss by parameter.
func gradientsOf(t require.TestingT, m *Model, batch grpo.Batch, s grpo.Surrogate, limit int) map[string][]float64 {
	p, err := pack(batch.Trees, batch.Targets, m.cost, limit)
	require.NoError(t, err)
	sum, _, _, err := m.gradients(context.Background(), p, surrogateProgram(s), s, batch.Targets)
	require.NoError(t, err)
	out := map[string][]float64{}
	for i, name := range m.names {
		flat, err := fetch[float32](sum[i])
		require.NoError(t, err)
		for _, x := range flat {
			out[name] = append(out[name], float64(x))
		}
	}
	return out
}

func largest(x []float64) float64 {
	top := 0.0
	for _, v := range x {
		top = max(top, math.Abs(v))
	}
	return top
}

func TestGoldenGradients(t *testing.T) {
	eachGolden(t, "loss_pg_kl", func(t *testing.T, b *accel.Backend, g *golden) {
		m := g.model(b, Options{})
		batch, surrogate, _ := goldenBatch(g)
		got := gradientsOf(t, m, batch, surrogate, 4096)
		for _, name := range g.file.Names() {
			if parameter, ok := strings.CutPrefix(name, "grad."); ok {
				want, _ := g.floats(name)
				requireClose(t, want, got[parameter], tolerance*largest(want), name)
				delete(got, parameter)
			}
		}
		require.Empty(t, got, "gradients that the fixture lacks")
	})
}

func TestGoldenTenSteps(t *testing.T) {
	eachGolden(t, "ten_steps", func(t *testing.T, b *accel.Backend, g *golden) {
		m := g.model(b, Options{})
		batch, surrogate, optimiser := goldenBatch(g)
		for i, want := range g.rows("ten_steps") {
			u, err := m.Step(context.Background(), batch, surrogate, optimiser)
			require.NoError(t, err)
			got := []float64{u.Loss, u.PolicyLoss, u.KL, u.GradNorm}
			if i == 0 {
				loss, _ := g.floats("loss_pg_kl")
				requireClose(t, loss, got[:3], tolerance, "loss, policy loss, KL")
			}
			requireClose(t, want[:3], got[:3], tolerance, fmt.Sprint("loss, policy loss, KL of step ", i))
			require.InEpsilon(t, want[3], got[3], 1e-3, "gradient norm of step %d", i)
		}
	})
}
