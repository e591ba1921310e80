package evaluate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/evaluate"
	"searchrl/interval"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tinyworld"
)

// world returns an environment of the embedded world, with questions, for an agent that follows a rule.
func world(t testing.TB, n int, decide func(w *tinyworld.World) tinyworld.Decide) (*rollout.Env, []qa.Question) {
	t.Helper()
	w, err := tinyworld.New(tinyworld.Standard, 7)
	require.NoError(t, err)
	tok, err := tinyworld.Tokenizer(tinyworld.Standard)
	require.NoError(t, err)
	index, err := retrieval.NewBM25(w.Documents())
	require.NoError(t, err)
	env := &rollout.Env{Policy: tinyworld.NewAgent(tok, decide(w)), Searcher: index, Tokenizer: tok,
		Protocol: tinyworld.Protocol(tinyworld.Standard)}
	return env, w.Questions(rand.New(rand.NewPCG(1, 1)), n)
}

func oracle(w *tinyworld.World) tinyworld.Decide { return w.Oracle() }

// halfOracle answers half of the questions at once, at random.
func halfOracle(w *tinyworld.World) tinyworld.Decide {
	good, bad := w.Oracle(), w.NeverSearch()
	return func(v tinyworld.View, rng *rand.Rand) tinyworld.Action {
		if rng.Float64() < 0.5 {
			return bad(v, rng)
		}
		return good(v, rng)
	}
}

func TestOracleIsRight(t *testing.T) {
	env, questions := world(t, 50, oracle)
	results, err := evaluate.Run(context.Background(), env, questions, evaluate.Options{}, rng())
	require.NoError(t, err)
	require.Len(t, results, len(questions))
	for i, r := range results {
		require.Equal(t, questions[i].ID, r.ID)
		require.Equal(t, questions[i].Hops, r.Hops)
		require.Equal(t, 1.0, r.EM, r.Question)
		require.Equal(t, 1.0, r.F1)
		require.Equal(t, r.Hops, r.Searches, "the oracle searches once a hop")
		require.Equal(t, r.Hops+1, r.Turns)
		require.Positive(t, r.Sampled)
	}
	s := evaluate.Summarise(results)
	require.Equal(t, 1.0, s.EM)
	require.Equal(t, interval.Wilson(50, 50), s.EMCI)
	require.Equal(t, 1.0, s.Answered)
	require.Len(t, s.ByHops, 3)
	total := 0
	for i, h := range s.ByHops {
		require.Equal(t, 2+i, h.Hops)
		require.Equal(t, float64(h.Hops), h.Searches)
		total += h.Questions
	}
	require.Equal(t, 50, total)
}

// The batch is a matter of speed: results must not depend on it.
func TestBatchChangesNothing(t *testing.T) {
	env, questions := world(t, 31, halfOracle)
	want, err := evaluate.Run(context.Background(), env, questions, evaluate.Options{}, rng())
	require.NoError(t, err)
	em := evaluate.Summarise(want).EM
	require.Greater(t, em, 0.0)
	require.Less(t, em, 1.0)
	for _, batch := range []int{1, 7, 31, 100} {
		seen := 0
		got, err := evaluate.Run(context.Background(), env, questions, evaluate.Options{Batch: batch,
			Observe: func(results []evaluate.Result, trees []*rollout.Tree) error {
				require.Len(t, trees, len(results))
				require.LessOrEqual(t, len(results), batch)
				seen += len(results)
				return nil
			}}, rng())
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, len(questions), seen)
	}
}

func TestRunEnds(t *testing.T) {
	env, questions := world(t, 10, oracle)
	ctx, cancel := context.WithCancel(context.Background())
	results, err := evaluate.Run(ctx, env, questions, evaluate.Options{Batch: 4,
		Observe: func([]evaluate.Result, []*rollout.Tree) error { cancel(); return nil }}, rng())
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "questions 5 to 8 of 10")
	require.Len(t, results, 4, "what was done is not lost")

	fault := errors.New("disk full")
	_, err = evaluate.Run(context.Background(), env, questions, evaluate.Options{
		Observe: func([]evaluate.Result, []*rollout.Tree) error { return fault }}, rng())
	require.ErrorIs(t, err, fault)
}

func TestGradeWithoutAnswer(t *testing.T) {
	tree := &rollout.Tree{Question: qa.Question{ID: "q", Answers: []string{"A+"}}} // normalises to the empty string
	root := tree.Add(rollout.Segment{Parent: rollout.NoParent, Kind: rollout.Prompt, Tokens: []int{1}})
	tree.Add(rollout.Segment{Parent: root, Kind: rollout.Answer, Tokens: []int{2, 3}, LogProbs: []float64{0, 0}}) // discarded
	tree.Trajectories = []rollout.Trajectory{
		{Leaf: root, End: rollout.OutOfTurns},
		{Leaf: root, End: rollout.Answered, Answer: "a"},
	}
	require.Zero(t, evaluate.Grade(tree, 0).EM, "no answer is never right")
	require.Equal(t, 1.0, evaluate.Grade(tree, 1).EM)
	require.Equal(t, 2, evaluate.Grade(tree, 1).Sampled, "what was discarded was sampled, too")
	require.Equal(t, 0.5, evaluate.ExactMatch([]*rollout.Tree{tree}))
	require.Zero(t, evaluate.ExactMatch(nil))
}

func TestSummarise(t *testing.T) {
	s := evaluate.Summarise([]evaluate.Result{
		{End: rollout.Answered, EM: 1, F1: 1, Searches: 3, Turns: 5, Invalid: 1, Sampled: 40, Hops: 3},
		{End: rollout.OutOfTurns, Searches: 1, Turns: 6, Invalid: 4, Sampled: 60, Hops: 2},
		{End: rollout.Answered, F1: .5, Searches: 0, Turns: 1, Sampled: 5, Hops: 3},
		{End: rollout.OutOfTokens, Searches: 2, Turns: 2, Sampled: 7},
	})
	require.Equal(t, []float64{.25, .375, 1.5, 3.5, .5, 1.25}, []float64{s.EM, s.F1, s.Searches, s.Turns, s.Answered, s.Invalid})
	require.Equal(t, 112, s.Sampled)
	require.Equal(t, interval.Wilson(1, 4), s.EMCI)
	require.Equal(t, []evaluate.Hops{
		{Hops: 2, Questions: 1, EMCI: interval.Wilson(0, 1), Searches: 1},
		{Hops: 3, Questions: 2, EM: .5, EMCI: interval.Wilson(1, 2), Searches: 1.5},
	}, s.ByHops)
}

func TestDifference(t *testing.T) {
	results := func(em ...float64) []evaluate.Result {
		out := make([]evaluate.Result, len(em))
		for i := range em {
			out[i] = evaluate.Result{ID: fmt.Sprint(i), EM: em[i]}
		}
		return out
	}
	mean, ci, err := evaluate.Difference(results(1, 1, 0, 1), results(0, 1, 0, 0))
	require.NoError(t, err)
	require.Equal(t, 0.5, mean)
	require.True(t, ci.Contains(0.5) && ci.High <= 1)
	_, _, err = evaluate.Difference(results(1), results(1, 0))
	require.ErrorContains(t, err, "not of the same questions")
	other := results(1)
	other[0].ID = "another"
	_, _, err = evaluate.Difference(results(1), other)
	require.ErrorContains(t, err, `question 1 is "0" and "another"`)
}

// A summary is written into results, so it must be JSON whatever it holds.
func TestEmptySummaryIsJSON(t *testing.T) {
	_, err := json.Marshal(evaluate.Summarise(nil))
	require.NoError(t, err)
	_, err = json.Marshal(evaluate.Summarise([]evaluate.Result{{EM: 1}}))
	require.NoError(t, err)
}

func rng() *rand.Rand { return rand.New(rand.NewPCG(3, 4)) }

func ExampleRun() {
	w, _ := tinyworld.New(tinyworld.Standard, 7)
	tok, _ := tinyworld.Tokenizer(tinyworld.Standard)
	index, _ := retrieval.NewBM25(w.Documents())
	env := &rollout.Env{Policy: tinyworld.NewAgent(tok, w.Oracle()), Searcher: index, Tokenizer: tok,
		Protocol: tinyworld.Protocol(tinyworld.Standard)}
	questions := w.Questions(rand.New(rand.NewPCG(1, 1)), 100)
	results, err := evaluate.Run(context.Background(), env, questions, evaluate.Options{}, rand.New(rand.NewPCG(3, 4)))
	if err != nil {
		fmt.Println(err)
		return
	}
	s := evaluate.Summarise(results)
	fmt.Printf("%.2f %v\n", s.EM, s.EMCI)
	// Output: 1.00 [0.963, 1.000]
}
