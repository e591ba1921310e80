package igsearch_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/igsearch"
	"searchrl/likelihood"
	"searchrl/rollout"
)

// eachSearch samples eight training batches of Search-R1 and calls do for the documents of every search; trees is the batch.
func eachSearch(t *testing.T, do func(env *rollout.Env, trees []*rollout.Tree, tree *rollout.Tree, documents int)) {
	env, questions := standard(t)
	for i := range 8 {
		trees, _, err := igsearch.Paper().Outcome.Collect(context.Background(), env, questions[i*12:][:12], rand.New(rand.NewPCG(uint64(i), 1)))
		require.NoError(t, err)
		for _, tree := range trees {
			for s := range tree.Segments {
				if tree.Segments[s].Kind == rollout.Documents {
					do(env, trees, tree, s)
				}
			}
		}
	}
}

// TestGainOfRepeats: the search that brings the last fact gains, and so does the same search once more, though it brings nothing
// new: this policy answers from the documents that it read last, and the counterfactual takes their place.
func TestGainOfRepeats(t *testing.T) {
	var first, again []float64
	rng := seeded()
	eachSearch(t, func(env *rollout.Env, trees []*rollout.Tree, tree *rollout.Tree, documents int) {
		d := &tree.Segments[documents]
		_, before := viewed(t, tree, d.Parent)
		view, after := viewed(t, tree, documents)
		if after == before || after < view.Chain.Len() {
			return
		}
		var others [][]int
		for len(others) < 3 {
			other := trees[rng.IntN(len(trees))]
			s := &other.Segments[rng.IntN(len(other.Segments))]
			if other != tree && s.Kind == rollout.Documents {
				others = append(others, s.Tokens)
			}
		}
		gain := func(prefix []int) float64 {
			contexts := []likelihood.Context{{Prefix: slices.Concat(prefix, d.Tokens), Answers: tree.Question.Answers}}
			for _, other := range others {
				contexts = append(contexts, likelihood.Context{Prefix: slices.Concat(prefix, other), Answers: tree.Question.Answers})
			}
			scores, err := likelihood.Paper().Score(context.Background(), env, contexts)
			require.NoError(t, err)
			return igsearch.Gain(scores.LogLik[0], scores.LogLik[1:])
		}
		query := &tree.Segments[d.Parent]
		prefix := tree.PathTokens(d.Parent)
		first = append(first, gain(prefix))
		again = append(again, gain(slices.Concat(prefix, d.Tokens, tree.Segments[query.Parent].Tokens, query.Tokens)))
	})
	t.Logf("%d searches that bring the last fact: mean gain %+.2f, and %+.2f once more", len(first), mean(first), mean(again))
	require.Greater(t, mean(again), mean(first)/2)
}

// TestThoughtsDecide: whether a search is useful is decided in the thought before it, whose tokens the gain does not move.
func TestThoughtsDecide(t *testing.T) {
	surprise := map[rollout.Kind][]float64{} // −log π of whole segments
	useful := map[bool][]float64{}           // by whether the thought names the fact that is needed next
	eachSearch(t, func(_ *rollout.Env, _ []*rollout.Tree, tree *rollout.Tree, documents int) {
		query := tree.Segments[documents].Parent
		thought := tree.Segments[query].Parent
		for _, s := range []*rollout.Segment{&tree.Segments[thought], &tree.Segments[query]} {
			total := 0.0
			for _, lp := range s.LogProbs {
				total -= lp
			}
			surprise[s.Kind] = append(surprise[s.Kind], total)
		}
		view, before := viewed(t, tree, query)
		_, after := viewed(t, tree, documents)
		next, missing := view.Next()
		needed := view.Needed[len(view.Needed)-1]
		right := missing && needed.Relation == next.Relation && needed.Subject == next.Subject
		brought := 0.0
		if after > before {
			brought = 1
		}
		useful[right] = append(useful[right], brought)
	})
	t.Logf("nats: a thought %.2f, a query %.2f", mean(surprise[rollout.Think]), mean(surprise[rollout.Query]))
	for _, right := range []bool{true, false} {
		t.Logf("thought right %v: %d searches, %.3f of them useful", right, len(useful[right]), mean(useful[right]))
	}
	require.Greater(t, mean(surprise[rollout.Think]), mean(surprise[rollout.Query]))
	require.Greater(t, mean(useful[true]), 10*mean(useful[false]))
}
