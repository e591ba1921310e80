package model

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/accel"
	"searchrl/grpo"
	"searchrl/rollout"
)

// branching makes requests as information gain has them: trajectories of one prompt whose steps go on from one another,
// four documents beside each other at each step, and two answers after each. One request stands there twice.
func branching(rng *rand.Rand, vocab int) []rollout.ScoreRequest {
	tokens := func(n int) []int {
		out := make([]int, n)
		for i := range out {
			out[i] = rng.IntN(vocab)
		}
		return out
	}
	var reqs []rollout.ScoreRequest
	opening, answers := tokens(5), [][]int{tokens(4), tokens(3)}
	targets := [][]int{slices.Concat(opening, answers[0]), slices.Concat(opening, answers[1])}
	prompt := tokens(20)
	for range 3 {
		path := slices.Clone(prompt)
		for range 2 + rng.IntN(3) {
			path = slices.Concat(path, tokens(12))
			real := tokens(18)
			for _, documents := range [][]int{real, tokens(18), tokens(17), tokens(18)} {
				reqs = append(reqs, rollout.ScoreRequest{Prefix: slices.Concat(path, documents), Targets: targets})
			}
			path = slices.Concat(path, real)
		}
	}
	return append(reqs, reqs[0])
}

// TestScoreSharesEveryPrefix: the requests of a call go through the model as one token tree, in which every token after the
// same path is evaluated once and logits are computed at the different targets only; and what comes out is what a forward
// pass for each request and target alone gives.
func TestScoreSharesEveryPrefix(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *accel.Backend) {
		m := newModel(t, b, tiny, Options{Decoder: DecoderCompiled})
		reqs := branching(rand.New(rand.NewPCG(1, 6)), tiny.VocabSize)

		batch, _ := scoreForest(reqs)
		outlines, err := newOutlines(batch.Trees, batch.Targets)
		require.NoError(t, err)
		p := layOut(outlines, batch.Trees, batch.Targets, 2048, m.cost) // one row
		require.Len(t, batch.Trees, 1)
		require.Equal(t, rollout.ScoredTokens(reqs), p.computed)
		different := (len(reqs) - 1) * (5 + 4 + 3) // the opening of both answers once
		require.Len(t, batch.Targets, different)

		got, err := m.Score(context.Background(), reqs)
		require.NoError(t, err)
		require.Equal(t, got[0], got[len(reqs)-1], "equal requests are one")
		for i, req := range reqs {
			require.Len(t, got[i], 2)
			if b.Kind() != accel.Go && i%4 != 0 {
				continue // each length is a program to compile
			}
			for n, target := range req.Targets {
				alone, err := m.Score(context.Background(), []rollout.ScoreRequest{{Prefix: req.Prefix, Targets: [][]int{target}}})
				require.NoError(t, err)
				requireClose(t, alone[0][0], got[i][n], 1e-4, "request")
			}
		}
	})
}

// TestScorersAgree: the plain decoder scores without the backend, and the log-probabilities are those of the compiled pass,
// after other weights too; what runs past the model's positions goes through the compiled pass.
func TestScorersAgree(t *testing.T) {
	ctx := context.Background()
	eachBackend(t, func(t *testing.T, b *accel.Backend) {
		host := newModel(t, b, tiny, Options{Decoder: DecoderPlain})
		reqs := branching(rand.New(rand.NewPCG(3, 6)), tiny.VocabSize)
		agree := func() {
			got, err := host.Score(ctx, reqs)
			require.NoError(t, err)
			want, err := host.scoreCompiled(ctx, reqs)
			require.NoError(t, err)
			for i := range reqs {
				for n := range reqs[i].Targets {
					requireClose(t, want[i][n], got[i][n], 1e-4, "request")
				}
			}
		}
		_, err := host.Score(ctx, reqs)
		require.NoError(t, err)
		require.Zero(t, host.Programs())
		agree()
		_, err = host.Imitate(ctx, grpo.Batch{Trees: []*rollout.Tree{chain([]int{1, 2, 3})}, Targets: []grpo.Target{{Index: 2, Weight: 1}}},
			grpo.AdamW{LearningRate: 1e-2, Beta1: .9, Beta2: .999, Epsilon: 1e-8})
		require.NoError(t, err)
		agree()
		reqs = []rollout.ScoreRequest{{Prefix: make([]int, tiny.MaxPositions), Targets: [][]int{{1}}}}
		agree()
	})
}

// TestFewTargets: computing the last layer at the targets alone changes nothing, whatever the trees.
func TestFewTargets(t *testing.T) {
	m := newModel(t, openBackend(t, "go"), tiny, Options{}) // XLA would compile a program for each of the many shapes
	evaluate := func(t require.TestingT, p *packing, few bool) []float32 {
		var out []float32
		for _, r := range p.rows {
			row, err := m.logProbsOf(r, p.bucket, 1, few)
			require.NoError(t, err)
			out = append(out, row[:len(r.batch)]...)
		}
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		batch := randomForest(t, tiny.VocabSize)
		if len(batch.Targets) == 0 {
			return
		}
		p, err := pack(batch.Trees, batch.Targets, m.cost, 128)
		require.NoError(t, err)
		require.InDeltaSlice(t, evaluate(t, p, false), evaluate(t, p, true), tolerance)
	})
}
