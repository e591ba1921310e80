package tinyworld_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/retrieval"
	"searchrl/tinyworld"
)

func newWorld(t testing.TB, level tinyworld.Level, split tinyworld.Split) *tinyworld.World {
	t.Helper()
	w, err := tinyworld.New(level, tinyworld.Seed(split, 0))
	require.NoError(t, err)
	return w
}

func TestWorldIsAFunctionOfItsSeed(t *testing.T) {
	a, b := newWorld(t, tinyworld.Standard, tinyworld.Test), newWorld(t, tinyworld.Standard, tinyworld.Test)
	require.Equal(t, a.Documents(), b.Documents())
	c := newWorld(t, tinyworld.Standard, tinyworld.Train)
	require.NotEqual(t, a.Documents(), c.Documents())
	_, err := tinyworld.New("easy", 1)
	require.ErrorContains(t, err, `unknown level "easy"`)
}

func TestEveryFactHasOnePassage(t *testing.T) {
	w := newWorld(t, tinyworld.Standard, tinyworld.Test)
	docs := w.Documents()
	require.Len(t, docs, 420)
	seen := map[tinyworld.Fact]bool{}
	for _, d := range docs {
		facts := tinyworld.ReadFacts(d.Text)
		require.Equal(t, w.Supports(d.ID), facts, d.Text)
		require.Len(t, facts, 1)
		fact := facts[0]
		require.False(t, seen[fact], d.Text)
		seen[fact] = true
		require.NotEqual(t, fact.Subject, fact.Object)
		found, ok := w.Fact(fact.Relation, fact.Subject)
		require.True(t, ok)
		require.Equal(t, fact, found)
		id, ok := w.Passage(fact)
		require.True(t, ok)
		require.Equal(t, d.ID, id)
	}
}

func TestMutualRelationsArePairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, err := tinyworld.New(tinyworld.Standard, rapid.Uint64().Draw(t, "seed"))
		require.NoError(t, err)
		for _, r := range tinyworld.Relations(tinyworld.Standard) {
			for _, name := range w.Names(r.From) {
				fact, ok := w.Fact(r.Name, name)
				require.True(t, ok)
				back, ok := w.Fact(r.Name, fact.Object)
				if r.Mutual {
					require.True(t, ok)
					require.Equal(t, name, back.Object)
				}
			}
		}
	})
}

func TestWorldsKeepThePartOfTheCanonicalEditionThatTheySay(t *testing.T) {
	same, all := 0, 0
	for n := range 40 {
		w, err := tinyworld.New(tinyworld.Standard, tinyworld.Seed(tinyworld.WarmStart, n))
		require.NoError(t, err)
		for _, r := range tinyworld.Relations(tinyworld.Standard) {
			for _, name := range w.Names(r.From) {
				now, _ := w.Fact(r.Name, name)
				then, _ := w.Remembered(r.Name, name)
				all++
				if now == then {
					same++
				}
			}
		}
	}
	// A redrawn value is the old one by chance with probability 1/30 to 1/60.
	require.InDelta(t, tinyworld.Persistence+(1-tinyworld.Persistence)/45, float64(same)/float64(all), 0.01)
}

func TestQuestionsAndTheirFacts(t *testing.T) {
	w := newWorld(t, tinyworld.Standard, tinyworld.Test)
	questions := w.Questions(rand.New(rand.NewPCG(1, 2)), 600)
	hops, ids := map[int]int{}, map[string]bool{}
	for _, q := range questions {
		require.False(t, ids[q.ID], q.ID)
		ids[q.ID] = true
		hops[q.Hops]++
		chain, err := tinyworld.ParseQuestion(q.Text)
		require.NoError(t, err)
		require.Equal(t, q.Text, chain.Question())
		facts, err := w.Facts(chain)
		require.NoError(t, err)
		require.Len(t, facts, q.Hops)
		require.Len(t, q.Supporting, q.Hops)
		visited := map[string]bool{chain.Start: true}
		at := chain.Start
		for i, fact := range facts {
			require.Equal(t, at, fact.Subject)
			at = fact.Object
			require.False(t, visited[at], "%s visits %s twice", q.Text, at)
			visited[at] = true
			require.Contains(t, w.Supports(q.Supporting[i].ID), fact)
		}
		require.Equal(t, []string{at}, q.Answers)
		known, reached := tinyworld.Progress(chain, facts)
		require.Equal(t, q.Hops, known)
		require.Equal(t, at, reached)
	}
	for h := 2; h <= 4; h++ {
		require.InDelta(t, 200, hops[h], 50)
	}
}

func TestParseQuestionRefusesOtherText(t *testing.T) {
	for _, text := range []string{"", "Who is the boss of Okafor", "Why is the boss of Okafor?", "Who is the boss?"} {
		_, err := tinyworld.ParseQuestion(text)
		require.Error(t, err, text)
	}
}

func TestPreciseQueryFindsItsFactFirst(t *testing.T) {
	for _, split := range []tinyworld.Split{tinyworld.Train, tinyworld.Test} {
		w := newWorld(t, tinyworld.Standard, split)
		index, err := retrieval.NewBM25(w.Documents())
		require.NoError(t, err)
		for _, d := range w.Documents() {
			fact := w.Supports(d.ID)[0]
			hits, err := index.Search(context.Background(), []string{fact.Relation + " of " + fact.Subject}, 2)
			require.NoError(t, err)
			require.Equal(t, d.ID, hits[0][0].ID)
		}
	}
}

func TestReadFactsOfOtherText(t *testing.T) {
	require.Empty(t, tinyworld.ReadFacts("The boss of okafor is unknown. the boss of Okafor is Lindqvist"))
	require.Equal(t, []tinyworld.Fact{{Relation: "boss", Subject: "Okafor", Object: "Lindqvist"}},
		tinyworld.ReadFacts("x The boss of Okafor is Lindqvist. y"))
}

func TestVocabularyCoversTheWorld(t *testing.T) {
	for _, level := range tinyworld.Levels() {
		tok, err := tinyworld.Tokenizer(level)
		require.NoError(t, err)
		require.LessOrEqual(t, tok.VocabSize(), 700)
		w := newWorld(t, level, tinyworld.Test)
		for _, q := range w.Questions(rand.New(rand.NewPCG(1, 1)), 100) {
			text := "Question: " + q.Text + "\n"
			for _, id := range tok.EncodeTrusted(text) {
				requireWord(t, tok.Decode([]int{id}), id)
			}
		}
		for _, d := range w.Documents() {
			for _, id := range tok.Encode(" " + d.Text) {
				requireWord(t, tok.Decode([]int{id}), id)
			}
		}
	}
}

// requireWord allows single bytes for punctuation only.
func requireWord(t *testing.T, piece string, id int) {
	t.Helper()
	if id < 256 {
		require.Contains(t, ".:,", piece, fmt.Sprintf("%q is spelled in bytes", piece))
	}
}
