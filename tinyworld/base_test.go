package tinyworld_test

import (
	"context"
	"io/fs"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
	"searchrl/plain"
	"searchrl/qa"
	"searchrl/rollout"
	"searchrl/tinyworld"
	"searchrl/tokenizer"
)

// wilson is the 95 % interval of a share of n.
func wilson(share float64, n int) (low, high float64) {
	const z = 1.96
	size := float64(n)
	middle := (share + z*z/(2*size)) / (1 + z*z/size)
	half := z / (1 + z*z/size) * math.Sqrt(share*(1-share)/size+z*z/(4*size*size))
	return middle - half, middle + half
}

func TestBasePolicies(t *testing.T) {
	for _, level := range tinyworld.Levels() {
		t.Run(string(level), func(t *testing.T) {
			policy := basePolicy(t, level)
			world := newWorld(t, level, tinyworld.Test)
			const n = 400
			for _, c := range []struct {
				sampling  rollout.Sampling
				low, high float64 // of the exact match
			}{
				{rollout.Sampling{}, .05, .35},
				{rollout.Sampling{Temperature: 1}, .02, .25}, // enough to learn from, far from solved
			} {
				r, err := tinyworld.Examine(context.Background(), world, policy, n, 1, c.sampling)
				require.NoError(t, err)
				low, high := wilson(r.EM, n)
				t.Logf("temperature %g: EM %.3f, 95 %% interval %.3f to %.3f, n = %d", c.sampling.Temperature, r.EM, low, high, n)
				require.GreaterOrEqual(t, r.EM, c.low)
				require.LessOrEqual(t, r.EM, c.high)
				require.LessOrEqual(t, r.Invalid, .05)
			}
		})
	}
}

// The weak base policy of the standard level seldom has anything to learn from in a group of five trajectories.
func TestWeakBasePolicy(t *testing.T) {
	files, err := tinyworld.WeakBase(tinyworld.Standard)
	require.NoError(t, err)
	policy := readPolicy(t, tinyworld.Standard, files)
	const questions, group = 200, 5
	r, err := tinyworld.Examine(context.Background(), newWorld(t, tinyworld.Standard, tinyworld.Test), policy, questions, group, rollout.Sampling{Temperature: 1})
	require.NoError(t, err)
	dead := 0
	for _, tree := range r.Trees {
		right := 0.0
		for _, trajectory := range tree.Trajectories {
			right += qa.ExactMatch(trajectory.Answer, tree.Question.Answers)
		}
		if right == 0 {
			dead++
		}
	}
	t.Logf("EM %.3f, %d of %d groups without a right answer", r.EM, dead, questions)
	require.GreaterOrEqual(t, r.EM, .005)
	require.LessOrEqual(t, r.EM, .035)
	require.GreaterOrEqual(t, float64(dead)/questions, .8)
	_, err = tinyworld.WeakBase(tinyworld.Hard)
	require.ErrorContains(t, err, `"hard"`)
}

// basePolicy loads a level's base policy.
func basePolicy(t *testing.T, level tinyworld.Level) rollout.Policy {
	t.Helper()
	files, err := tinyworld.Base(level)
	require.NoError(t, err)
	return readPolicy(t, level, files)
}

// readPolicy reads a policy and checks that its tokenizer is the level's.
func readPolicy(t *testing.T, level tinyworld.Level, files fs.FS) rollout.Policy {
	t.Helper()
	config, weights, err := checkpoint.Load(files)
	require.NoError(t, err)
	tok, err := tokenizer.Load(files)
	require.NoError(t, err)
	require.Equal(t, tok.VocabSize(), config.VocabSize)
	built, err := tinyworld.TokenizerFiles(level)
	require.NoError(t, err)
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json"} {
		want, err := fs.ReadFile(built, name)
		require.NoError(t, err)
		found, err := fs.ReadFile(files, name)
		require.NoError(t, err)
		require.Equal(t, string(want), string(found), "%s of the base policy is stale: make it again", name)
	}
	policy, err := plain.New(config, weights, tok)
	require.NoError(t, err)
	return policy
}

func TestEmbeddedFilesAreSmall(t *testing.T) {
	total := int64(0)
	for _, level := range tinyworld.Levels() {
		files, err := tinyworld.Base(level)
		require.NoError(t, err)
		require.NoError(t, fs.WalkDir(files, ".", func(_ string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			total += info.Size()
			return err
		}))
	}
	require.LessOrEqual(t, total, int64(8<<20))
	_, err := tinyworld.Base("easy")
	require.ErrorContains(t, err, `"easy"`)
}
