package tinyworld

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"

	"searchrl/qa"
)

// Chain is what a question asks for: the relations, applied one after the other to the start. The boss of the spouse of
// Okafor is Chain{Start: "Okafor", Relations: ["spouse", "boss"]}.
type Chain struct {
	Start     string
	Relations []string
}

// String returns the chain in words: "boss of the spouse of Okafor".
func (c Chain) String() string {
	var b strings.Builder
	for i := len(c.Relations) - 1; i >= 0; i-- {
		b.WriteString(c.Relations[i])
		b.WriteString(" of ")
		if i > 0 {
			b.WriteString("the ")
		}
	}
	return b.String() + c.Start
}

// questionWords begin a question by the type of its answer.
var questionWords = [numTypes]string{Person: "Who is the ", City: "Which city is the ", Company: "Which company is the "}

// Question returns the chain as a question: "Who is the boss of the spouse of Okafor?".
func (c Chain) Question() string {
	last := c.Relations[len(c.Relations)-1]
	for _, r := range relations {
		if r.Name == last {
			return questionWords[r.To] + c.String() + "?"
		}
	}
	return "What is the " + c.String() + "?"
}

// ParseQuestion reads a question that Chain.Question wrote.
func ParseQuestion(text string) (Chain, error) {
	body, ok := strings.CutSuffix(strings.TrimSpace(text), "?")
	if !ok {
		return Chain{}, fmt.Errorf("tinyworld: question %q does not end with a question mark", text)
	}
	for _, words := range questionWords {
		if rest, ok := strings.CutPrefix(body, words); ok {
			parts := strings.Split(rest, " of ")
			if len(parts) < 2 {
				return Chain{}, fmt.Errorf("tinyworld: question %q names no relation of anything", text)
			}
			c := Chain{Start: parts[len(parts)-1]}
			for i := len(parts) - 2; i >= 0; i-- {
				c.Relations = append(c.Relations, strings.TrimPrefix(parts[i], "the "))
			}
			return c, nil
		}
	}
	return Chain{}, fmt.Errorf("tinyworld: question %q begins with none of %q", text, questionWords)
}

// Facts returns the facts that lead from the chain's start to its answer in this world, in the order of the reasoning.
func (w *World) Facts(c Chain) ([]Fact, error) { return w.follow(w.Fact, c) }

// Recall returns where the chain leads by the canonical edition: the answer of an agent that remembers everything and
// looks up nothing.
func (w *World) Recall(c Chain) (string, error) {
	facts, err := w.follow(w.Remembered, c)
	if err != nil {
		return "", err
	}
	return facts[len(facts)-1].Object, nil
}

func (w *World) follow(look func(relation, subject string) (Fact, bool), c Chain) ([]Fact, error) {
	if len(c.Relations) == 0 {
		return nil, fmt.Errorf("tinyworld: the chain from %q has no relation", c.Start)
	}
	var facts []Fact
	at := c.Start
	for _, relation := range c.Relations {
		fact, ok := look(relation, at)
		if !ok {
			return nil, fmt.Errorf("tinyworld: the world knows no %s of %s", relation, at)
		}
		facts = append(facts, fact)
		at = fact.Object
	}
	return facts, nil
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
	recalled, err := w.Recall(c)
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
