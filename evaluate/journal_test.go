package evaluate_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/evaluate"
	"searchrl/rollout"
)

// An evaluation that is broken off, even in the middle of a line, goes on to the result that it would have had.
func TestJournalResumes(t *testing.T) {
	env, questions := world(t, 20, oracle)
	want, err := evaluate.Run(context.Background(), env, questions, evaluate.Options{}, rng())
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "eval")
	j, err := evaluate.OpenJournal(dir, "h", questions)
	require.NoError(t, err)
	require.Empty(t, j.Done())
	stop := errors.New("stop")
	_, err = evaluate.Run(context.Background(), env, questions, evaluate.Options{Batch: 8, Observe: func(_ []evaluate.Result, trees []*rollout.Tree) error {
		return errors.Join(j.Append(trees), stop)
	}}, rng())
	require.ErrorIs(t, err, stop)
	require.NoError(t, j.Close())
	path := filepath.Join(dir, evaluate.TreesFile)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data[:len(data)-10], 0o600))

	j, err = evaluate.OpenJournal(dir, "h", questions)
	require.NoError(t, err)
	require.Equal(t, want[:7], j.Done())
	rest, err := evaluate.Run(context.Background(), env, questions[7:], evaluate.Options{Observe: func(_ []evaluate.Result, trees []*rollout.Tree) error {
		return j.Append(trees)
	}}, rng())
	require.NoError(t, err)
	require.Equal(t, want, append(j.Done(), rest...))
	require.NoError(t, j.Close())

	_, err = evaluate.OpenJournal(dir, "other", questions)
	require.ErrorContains(t, err, "begun under protocol")
	_, err = evaluate.OpenJournal(dir, "h", questions[1:])
	require.ErrorContains(t, err, "which is not question 1")
	require.NoError(t, os.WriteFile(path, []byte("{oops}\n"), 0o600))
	_, err = evaluate.OpenJournal(dir, "h", questions)
	require.ErrorContains(t, err, "line 1")
}

func TestProtocolHash(t *testing.T) {
	env, questions := world(t, 3, oracle)
	hash := func(searcher string, seed uint64, n int) string {
		h, err := evaluate.ProtocolHash(questions[:n], searcher, env.Protocol, rollout.Sampling{}, seed, "")
		require.NoError(t, err)
		return h
	}
	require.Equal(t, hash("a", 0, 3), hash("a", 0, 3))
	require.Len(t, map[string]bool{hash("a", 0, 3): true, hash("b", 0, 3): true, hash("a", 1, 3): true, hash("a", 0, 2): true}, 4)
}
