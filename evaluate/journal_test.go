package evaluate_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/evaluate"
	"searchrl/qa"
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
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, data[:bytes.LastIndexByte(data[:len(data)-1], '\n')+1], kept, "what the crash left of a line is gone")
	rest, err := evaluate.Run(context.Background(), env, questions[7:], evaluate.Options{Observe: func(_ []evaluate.Result, trees []*rollout.Tree) error {
		return j.Append(trees)
	}}, rng())
	require.NoError(t, err)
	require.Equal(t, want, append(j.Done(), rest...))
	require.NoError(t, j.Close())

	_, err = evaluate.OpenJournal(dir, "other", questions)
	require.ErrorContains(t, err, "it was begun under protocol h, and this is other")
	_, err = evaluate.OpenJournal(dir, "h", questions[1:])
	require.ErrorContains(t, err, "which is not question 1")
	require.NoError(t, os.WriteFile(path, []byte("{oops}\n"), 0o600))
	_, err = evaluate.OpenJournal(dir, "h", questions)
	require.ErrorContains(t, err, "line 1")
}

// Everything that is asked, and how, is in the hash: it differs when one thing does.
func TestProtocolHash(t *testing.T) {
	env, _ := world(t, 1, oracle)
	type asked struct {
		questions []qa.Question
		searcher  string
		protocol  rollout.Protocol
		sampling  rollout.Sampling
		seed      uint64
		method    string
	}
	hash := func(change func(*asked)) string {
		a := asked{questions: []qa.Question{{ID: "1", Text: "x", Answers: []string{"y"}}, {ID: "2", Text: "z", Answers: []string{"y"}}},
			searcher: "s", protocol: env.Protocol}
		change(&a)
		h, err := evaluate.ProtocolHash(a.questions, a.searcher, a.protocol, a.sampling, a.seed, a.method)
		require.NoError(t, err)
		return h
	}
	same := hash(func(*asked) {})
	require.Equal(t, same, hash(func(*asked) {}))
	seen := map[string]string{same: "nothing changed"}
	for name, change := range map[string]func(*asked){
		"fewer questions": func(a *asked) { a.questions = a.questions[:1] },
		"their order":     func(a *asked) { slices.Reverse(a.questions) },
		"a text":          func(a *asked) { a.questions[1].Text = "w" },
		"an answer":       func(a *asked) { a.questions[1].Answers = []string{"y", "yy"} },
		"searcher":        func(a *asked) { a.searcher = "t" },
		"prompt":          func(a *asked) { a.protocol.Prompt += "!" },
		"turns":           func(a *asked) { a.protocol.MaxTurns++ },
		"documents":       func(a *asked) { a.protocol.TopK++ },
		"tokens":          func(a *asked) { a.protocol.MaxTokens++ },
		"tags":            func(a *asked) { a.protocol.Tags.Think = "thought" },
		"chat":            func(a *asked) { a.protocol.Chat = !a.protocol.Chat },
		"temperature":     func(a *asked) { a.sampling.Temperature = 1 },
		"top-k":           func(a *asked) { a.sampling.TopK = 5 },
		"top-p":           func(a *asked) { a.sampling.TopP = 0.5 },
		"seed":            func(a *asked) { a.seed = 1 },
		"method":          func(a *asked) { a.method = "rag" },
	} {
		h := hash(change)
		require.Empty(t, seen[h], "%s does not show in the hash", name)
		seen[h] = name
	}
}

// One evaluation at a time writes a journal, and one that was killed before it noted its protocol can begin again.
func TestJournalIsOnesOwn(t *testing.T) {
	_, questions := world(t, 2, oracle)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, evaluate.TreesFile), nil, 0o600))
	j, err := evaluate.OpenJournal(dir, "h", questions)
	require.NoError(t, err)
	_, err = evaluate.OpenJournal(dir, "h", questions)
	require.ErrorContains(t, err, "another evaluation writes it")
	require.NoError(t, j.Close())
	j, err = evaluate.OpenJournal(dir, "h", questions)
	require.NoError(t, err)
	require.NoError(t, j.Close())
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 3, "the protocol, the trees and the lock: %v", entries)
}
