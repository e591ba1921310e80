package evaluate_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/evaluate"
	"searchrl/qa"
	"searchrl/retrieval"
)

// fixed answers each query with the passages that bear these ids.
type fixed map[string][]string

func (f fixed) Search(_ context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
	out := make([][]retrieval.Hit, len(queries))
	for i, q := range queries {
		for _, id := range f[q] {
			if len(out[i]) < k {
				out[i] = append(out[i], retrieval.Hit{Document: retrieval.Document{ID: id, Title: id, Text: "about " + id + "x"}})
			}
		}
	}
	return out, nil
}

func TestSearchRecall(t *testing.T) {
	support := func(ids ...string) (s []qa.Support) {
		for _, id := range ids {
			s = append(s, qa.Support{ID: id})
		}
		return s
	}
	questions := []qa.Question{
		{Text: "a", Answers: []string{"p3"}, Supporting: support("p1", "p4")},                                           // answer at 3; any at 1, all at 4
		{Text: "b", Answers: []string{"p4x"}, Supporting: support("p4"), SupportKind: qa.DistantSupport},                // answer at 4, in the text; no person chose p4
		{Text: "c", Answers: []string{"yes"}, Supporting: append(support("p1"), qa.Support{ID: "absent", Title: "p1"})}, // any at 1, all never
		{Text: "d", Answers: []string{"p1"}},                                                    // nothing is found
		{Text: "c", Answers: []string{"no"}, Supporting: []qa.Support{{Title: "The  P1!"}, {}}}, // by title: any at 1; one that nothing names, never
	}
	searcher := fixed{"a": {"p1", "p2", "p3", "p4"}, "b": {"p1", "p2", "p3", "p4"}, "c": {"p1"}}
	var seen []int
	r, err := evaluate.SearchRecall(t.Context(), searcher, questions, func(done int) { seen = append(seen, done) })
	require.NoError(t, err)
	require.Equal(t, []int{5}, seen)
	require.Equal(t, []int{5, 3, 3}, []int{r.Questions, r.Answerable, r.Supported})
	shares := func(s []evaluate.Share) [2]float64 { return [2]float64{s[0].Share, s[1].Share} }
	require.Equal(t, [2]float64{1. / 3, 2. / 3}, shares(r.Answer))
	require.Equal(t, [2]float64{1, 1}, shares(r.Any))
	require.Equal(t, [2]float64{0, 1. / 3}, shares(r.All))

	r, err = evaluate.SearchRecall(t.Context(), searcher, nil, nil)
	require.NoError(t, err)
	require.Zero(t, r.Questions+r.Answerable+r.Supported)
}

type short struct{}

func (short) Search(context.Context, []string, int) ([][]retrieval.Hit, error) { return nil, nil }

type failing struct{}

func (failing) Search(context.Context, []string, int) ([][]retrieval.Hit, error) {
	return nil, errors.New("down")
}

func TestSearchRecallFails(t *testing.T) {
	questions := []qa.Question{{Text: "a", Answers: []string{"x"}}}
	_, err := evaluate.SearchRecall(t.Context(), short{}, questions, nil)
	require.ErrorContains(t, err, "questions 1 to 1 of 1: the searcher answered 0 of 1 queries")
	_, err = evaluate.SearchRecall(t.Context(), failing{}, questions, nil)
	require.ErrorContains(t, err, "down")
}
