package tinyworld

import (
	"math/rand/v2"
	"regexp"
	"strings"

	"searchrl/retrieval"
)

// writePassages writes the encyclopaedia. The order of the passages is drawn, because a searcher breaks ties by it.
func (w *World) writePassages(rng *rand.Rand) {
	w.supports = map[string][]Fact{}
	w.passage = map[Fact]string{}
	w.writeFacts()
	rng.Shuffle(len(w.documents), func(i, j int) {
		w.documents[i], w.documents[j] = w.documents[j], w.documents[i]
	})
}

// writeFacts writes the standard level's passages: one fact each, under its subject as title.
func (w *World) writeFacts() {
	for r, rel := range relations {
		for i, subject := range w.lx.byType[rel.From] {
			fact := Fact{Relation: rel.Name, Subject: w.lx.names[subject], Object: w.lx.names[w.facts[r][i]]}
			w.addPassage(slug(rel.Name)+"-of-"+slug(fact.Subject), fact.Subject, []Fact{fact})
		}
	}
}

func (w *World) addPassage(id, title string, facts []Fact) {
	sentences := make([]string, len(facts))
	for i, fact := range facts {
		sentences[i] = fact.Sentence()
		w.passage[fact] = id
	}
	w.supports[id] = facts
	w.documents = append(w.documents, retrieval.Document{ID: id, Title: title, Text: strings.Join(sentences, " ")})
}

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

var sentencePattern = regexp.MustCompile(`The ([a-z]+) of ([A-Z][A-Za-z]*(?: [A-Z][A-Za-z]*)*) is ([A-Z][A-Za-z]*(?: [A-Z][A-Za-z]*)*)\.`)

// ReadFacts returns the facts that a text states in the words of the passages, in their order. It needs no world: what
// it finds need not be true.
func ReadFacts(text string) []Fact {
	var facts []Fact
	for _, m := range sentencePattern.FindAllStringSubmatch(text, -1) {
		facts = append(facts, Fact{Relation: m[1], Subject: m[2], Object: m[3]})
	}
	return facts
}
