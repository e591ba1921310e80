package tinyworld

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"searchrl/retrieval"
)

// writePassages writes the encyclopaedia. The order of the passages is drawn, because a searcher breaks ties by it.
func (w *World) writePassages(rng *rand.Rand) {
	w.supports = map[string][]Fact{}
	w.passage = map[Fact]string{}
	if w.level == Hard {
		w.writeArticles(rng)
		w.writeRegisters()
	} else {
		w.writeFacts()
	}
	rng.Shuffle(len(w.documents), func(i, j int) {
		w.documents[i], w.documents[j] = w.documents[j], w.documents[i]
	})
}

// writeFacts writes the standard level's passages: one fact each, under its subject as title.
func (w *World) writeFacts() {
	for r, rel := range w.lx.relations {
		for i, subject := range w.lx.byType[rel.From] {
			fact := Fact{Relation: rel.Name, Subject: w.lx.names[subject], Object: w.lx.names[w.facts[r][i]]}
			w.addPassage(slug(rel.Name)+"-of-"+slug(fact.Subject), fact.Subject, []Fact{fact})
		}
	}
}

// writeArticles writes the hard level's passages about an entity: its facts in random order, one to three a passage. An
// entity has two passages at least, so that a precise query has a near miss.
func (w *World) writeArticles(rng *rand.Rand) {
	for _, name := range w.lx.names {
		var facts []Fact
		for _, rel := range w.lx.relations {
			if fact, ok := w.Fact(rel.Name, name); ok {
				facts = append(facts, fact)
			}
		}
		rng.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
		for part := 1; len(facts) > 0; part++ {
			n := min(1+rng.IntN(3), len(facts))
			if part == 1 {
				n = min(n, len(facts)-1)
			}
			w.addPassage(fmt.Sprintf("%s-%d", slug(name), part), name, facts[:n])
			facts = facts[n:]
		}
	}
}

// writeRegisters writes the hard level's passages that follow a chain.
func (w *World) writeRegisters() {
	for _, r := range registers {
		for _, name := range w.Names(r.about) {
			facts, err := w.Facts(Chain{Start: name, Relations: r.path})
			if err != nil {
				continue // a register whose relations do not fit together: excluded by a test
			}
			id := r.noun + "-of-" + slug(name)
			w.supports[id] = facts
			w.documents = append(w.documents, retrieval.Document{ID: id, Title: upper(r.noun) + " of " + name, Text: r.write(facts)})
		}
	}
}

func (w *World) addPassage(id, title string, facts []Fact) {
	sentences := make([]string, len(facts))
	for i, fact := range facts {
		sentences[i] = fact.Sentence()
		w.passage[fact] = id
	}
	w.supports[id] = slices.Clone(facts)
	w.documents = append(w.documents, retrieval.Document{ID: id, Title: title, Text: strings.Join(sentences, " ")})
}

func upper(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

func slug(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "-") }

// Documents returns the passages, in the order that ties are broken by.
func (w *World) Documents() []retrieval.Document {
	return append([]retrieval.Document(nil), w.documents...)
}

// Supports returns the facts that a passage states; nil for an unknown passage.
func (w *World) Supports(passageID string) []Fact { return w.supports[passageID] }

// Passage returns the ID of the passage that states a fact; false if the fact does not hold in this world.
func (w *World) Passage(f Fact) (string, bool) {
	id, ok := w.passage[f]
	return id, ok
}

var sentencePattern = regexp.MustCompile(`The ([a-z]+) of ` + namePattern + ` is ([A-Z][A-Za-z]*(?: [A-Z][A-Za-z]*)*|[a-z]+)\.`)

// ReadFacts returns the facts that a text states in the words of the passages: those of sentences, then those of registers.
// It needs no world: what it finds need not be true.
func ReadFacts(text string) []Fact {
	var facts []Fact
	for _, m := range sentencePattern.FindAllStringSubmatch(text, -1) {
		facts = append(facts, Fact{Relation: m[1], Subject: m[2], Object: m[3]})
	}
	for i, pattern := range registerPatterns {
		for _, m := range pattern.FindAllStringSubmatch(text, -1) {
			facts = append(facts, registers[i].read(m)...)
		}
	}
	return facts
}
