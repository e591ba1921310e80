package tinyjudge

import (
	"fmt"
	"strings"
	"unicode"

	"searchrl/judge"
	"searchrl/qa"
	"searchrl/tinyworld"
)

// words is a set of words in lower case.
type words map[string]bool

// Words that carry nothing. No relation and no name of the world is among them (tested).
var (
	queryFiller = strings.Fields("the of a an is who what which and")
	// thoughtFiller adds what a thought is phrased with.
	thoughtFiller = append(strings.Fields("i need to now next must should find look for search up out know"), queryFiller...)
)

func wordsOf(text string, filler []string) words {
	w := words{}
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		w[word] = true
	}
	for _, word := range filler {
		delete(w, word)
	}
	return w
}

// holds reports whether w has every word of part.
func (w words) holds(part words) bool {
	for word := range part {
		if !w[word] {
			return false
		}
	}
	return true
}

func (w words) equal(other words) bool { return len(w) == len(other) && w.holds(other) }

// target is something that a step may ask for: a fact without its object, or a register.
type target struct {
	tinyworld.Fact
	relation, all words // of the relation, and of the relation and the subject
}

func newTarget(f tinyworld.Fact) target {
	return target{Fact: f, relation: wordsOf(f.Relation, nil), all: wordsOf(f.Relation+" "+f.Subject, nil)}
}

func (t target) String() string { return t.Relation + " of " + t.Subject }

// state is what a candidate is judged by.
type state struct {
	known   []target // facts of the chain that were read, from its start
	targets []target // what may be asked for; none when everything is known
}

// read works out which facts of the question's chain the documents have shown.
func (j *Judge) read(step judge.Step) (*state, error) {
	chain, err := tinyworld.ParseQuestion(step.Question.Text)
	if err != nil {
		return nil, fmt.Errorf("reading the question: %w", err)
	}
	facts, err := j.world.Facts(chain)
	if err != nil {
		return nil, fmt.Errorf("question %q is not about the judge's world: %w", step.Question.Text, err)
	}
	var read []tinyworld.Fact
	for _, past := range step.Past {
		for _, document := range past.Documents {
			for _, f := range tinyworld.ReadFacts(document.Text) {
				if truth, ok := j.world.Fact(f.Relation, f.Subject); ok && truth == f {
					read = append(read, f)
				}
			}
		}
	}
	known, at := tinyworld.Progress(chain, read)
	s := &state{}
	for _, f := range facts[:known] {
		s.known = append(s.known, newTarget(f))
	}
	next, more := tinyworld.Next(chain, read)
	if !more {
		return s, nil
	}
	s.targets = append(s.targets, newTarget(next))
	first := chain.Len() - len(chain.Relations) // facts before the relations: the two ages of a comparison
	if known < first {
		// Either age helps; Next names the first that is missing.
		if other := (tinyworld.Fact{Relation: next.Relation, Subject: chain.Rival}); next.Subject == chain.Start && !knows(read, other) {
			s.targets = append(s.targets, newTarget(other))
		}
		return s, nil
	}
	if j.world.Level() == tinyworld.Hard {
		if noun, covers := tinyworld.Register(chain.Relations[known-first:]); covers > 0 {
			s.targets = append(s.targets, newTarget(tinyworld.Fact{Relation: noun, Subject: at}))
		}
	}
	return s, nil
}

func knows(read []tinyworld.Fact, fact tinyworld.Fact) bool {
	for _, f := range read {
		if f.Relation == fact.Relation && f.Subject == fact.Subject {
			return true
		}
	}
	return false
}

// claimsToKnow reports whether a thought is the one that the world's agents conclude with.
func claimsToKnow(thought string) bool {
	return qa.Normalize(thought) == qa.Normalize(tinyworld.Conclude("").Thought)
}
