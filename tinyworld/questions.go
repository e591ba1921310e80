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

// minHops and maxHops bound the chains of the standard level.
const minHops, maxHops = 2, 4

// AnsweredFromMemory is the probability with which a question that the canonical edition happens to answer rightly is
// kept. Without this filter a perfect memory would answer 23 % of the questions, and searching would be worth less.
const AnsweredFromMemory = 0.25

// Questions draws n questions, no two alike: chains of two to four facts, equally often, that visit no entity twice.
// Supporting holds their passages in the order of the reasoning. It returns fewer where the world has not that many; it
// has some ten thousand, about a thousand of them with two facts.
func (w *World) Questions(rng *rand.Rand, n int) []qa.Question {
	const patience = 1000 // draws in a row that bring nothing new
	questions := make([]qa.Question, 0, n)
	seen := map[string]bool{}
	hops := minHops + rng.IntN(maxHops-minHops+1)
	for tries := 0; len(questions) < n && tries < patience; tries++ {
		if tries%100 == 99 { // questions of this length are used up
			hops = minHops + rng.IntN(maxHops-minHops+1)
		}
		q := w.QuestionOfHops(rng, hops)
		if seen[q.ID] || !w.keeps(q) {
			continue
		}
		seen[q.ID] = true
		questions = append(questions, q)
		hops, tries = minHops+rng.IntN(maxHops-minHops+1), 0
	}
	return questions
}

// QuestionOfHops draws any question of that many facts, 1 or more.
func (w *World) QuestionOfHops(rng *rand.Rand, hops int) qa.Question {
	c, facts := w.drawChain(rng, max(hops, 1))
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

// drawChain draws a chain of the given length; a start is a person twice as often as a city or a company.
func (w *World) drawChain(rng *rand.Rand, hops int) (Chain, []Fact) {
	for {
		starts := w.lx.byType[[]Type{Person, Person, City, Company}[rng.IntN(4)]]
		c := Chain{Start: w.lx.names[starts[rng.IntN(len(starts))]]}
		at, visited := c.Start, map[string]bool{c.Start: true}
		var facts []Fact
		for len(facts) < hops {
			t, _ := w.TypeOf(at)
			fact, _ := w.Fact(drawRelation(rng, t), at)
			c.Relations = append(c.Relations, fact.Relation)
			facts = append(facts, fact)
			at = fact.Object
			if visited[at] {
				break
			}
			visited[at] = true
		}
		if len(visited) == hops+1 {
			return c, facts
		}
	}
}

// drawRelation draws one of the relations that entities of a type have.
func drawRelation(rng *rand.Rand, t Type) string {
	var names []string
	for _, r := range relations {
		if r.From == t {
			names = append(names, r.Name)
		}
	}
	return names[rng.IntN(len(names))]
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
	}
	return q
}
