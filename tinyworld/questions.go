package tinyworld

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"

	"searchrl/qa"
)

// questionWords begin a question by the type of its answer.
var questionWords = [numTypes]string{
	Person: "Who is the ", City: "Which city is the ", Company: "Which company is the ", Number: "What is the ",
}

// form is a kind of question.
type form struct {
	share   float64 // of a level's questions
	hops    int     // relations of the chain
	compare bool    // the chain begins at the older of two persons
}

var forms = map[Level][]form{
	Standard: {{1. / 3, 2, false}, {1. / 3, 3, false}, {1. / 3, 4, false}},
	Hard:     {{.05, 1, false}, {.15, 2, false}, {.20, 3, false}, {.25, 4, false}, {.20, 5, false}, {.15, 1, true}},
}

func (w *World) drawForm(rng *rand.Rand) form {
	list := forms[w.level]
	u := rng.Float64()
	for _, f := range list {
		if u < f.share {
			return f
		}
		u -= f.share
	}
	return list[len(list)-1]
}

// AnsweredFromMemory is the probability with which a question that the canonical edition happens to answer rightly is
// kept. Without this filter a perfect memory would answer 23 % of the questions, and searching would be worth less.
const AnsweredFromMemory = 0.15

// Questions draws n questions, no two alike: chains that visit no entity twice and can be answered within the turns of the
// level's protocol. On the standard level they have two to four facts, equally often; on the hard level one to five, or
// compare two persons first. Supporting holds their passages and Keys the precise queries for them, in the order of the reasoning.
// It returns fewer where the
// world has not that many; it has some ten thousand, about a thousand of them with two facts.
func (w *World) Questions(rng *rand.Rand, n int) []qa.Question {
	const patience = 20000 // draws in a row that bring nothing new
	questions := make([]qa.Question, 0, n)
	seen := map[string]bool{}
	f := w.drawForm(rng)
	for tries := 1; len(questions) < n && tries < patience; tries++ {
		if tries%2000 == 0 { // questions of this form are used up
			f = w.drawForm(rng)
		}
		c, facts := w.drawChain(rng, f)
		if Searches(w.level, c) >= Protocol(w.level).MaxTurns {
			continue
		}
		q := w.question(c, facts)
		if seen[q.ID] || !w.keeps(q) {
			continue
		}
		seen[q.ID] = true
		questions = append(questions, q)
		f, tries = w.drawForm(rng), 0
	}
	return questions
}

// QuestionOfHops draws any question of a chain of that many facts, 1 or more.
func (w *World) QuestionOfHops(rng *rand.Rand, hops int) qa.Question {
	c, facts := w.drawChain(rng, form{hops: max(hops, 1)})
	return w.question(c, facts)
}

// keeps decides about a question once and for all, so that drawing many questions does not bring back those left out.
func (w *World) keeps(q qa.Question) bool {
	c, err := ParseQuestion(q.Text)
	if err != nil {
		return true
	}
	recalled, err := w.Recall(c, nil)
	if err != nil || recalled != q.Answers[0] {
		return true
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s", w.seed, q.ID)
	return rand.New(rand.NewPCG(h.Sum64(), 0)).Float64() < AnsweredFromMemory
}

// drawChain draws a chain of the given form; a start is a person twice as often as a city or a company.
func (w *World) drawChain(rng *rand.Rand, f form) (Chain, []Fact) {
	for {
		t := []Type{Person, Person, City, Company}[rng.IntN(4)]
		if f.compare {
			t = Person
		}
		starts := w.lx.byType[t]
		c := Chain{Start: w.lx.names[starts[rng.IntN(len(starts))]]}
		if f.compare {
			c.Rival = w.lx.names[starts[rng.IntN(len(starts))]]
			a, _ := w.Fact(age.Name, c.Start)
			b, _ := w.Fact(age.Name, c.Rival)
			if a.Object == b.Object { // the same person, or no older one
				continue
			}
		}
		c.Relations = w.drawRelations(rng, t, f.hops)
		facts, err := w.Facts(c)
		if err == nil && visitsOnce(c, facts) {
			return c, facts
		}
	}
}

// drawRelations draws relations that fit together, the first of a type's.
func (w *World) drawRelations(rng *rand.Rand, t Type, n int) []string {
	var names []string
	for range n {
		var fit []Relation
		for _, r := range relations {
			if r.From == t {
				fit = append(fit, r)
			}
		}
		r := fit[rng.IntN(len(fit))]
		names = append(names, r.Name)
		t = r.To
	}
	return names
}

// visitsOnce reports whether the way from the chain's start to its answer goes through no entity twice.
func visitsOnce(c Chain, facts []Fact) bool {
	way := facts[c.Len()-len(c.Relations):]
	visited := map[string]bool{way[0].Subject: true, c.Start: true, c.Rival: true}
	for _, fact := range way {
		if visited[fact.Object] {
			return false
		}
		visited[fact.Object] = true
	}
	return true
}

func (w *World) question(c Chain, facts []Fact) qa.Question {
	q := qa.Question{
		ID:      strings.ReplaceAll(slug(c.String()), "-of-the-", "-of-"),
		Text:    c.Question(),
		Answers: []string{facts[len(facts)-1].Object},
		Source:  "tinyworld-" + string(w.level),
		Hops:    len(facts),
	}
	for _, fact := range facts {
		id := w.passage[fact]
		q.Supporting = append(q.Supporting, qa.Support{ID: id, Title: fact.Subject, Text: fact.Sentence()})
		q.Keys = append(q.Keys, []string{Ask(fact.Relation, fact.Subject).Query})
	}
	return q
}
