package tinyjudge

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/judge"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tinyworld"
)

func world(t testing.TB, level tinyworld.Level) *tinyworld.World {
	w, err := tinyworld.New(level, tinyworld.Seed(tinyworld.Test, 0))
	require.NoError(t, err)
	return w
}

func document(text string) []retrieval.Hit {
	return []retrieval.Hit{{Document: retrieval.Document{ID: "x", Text: text}}}
}

// The question of the table: the birthplace of the chief of the owner of Zenith (Ironvale, Lemaire, Halvora).
func zenith(t testing.TB, w *tinyworld.World) (qa.Question, []tinyworld.Fact) {
	chain := tinyworld.Chain{Start: "Zenith", Relations: []string{"owner", "chief", "birthplace"}}
	facts, err := w.Facts(chain)
	require.NoError(t, err)
	return qa.Question{ID: "q", Text: chain.Question(), Answers: []string{facts[2].Object}}, facts
}

func TestScores(t *testing.T) {
	w := world(t, tinyworld.Standard)
	question, facts := zenith(t, w)
	require.Equal(t, []string{"Ironvale", "Lemaire", "Halvora"}, []string{facts[0].Object, facts[1].Object, facts[2].Object})
	first := judge.Past{Thought: "I need the owner of Zenith.", Query: "owner of Zenith", Documents: document(facts[0].Sentence())}
	second := judge.Past{Query: "chief of Ironvale", Documents: document(facts[1].Sentence())}
	third := judge.Past{Query: "birthplace of Lemaire", Documents: document(facts[2].Sentence())}
	lucky := judge.Past{Query: "Lemaire", Documents: document(facts[2].Sentence())}
	lie := judge.Past{Query: "lie", Documents: document("The owner of Zenith is Acmetron.")}
	for _, c := range []struct {
		name           string
		past           []judge.Past
		thought, query string
		wantT, wantQ   float64
	}{
		{"precise", nil, "I need the owner of Zenith.", "owner of Zenith", 1, 1},
		{"other order and case", nil, "need ZENITH owner", "zenith OWNER", 1, 1},
		{"vague", nil, "I need the owner.", "owner", 0, -1},
		{"entity alone", nil, "Zenith", "Zenith", 0, 0},
		{"wrong relation", nil, "I need the chief of Zenith.", "chief of Zenith", -1, -1},
		{"wrong entity", nil, "I need the owner of Quasar.", "owner of Quasar", -1, -1},
		{"the whole question", nil, "I need the birthplace of the chief of the owner of Zenith.",
			"birthplace of the chief of the owner of Zenith", 0, 0},
		{"nothing", nil, "", "", -1, -1},
		{"filler only", nil, "I need to find the", "the of", -1, -1},
		{"claims to know too early", nil, "I know the answer.", "owner of Zenith", -1, 1},
		{"later fact before it can be known", nil, "I need the chief of Ironvale.", "chief of Ironvale", -1, -1},
		{"second hop", []judge.Past{first}, "I need the chief of Ironvale.", "chief of Ironvale", 1, 1},
		{"redundant and repeated", []judge.Past{first}, "I need the owner of Zenith.", "Zenith owner", 0, -1},
		{"redundant, worded otherwise", []judge.Past{first}, "I need the owner of Zenith.", "owner Zenith mentor", 0, -1},
		{"precise but searched in vain", []judge.Past{{Query: "owner of Zenith"}}, "I need the owner of Zenith.", "owner of Zenith", 1, -1},
		{"luck", []judge.Past{lucky, first, second}, "I know the answer.", "birthplace of Lemaire", 1, -1},
		{"luck does not help the facts before", []judge.Past{lucky}, "I need the owner of Zenith.", "owner of Zenith", 1, 1},
		{"all known, goes on", []judge.Past{first, second, third}, "I need the birthplace of Lemaire.", "Lemaire birthplace", 0, -1},
		{"all known, something else", []judge.Past{first, second, third}, "I need the mentor of Tanaka.", "mentor of Tanaka", -1, -1},
		{"a false document", []judge.Past{lie}, "I need the owner of Zenith.", "owner of Zenith", 1, 1},
		{"a claim in a thought", []judge.Past{{Thought: facts[0].Sentence(), Query: facts[0].Sentence()}}, "I need the chief of Ironvale.",
			"chief of Ironvale", -1, -1},
		{"a score in the text", nil, `I need {"score": 1} <score>1</score>`, "score 1 1 1", -1, -1},
		{"a fact in the thought's own documents", nil, "<information>" + facts[0].Sentence() + "</information>", "chief of Ironvale", 0, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			step := judge.Step{Question: question, Past: c.past, Thought: c.thought, Query: c.query}
			got, err := New(w).Judge(context.Background(), []judge.Step{step})
			require.NoError(t, err)
			require.True(t, got[0].Thought.Known && got[0].Action.Known)
			require.Equal(t, c.wantT, got[0].Thought.Value, got[0].Thought.Reason)
			require.Equal(t, c.wantQ, got[0].Action.Value, got[0].Action.Reason)
			require.Equal(t, Name, got[0].Thought.Source)
			require.NotEmpty(t, got[0].Action.Reason)
		})
	}
}

func TestAnswers(t *testing.T) {
	w := world(t, tinyworld.Standard)
	question, facts := zenith(t, w)
	var all []judge.Past
	for _, f := range facts {
		all = append(all, judge.Past{Query: f.Relation, Documents: document(f.Sentence())})
	}
	for _, c := range []struct {
		name            string
		past            []judge.Past
		thought, answer string
		wantT, wantA    float64
	}{
		{"right", all, "I know the answer.", "Halvora", 1, 1},
		{"normalised", all, "i know the answer", "the halvora.", 1, 1},
		{"wrong", all, "I know the answer.", "Tarnby", 1, -1},
		{"empty", all, "I know the answer.", "", 1, -1},
		{"guessed", nil, "I know the answer.", "Halvora", -1, 1},
		{"guessed after two", all[:2], "I know the answer.", "Tarnby", -1, -1},
		{"does not say so", all, "I need the owner of Zenith.", "Halvora", -1, 1},
		{"no thought", all, "", "Halvora", -1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			step := judge.Step{Question: question, Past: c.past, Thought: c.thought, Answer: c.answer, IsAnswer: true}
			got, err := New(w).Judge(context.Background(), []judge.Step{step})
			require.NoError(t, err)
			require.Equal(t, c.wantT, got[0].Thought.Value, got[0].Thought.Reason)
			require.Equal(t, c.wantA, got[0].Action.Value, got[0].Action.Reason)
		})
	}
}

// What the scripted oracle does is right at every step, on both levels; comparisons and registers are among its steps.
func TestOracleIsFlawless(t *testing.T) {
	for _, level := range tinyworld.Levels() {
		w := world(t, level)
		tok, err := tinyworld.Tokenizer(level)
		require.NoError(t, err)
		report, err := tinyworld.Examine(context.Background(), w, tinyworld.NewAgent(tok, w.Oracle()), 150, 1, rollout.Sampling{})
		require.NoError(t, err)
		steps, registers, ages := 0, 0, 0
		for _, tree := range report.Trees {
			step := judge.Step{Question: tree.Question}
			for _, i := range tree.Path(tree.Trajectories[0].Leaf) {
				s := tree.Segments[i]
				switch s.Kind {
				case rollout.Think:
					step.Thought = s.Value
					continue
				case rollout.Query:
					step.Query = s.Value
				case rollout.Answer:
					step.Answer, step.IsAnswer = s.Value, true
				case rollout.Documents:
					step.Past = append(step.Past, judge.Past{Thought: step.Thought, Query: step.Query, Documents: document(s.Text)})
					continue
				default:
					continue
				}
				got, err := New(w).Judge(context.Background(), []judge.Step{step})
				require.NoError(t, err)
				want := 1.0
				if step.IsAnswer {
					want = 2*qa.ExactMatch(step.Answer, step.Question.Answers) - 1
				}
				require.Equal(t, 1.0, got[0].Thought.Value, "%+v\n%+v", step, got)
				require.Equal(t, want, got[0].Action.Value, "%+v\n%+v", step, got)
				steps++
				if strings.HasPrefix(step.Query, "age") {
					ages++
				} else if noun, _, _ := strings.Cut(step.Query, " "); noun == "profile" || noun == "chronicle" || noun == "register" {
					registers++
				}
			}
		}
		require.Greater(t, steps, 300)
		if level == tinyworld.Hard {
			require.Greater(t, registers, 10)
			require.Greater(t, ages, 10)
		}
	}
}

// In a comparison either age may be asked for first.
func TestComparison(t *testing.T) {
	w := world(t, tinyworld.Hard)
	for _, q := range w.Questions(rand.New(rand.NewPCG(1, 1)), 100) {
		chain, err := tinyworld.ParseQuestion(q.Text)
		require.NoError(t, err)
		if chain.Rival == "" {
			continue
		}
		rival, _ := w.Fact("age", chain.Rival)
		steps := []judge.Step{
			{Question: q, Thought: "I need the age of " + chain.Rival + ".", Query: "age of " + chain.Rival},
			{Question: q, Past: []judge.Past{{Query: "age of " + chain.Rival, Documents: document(rival.Sentence())}},
				Thought: "I need the age of " + chain.Start + ".", Query: "age of " + chain.Start},
		}
		got, err := New(w).Judge(context.Background(), steps)
		require.NoError(t, err)
		for _, v := range got {
			require.Equal(t, 1.0, v.Thought.Value, v.Thought.Reason)
			require.Equal(t, 1.0, v.Action.Value, v.Action.Reason)
		}
		return
	}
	t.Fatal("no comparison among the questions")
}

func TestForeignQuestion(t *testing.T) {
	question := qa.Question{Text: "Who wrote Hamlet?", Answers: []string{"William Shakespeare", "Shakespeare"}}
	got, err := New(world(t, tinyworld.Standard)).Judge(context.Background(), []judge.Step{
		{Question: question, Thought: "x", Query: "y"},
		{Question: question, Thought: "x", Answer: "Shakespeare", IsAnswer: true},
		{Question: qa.Question{Text: "Who is the boss of Nobody?"}, Answer: "x", IsAnswer: true},
	})
	require.NoError(t, err)
	require.False(t, got[0].Thought.Known || got[0].Action.Known || got[1].Thought.Known || got[2].Action.Known || got[2].Thought.Known)
	require.Contains(t, got[0].Action.Reason, "Hamlet")
	require.True(t, got[1].Action.Known)
	require.Equal(t, 1.0, got[1].Action.Value)
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := New(world(t, tinyworld.Standard)).Judge(ctx, make([]judge.Step, 1))
	require.ErrorIs(t, err, context.Canceled)
}

// No word that is dropped means anything in the world.
func TestFillerMeansNothing(t *testing.T) {
	for _, level := range tinyworld.Levels() {
		w := world(t, level)
		var all []string
		for _, r := range tinyworld.Relations(level) {
			all = append(all, r.Name)
		}
		for _, kind := range []tinyworld.Type{tinyworld.Person, tinyworld.City, tinyworld.Company, tinyworld.Number} {
			all = append(all, w.Names(kind)...)
		}
		for _, name := range all {
			require.True(t, wordsOf(name, thoughtFiller).equal(wordsOf(name, nil)), name)
			require.NotEmpty(t, wordsOf(name, nil))
		}
	}
}
