package judge_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/judge"
	"searchrl/qa"
	"searchrl/retrieval"
)

func hit(id, title, text string) retrieval.Hit {
	return retrieval.Hit{Document: retrieval.Document{ID: id, Title: title, Text: text}}
}

func TestDensity(t *testing.T) {
	question := qa.Question{ID: "q", Answers: []string{"The Marrow City", "Marrow"}, Supporting: []qa.Support{{ID: "7"}, {Title: "Lunia"}}}
	for name, c := range map[string]struct {
		set   judge.Retrieval
		value float64
	}{
		"holds an answer":              {judge.Retrieval{Documents: []retrieval.Hit{hit("1", "", "It is marrow, they say.")}}, 1},
		"a part of a word is none":     {judge.Retrieval{Documents: []retrieval.Hit{hit("1", "", "Marrows are vegetables.")}}, 0},
		"supporting by ID":             {judge.Retrieval{Documents: []retrieval.Hit{hit("1", "", "x"), hit("7", "", "y")}}, 1},
		"supporting by title":          {judge.Retrieval{Documents: []retrieval.Hit{hit("2", "lunia", "y")}}, 1},
		"an ID is not a title":         {judge.Retrieval{Documents: []retrieval.Hit{hit("Lunia", "", "y")}}, 0},
		"nothing":                      {judge.Retrieval{}, 0},
		"shown before":                 {judge.Retrieval{Past: []judge.Past{{Documents: []retrieval.Hit{hit("7", "", "")}}}, Documents: []retrieval.Hit{hit("7", "", "")}}, 0},
		"one shown before and one new": {judge.Retrieval{Past: []judge.Past{{Documents: []retrieval.Hit{hit("7", "", "")}}}, Documents: []retrieval.Hit{hit("7", "", ""), hit("8", "", "Marrow")}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c.set.Question = question
			scores, err := judge.Density{}.Assess(context.Background(), []judge.Retrieval{c.set})
			require.NoError(t, err)
			require.True(t, scores[0].Known)
			require.Equal(t, c.value, scores[0].Value, scores[0].Reason)
			require.Equal(t, "density", scores[0].Source)
		})
	}
	scores, err := judge.Density{}.Assess(context.Background(), []judge.Retrieval{{Question: qa.Question{ID: "q"}}})
	require.NoError(t, err)
	require.False(t, scores[0].Known)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = judge.Density{}.Assess(ctx, make([]judge.Retrieval, 1))
	require.ErrorIs(t, err, context.Canceled)
}
