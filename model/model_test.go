package model

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/accel"
	"searchrl/checkpoint"
	"searchrl/grpo"
	"searchrl/plain"
	"searchrl/rollout"
)

var tiny = checkpoint.Config{
	VocabSize: 50, HiddenSize: 16, IntermediateSize: 24, Layers: 2, Heads: 4, KVHeads: 2, HeadDim: 8,
	RMSNormEps: 1e-6, RopeTheta: 1e4, TieEmbeddings: true, MaxPositions: 1024,
}

// newModel returns a model with random weights, larger than usual so that gradients are too.
func newModel(t testing.TB, b *accel.Backend, cfg checkpoint.Config, opts Options) *Model {
	rng := rand.New(rand.NewPCG(1, 2))
	w := checkpoint.Init(cfg, rng)
	for _, name := range w.Names() {
		for i := range w[name].Data {
			w[name].Data[i] += float32(.2 * rng.NormFloat64())
		}
	}
	m, err := New(b, cfg, w, nil, opts)
	require.NoError(t, err)
	t.Cleanup(m.Close)
	return m
}

// draw gives targets random advantages, weights and log-probabilities.
func draw(t *rapid.T, targets []grpo.Target) {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	for j := range targets {
		targets[j].Advantage = rng.NormFloat64()
		targets[j].OldLogProb = -3 + rng.NormFloat64()
		targets[j].RefLogProb = -3 + rng.NormFloat64()
		targets[j].Weight = rng.Float64() / float64(len(targets))
	}
}

// onePathPerTree rewrites a batch so that every tree is a single path and every target is alone in its tree.
func onePathPerTree(batch grpo.Batch) grpo.Batch {
	var out grpo.Batch
	paths := map[[2]int]int{}
	for _, t := range batch.Targets {
		key := [2]int{t.Tree, t.Segment}
		if _, ok := paths[key]; !ok {
			paths[key] = len(out.Trees)
			out.Trees = append(out.Trees, chain(batch.Trees[t.Tree].PathTokens(t.Segment)))
		}
		before := len(batch.Trees[t.Tree].PathTokens(t.Segment)) - len(batch.Trees[t.Tree].Segments[t.Segment].Tokens)
		t.Tree, t.Segment, t.Index = paths[key], 0, before+t.Index
		out.Targets = append(out.Targets, t)
	}
	return out
}

var surrogates = []grpo.Surrogate{
	{ClipLow: .2, ClipHigh: .3, Temperature: 1},
	{ClipLow: .2, ClipHigh: .2, KL: grpo.K1, KLCoef: .1, Temperature: .7},
	{ClipLow: .2, ClipHigh: .2, KL: grpo.K2, KLCoef: .1, Temperature: 1},
	{ClipLow: .2, ClipHigh: .2, KL: grpo.K3, KLCoef: .1, EntropyCoef: .05, Temperature: 1.3},
}

// TestTreeEqualsPaths: packed trees and one row per path agree in log-probabilities and gradients.
func TestTreeEqualsPaths(t *testing.T) {
	b := openBackend(t, "go") // XLA would compile a program for each of the many shapes
	m := newModel(t, b, tiny, Options{})
	rapid.Check(t, func(t *rapid.T) {
		batch := randomForest(t, tiny.VocabSize)
		draw(t, batch.Targets)
		if len(batch.Targets) == 0 {
			return
		}
		paths := onePathPerTree(batch)
		surrogate := rapid.SampledFrom(surrogates).Draw(t, "surrogate")
		want, err := m.LogProbs(context.Background(), paths, surrogate.Temperature)
		require.NoError(t, err)
		got, err := m.LogProbs(context.Background(), batch, surrogate.Temperature)
		require.NoError(t, err)
		requireClose(t, want, got, tolerance, "log-probabilities")

		wanted := gradientsOf(t, m, paths, surrogate, 64)
		limit := rapid.SampledFrom([]int{64, 128, 4096}).Draw(t, "limit")
		for name, g := range gradientsOf(t, m, batch, surrogate, limit) {
			requireClose(t, wanted[name], g, tolerance*(largest(wanted[name])+1e-6), "gradient of "+name)
		}
	})
}

// TestGradientIsThatOfTheLoss compares the compiled log-probabilities and entropies with those of the readable forward pass,
// and the compiled gradient with differences of grpo.Surrogate.Loss on that pass, along a random direction. Ratios are on
// both sides of both clip bounds, which differ.
func TestGradientIsThatOfTheLoss(t *testing.T) {
	tokens := []int{1, 2, 3, 4, 5, 6, 7, 8}
	ratios, advantages := []float64{.5, .75, .95, 1, 1.15, 1.25, 2}, []float64{-1, -.5, 1.5, 1, .7, .8, -1.2}
	eachBackend(t, func(t *testing.T, b *accel.Backend) {
		m := newModel(t, b, tiny, Options{})
		w, err := m.Weights()
		require.NoError(t, err)
		rng := rand.New(rand.NewPCG(3, 4))
		for _, s := range surrogates {
			s.ClipLow, s.ClipHigh = .2, .3
			s.EntropyCoef *= 20 // so that its part of the gradient shows
			wantLogProbs, wantEntropies := readable(t, w, tokens, s.Temperature)
			batch := grpo.Batch{Trees: []*rollout.Tree{chain(tokens)}}
			for j, lp := range wantLogProbs {
				batch.Targets = append(batch.Targets, grpo.Target{Index: j + 1, Advantage: advantages[j], OldLogProb: lp - math.Log(ratios[j]), RefLogProb: -3.5, Weight: .1})
			}
			p, err := pack(batch.Trees, batch.Targets, m.cost, 4096)
			require.NoError(t, err)
			gradient, logProbs, entropies, err := m.gradients(context.Background(), p, surrogateProgram(s), s, batch.Targets)
			require.NoError(t, err)
			requireClose(t, wantLogProbs, logProbs, tolerance, "log-probabilities")
			requireClose(t, wantEntropies, entropies, tolerance, "entropies")

			slope := 0.0
			moved := [2]checkpoint.Weights{w.Clone(), w.Clone()}
			const step = 2e-4
			for n, name := range m.names {
				g, err := fetch[float32](gradient[n])
				require.NoError(t, err)
				for i := range w[name].Data {
					d := rng.NormFloat64()
					slope += d * float64(g[i])
					moved[0][name].Data[i] -= float32(step * d)
					moved[1][name].Data[i] += float32(step * d)
				}
			}
			var loss [2]float64
			for i := range moved {
				logProbs, entropies := readable(t, moved[i], tokens, s.Temperature)
				u, _ := s.Loss(batch.Targets, logProbs, entropies)
				loss[i] = u.Loss
			}
			require.InDelta(t, (loss[1]-loss[0])/(2*step), slope, .002*math.Abs(slope)+1e-3, "%+v", s)
		}
	})
}

// readable returns each token's log-probability but the first one's, and the entropy of the distribution that it is from, by
// package plain's forward pass.
func readable(t *testing.T, w checkpoint.Weights, tokens []int, temperature float64) (logProbs, entropies []float64) {
	host, err := plain.New(tiny, w, nil)
	require.NoError(t, err)
	logits, err := host.Logits(tokens)
	require.NoError(t, err)
	for j, row := range logits[:len(logits)-1] {
		total, mean := 0.0, 0.0
		for _, x := range row {
			total += math.Exp(float64(x) / temperature)
		}
		for _, x := range row {
			mean += math.Exp(float64(x)/temperature) / total * float64(x) / temperature
		}
		logProbs = append(logProbs, float64(row[tokens[j+1]])/temperature-math.Log(total))
		entropies = append(entropies, math.Log(total)-mean)
	}
	return logProbs, entropies
}

// TestUntrainedTokensGetNoGradient: what is not a target and not before one does not matter.
func TestUntrainedTokensGetNoGradient(t *testing.T) {
	cfg := tiny
	cfg.TieEmbeddings = false
	m := newModel(t, openBackend(t, "go"), cfg, Options{})
	tree := chain([]int{1, 2, 3})
	tree.Add(rollout.Segment{Parent: 0, Tokens: []int{4, 5}, LogProbs: []float64{-1, -1}})
	tree.Add(rollout.Segment{Parent: 0, Tokens: []int{6, 7}})
	batch := grpo.Batch{Trees: []*rollout.Tree{tree}, Targets: []grpo.Target{{Segment: 1, Index: 1, Advantage: 1, OldLogProb: -4, Weight: 1}}}
	g := gradientsOf(t, m, batch, surrogates[0], 4096)["model.embed_tokens.weight"]
	for id := range cfg.VocabSize {
		reached := largest(g[id*cfg.HiddenSize:(id+1)*cfg.HiddenSize]) > 0
		require.Equal(t, id >= 1 && id <= 4, reached, "token %d", id)
	}
}

// imitationBatch trains every token of one sequence.
func imitationBatch(tokens []int) grpo.Batch {
	batch := grpo.Batch{Trees: []*rollout.Tree{chain(tokens)}}
	for j := 1; j < len(tokens); j++ {
		batch.Targets = append(batch.Targets, grpo.Target{Index: j, Weight: 1 / float64(len(tokens)-1)})
	}
	return batch
}

var imitationAdam = grpo.AdamW{LearningRate: 1e-2, Beta1: .9, Beta2: .999, Epsilon: 1e-8, MaxGradNorm: 1}

func TestImitateLearns(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *accel.Backend) {
		m := newModel(t, b, tiny, Options{})
		batch := imitationBatch([]int{1, 2, 3, 4, 5, 6, 7, 8})
		var first, last grpo.Update
		for i := range 50 {
			u, err := m.Imitate(context.Background(), batch, imitationAdam)
			require.NoError(t, err)
			if i == 0 {
				first = u
				lp, err := newModel(t, b, tiny, Options{}).LogProbs(context.Background(), batch, 1)
				require.NoError(t, err)
				sum := 0.0
				for _, x := range lp {
					sum -= x / 7
				}
				require.InDelta(t, sum, u.Loss, 1e-5)
			}
			last = u
		}
		require.Less(t, last.Loss, first.Loss/10)
		require.Equal(t, 7, last.ComputedTokens)
	})
}

// TestWorkersDoNotMatter: the sum over rows has a fixed order.
func TestWorkersDoNotMatter(t *testing.T) {
	b := openBackend(t, "go")
	batch := typicalBatch(rand.New(rand.NewPCG(5, 6)), 6, tiny.VocabSize)
	var got [2]checkpoint.Weights
	for i, workers := range []int{1, 2} {
		m := newModel(t, b, tiny, Options{Workers: workers, RowTokens: 256})
		m.cost.workers = 1
		for range 2 {
			_, err := m.Step(context.Background(), batch, surrogates[0], grpo.AdamW{LearningRate: 1e-3, Beta1: .9, Beta2: .999, Epsilon: 1e-8})
			require.NoError(t, err)
		}
		var err error
		got[i], err = m.Weights()
		require.NoError(t, err)
	}
	require.Equal(t, got[0], got[1])
}

func TestBadInput(t *testing.T) {
	m := newModel(t, openBackend(t, "go"), tiny, Options{})
	ctx := context.Background()
	optimiser := grpo.AdamW{LearningRate: 1e-3, Beta1: .9, Beta2: .999, Epsilon: 1e-8}
	tree := chain([]int{1, 2, 3})
	one := func(target grpo.Target) grpo.Batch {
		return grpo.Batch{Trees: []*rollout.Tree{tree}, Targets: []grpo.Target{target}}
	}
	good := one(grpo.Target{Index: 1, Advantage: 1, OldLogProb: -3, Weight: 1})
	before, err := m.Weights()
	require.NoError(t, err)
	for want, batch := range map[string]grpo.Batch{
		"advantage is NaN":       one(grpo.Target{Index: 1, Advantage: math.NaN()}),
		"weight is \\+Inf":       one(grpo.Target{Index: 1, Weight: math.Inf(1)}),
		"no predecessor":         one(grpo.Target{}),
		"no targets":             {Trees: []*rollout.Tree{tree}},
		"token 0 is 50":          {Trees: []*rollout.Tree{chain([]int{50})}, Targets: good.Targets},
		"token 1 is -1":          {Trees: []*rollout.Tree{chain([]int{0, -1})}, Targets: good.Targets},
		"weights are as they we": one(grpo.Target{Index: 1, Advantage: -1, OldLogProb: -2000, Weight: 1}),
	} {
		_, err := m.Step(ctx, batch, surrogates[0], optimiser)
		require.Regexp(t, want, err)
	}
	_, err = m.Step(ctx, good, grpo.Surrogate{}, optimiser)
	require.ErrorContains(t, err, "temperature")
	_, err = m.Step(ctx, good, surrogates[0], grpo.AdamW{LearningRate: math.NaN()})
	require.ErrorContains(t, err, "learning_rate is NaN")
	_, err = m.LogProbs(ctx, good, 0)
	require.ErrorContains(t, err, "temperature")
	_, err = m.Score(ctx, []rollout.ScoreRequest{{Targets: [][]int{{1}}}})
	require.ErrorContains(t, err, "empty prefix")
	_, err = m.Score(ctx, []rollout.ScoreRequest{{Prefix: []int{1}, Targets: [][]int{{}}}})
	require.ErrorContains(t, err, "empty")
	after, err := m.Weights()
	require.NoError(t, err)
	require.Equal(t, before, after)

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = m.LogProbs(cancelled, good, 1)
	require.ErrorIs(t, err, context.Canceled)

	_, err = New(openBackend(t, "go"), tiny, checkpoint.Weights{}, nil, Options{})
	require.ErrorContains(t, err, "missing")
	_, err = New(openBackend(t, "go"), tiny, before, nil, Options{Decoder: "fast"})
	require.ErrorContains(t, err, "fast")
	m.Close()
	m.Close()
	_, err = m.LogProbs(ctx, good, 1)
	require.ErrorContains(t, err, "Close")
	_, err = m.Step(ctx, good, surrogates[0], optimiser)
	require.ErrorContains(t, err, "Close")
	_, err = m.Weights()
	require.ErrorContains(t, err, "Close")
}

// typicalBatch is a training step's data as the embedded world gives it: trees of 5 trajectories that share a prompt of 60
// tokens and go on with about 100 tokens, half of them sampled.
func typicalBatch(rng *rand.Rand, trees, vocab int) grpo.Batch {
	var batch grpo.Batch
	tokens := func(n int) []int {
		out := make([]int, n)
		for i := range out {
			out[i] = rng.IntN(vocab)
		}
		return out
	}
	for i := range trees {
		tree := chain(tokens(60))
		for range 5 {
			parent := 0
			for range 2 + rng.IntN(3) {
				n := 12 + rng.IntN(12)
				parent = tree.Add(rollout.Segment{Parent: parent, Kind: rollout.Query, Tokens: tokens(n), LogProbs: make([]float64, n)})
				for j := range n {
					batch.Targets = append(batch.Targets, grpo.Target{Tree: i, Segment: parent, Index: j, Advantage: rng.NormFloat64(), OldLogProb: -5, RefLogProb: -5})
				}
				parent = tree.Add(rollout.Segment{Parent: parent, Kind: rollout.Documents, Tokens: tokens(18)})
			}
		}
		batch.Trees = append(batch.Trees, tree)
	}
	for j := range batch.Targets {
		batch.Targets[j].Weight = 1 / float64(len(batch.Targets))
	}
	return batch
}
