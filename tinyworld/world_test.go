package tinyworld_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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
		require.False(t, seen[facts[0]], d.Text)
		seen[facts[0]] = true
		requireTrue(t, w, facts[0])
		id, ok := w.Passage(facts[0])
		require.True(t, ok)
		require.Equal(t, d.ID, id)
	}
}

// requireTrue checks that a fact holds in the world.
func requireTrue(t *testing.T, w *tinyworld.World, f tinyworld.Fact) {
	t.Helper()
	require.NotEqual(t, f.Subject, f.Object)
	found, ok := w.Fact(f.Relation, f.Subject)
	require.True(t, ok)
	require.Equal(t, found, f)
}

func TestHardPassages(t *testing.T) {
	w := newWorld(t, tinyworld.Hard, tinyworld.Test)
	articles, registers, facts := map[tinyworld.Fact]string{}, 0, 0
	for _, d := range w.Documents() {
		read := tinyworld.ReadFacts(d.Text)
		require.Equal(t, w.Supports(d.ID), read, d.Text)
		for _, f := range read {
			requireTrue(t, w, f)
		}
		if strings.Contains(d.Title, " of ") {
			registers++
			require.Len(t, read, 3)
			require.Equal(t, read[0].Object, read[1].Subject)
			require.Equal(t, read[1].Object, read[2].Subject)
			continue
		}
		require.LessOrEqual(t, len(read), 3)
		for _, f := range read {
			require.Equal(t, d.Title, f.Subject)
			require.Empty(t, articles[f], "%v stands in two articles", f)
			articles[f] = d.ID
			id, _ := w.Passage(f)
			require.Equal(t, d.ID, id)
			facts++
		}
	}
	require.Equal(t, 60*5+30*3+30*3, facts)
	require.Equal(t, 120, registers)
}

// A precise query must find its fact, but not the register that would give away the next one as well; the register's own
// query must find it.
func TestHardLevelIsNoShortcutByChance(t *testing.T) {
	w := newWorld(t, tinyworld.Hard, tinyworld.Test)
	index, err := retrieval.NewBM25(w.Documents())
	require.NoError(t, err)
	search := func(noun, name string) []retrieval.Hit {
		hits, err := index.Search(context.Background(), []string{noun + " of " + name}, tinyworld.Protocol(tinyworld.Hard).TopK)
		require.NoError(t, err)
		return hits[0]
	}
	found, given, registers := 0, 0, 0
	for _, r := range tinyworld.Relations(tinyworld.Hard) {
		for _, name := range w.Names(r.From) {
			fact, _ := w.Fact(r.Name, name)
			for _, hit := range search(r.Name, name) {
				if slices.Contains(w.Supports(hit.ID), fact) {
					found++
				}
				if strings.HasSuffix(hit.Title, " of "+name) {
					given++
				}
			}
		}
	}
	require.GreaterOrEqual(t, found, 480)
	require.LessOrEqual(t, given, 5)
	for noun, about := range map[string]tinyworld.Type{"profile": tinyworld.Person, "chronicle": tinyworld.City, "register": tinyworld.Company} {
		for _, name := range w.Names(about) {
			if strings.HasSuffix(search(noun, name)[0].ID, slugOf(name)) {
				registers++
			}
		}
	}
	require.GreaterOrEqual(t, registers, 118)
}

func slugOf(name string) string { return "-of-" + strings.ReplaceAll(strings.ToLower(name), " ", "-") }

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
	for _, level := range tinyworld.Levels() {
		w := newWorld(t, level, tinyworld.Test)
		questions := w.Questions(rand.New(rand.NewPCG(1, 2)), 600)
		require.Len(t, questions, 600)
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
			require.Len(t, q.Keys, q.Hops)
			for i, fact := range facts {
				require.Contains(t, w.Supports(q.Supporting[i].ID), fact)
				require.Equal(t, []string{tinyworld.Ask(fact.Relation, fact.Subject).Query}, q.Keys[i])
				known, _ := tinyworld.Progress(chain, facts[:i])
				require.Equal(t, i, known)
				next, more := tinyworld.Next(chain, facts[:i])
				require.True(t, more)
				require.Equal(t, tinyworld.Fact{Relation: fact.Relation, Subject: fact.Subject}, next)
			}
			known, at := tinyworld.Progress(chain, facts)
			require.Equal(t, q.Hops, known)
			require.Equal(t, q.Answers, []string{at})
			require.NotEqual(t, chain.Start, at)
			require.Less(t, tinyworld.Searches(level, chain), tinyworld.Protocol(level).MaxTurns)
		}
		if level == tinyworld.Standard {
			for h := 2; h <= 4; h++ {
				require.InDelta(t, 200, hops[h], 50)
			}
		}
	}
}

func TestComparison(t *testing.T) {
	c, err := tinyworld.ParseQuestion("Which city is the birthplace of the older of Ada Okafor and Edith Okafor?")
	require.NoError(t, err)
	require.Equal(t, tinyworld.Chain{Start: "Ada Okafor", Rival: "Edith Okafor", Relations: []string{"birthplace"}}, c)
	require.Equal(t, 3, c.Len())
	read := []tinyworld.Fact{{Relation: "age", Subject: "Ada Okafor", Object: "forty"}}
	next, more := tinyworld.Next(c, read)
	require.True(t, more)
	require.Equal(t, tinyworld.Fact{Relation: "age", Subject: "Edith Okafor"}, next)
	read = append(read, tinyworld.Fact{Relation: "age", Subject: "Edith Okafor", Object: "ninety"})
	next, _ = tinyworld.Next(c, read)
	require.Equal(t, tinyworld.Fact{Relation: "birthplace", Subject: "Edith Okafor"}, next)
	read[1].Object = "twenty"
	next, _ = tinyworld.Next(c, read)
	require.Equal(t, tinyworld.Fact{Relation: "birthplace", Subject: "Ada Okafor"}, next)
	_, err = tinyworld.ParseQuestion("Which city is the birthplace of the older of Ada Okafor?")
	require.ErrorContains(t, err, "one person only")
}

func TestSearches(t *testing.T) {
	for _, c := range []struct {
		relations string
		want      int
	}{
		{"boss", 1}, {"boss employer", 1}, {"boss employer seat", 1}, {"boss employer owner", 2}, {"mentor boss employer seat", 2},
		{"mayor mentor boss employer", 2}, {"mentor mentor mentor", 3}, {"owner chief birthplace mayor mentor", 2},
	} {
		require.Equal(t, c.want, tinyworld.Searches(tinyworld.Hard, tinyworld.Chain{Start: "x", Relations: strings.Fields(c.relations)}), c.relations)
		require.Equal(t, len(strings.Fields(c.relations)), tinyworld.Searches(tinyworld.Standard, tinyworld.Chain{Start: "x", Relations: strings.Fields(c.relations)}))
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
