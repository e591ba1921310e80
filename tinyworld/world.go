package tinyworld

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"

	"searchrl/retrieval"
)

// Persistence is the probability with which a world keeps a fact of the canonical edition; it draws the others anew.
const Persistence = 0.6

// canonicalSeed draws the canonical edition of every level.
const canonicalSeed = 0

// Fact says that the Relation of Subject is Object: the boss of Okafor is Lindqvist.
type Fact struct {
	Relation string
	Subject  string
	Object   string
}

// Sentence is the fact in words, as it stands in the passages.
func (f Fact) Sentence() string {
	return fmt.Sprintf("The %s of %s is %s.", f.Relation, f.Subject, f.Object)
}

// World is one edition of the encyclopaedia: the value of every fact, and the passages that say so. It is immutable and
// safe for concurrent use.
type World struct {
	level     Level
	seed      uint64
	lx        *lexicon
	facts     [][]Entity // [relation][subject, counted within its type] = object
	canonical [][]Entity // the same of the edition that the base policy remembers
	documents []retrieval.Document
	supports  map[string][]Fact // passage ID → the facts that it states
	passage   map[Fact]string   // fact → ID of its passage (of the one about nothing else, where there are several)
}

// Split says what a world is for.
type Split string

// The splits. No two share a world, so that what is learnt by heart in one is wrong in another.
const (
	WarmStart Split = "warm start" // the demonstrations that the base policy is made from
	Train     Split = "train"      // questions for reinforcement learning
	Test      Split = "test"       // questions for the evaluation
)

// Seed returns the seed of the n-th world of a split.
func Seed(split Split, n int) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%d", split, n)
	return h.Sum64()
}

// New draws a world. A seed gives the same world on every machine.
func New(level Level, seed uint64) (*World, error) {
	if level != Standard && level != Hard {
		return nil, fmt.Errorf("tinyworld: unknown level %q, expected one of %q", level, Levels())
	}
	w := &World{level: level, seed: seed, lx: newLexicon(level)}
	w.canonical = w.lx.draw(rand.New(rand.NewPCG(canonicalSeed, 0)), nil)
	rng := rand.New(rand.NewPCG(seed, 1))
	w.facts = w.lx.draw(rng, w.canonical)
	w.writePassages(rng)
	return w, nil
}

// Level returns the world's level.
func (w *World) Level() Level { return w.level }

// Seed returns the seed that the world was drawn from.
func (w *World) Seed() uint64 { return w.seed }

// draw draws the value of every fact. Where old is given, each fact keeps its old value with probability Persistence.
func (lx *lexicon) draw(rng *rand.Rand, old [][]Entity) [][]Entity {
	facts := make([][]Entity, len(lx.relations))
	for r, rel := range lx.relations {
		var previous []Entity
		if old != nil {
			previous = old[r]
		}
		facts[r] = lx.drawValues(rng, rel, previous)
	}
	return facts
}

// drawValues draws a value other than the subject itself for each subject.
func (lx *lexicon) drawValues(rng *rand.Rand, rel Relation, previous []Entity) []Entity {
	subjects, objects := lx.byType[rel.From], lx.byType[rel.To]
	values := make([]Entity, len(subjects))
	for i, subject := range subjects {
		keep := rng.Float64() < Persistence
		object := objects[rng.IntN(len(objects))]
		for object == subject {
			object = objects[rng.IntN(len(objects))]
		}
		if keep && previous != nil {
			object = previous[i]
		}
		values[i] = object
	}
	return values
}

// Fact returns the fact about a relation of a subject; false if there is none, as for the mayor of a person.
func (w *World) Fact(relation, subject string) (Fact, bool) {
	return w.lookUp(w.facts, relation, subject)
}

// Remembered returns the same fact in the canonical edition, which is what the base policy remembers.
func (w *World) Remembered(relation, subject string) (Fact, bool) {
	return w.lookUp(w.canonical, relation, subject)
}

func (w *World) lookUp(facts [][]Entity, relation, subject string) (Fact, bool) {
	r, ok := w.lx.byNoun[relation]
	if !ok {
		return Fact{}, false
	}
	e, ok := w.lx.byName[subject]
	from := w.lx.relations[r].From
	if !ok || w.lx.types[e] != from {
		return Fact{}, false
	}
	object := facts[r][e-w.lx.byType[from][0]]
	return Fact{Relation: relation, Subject: subject, Object: w.lx.names[object]}, true
}

// Names returns the names of all entities of a type, in a fixed order.
func (w *World) Names(t Type) []string {
	var names []string
	for _, e := range w.lx.byType[t] {
		names = append(names, w.lx.names[e])
	}
	return names
}

// TypeOf returns the type of the entity of that name.
func (w *World) TypeOf(name string) (Type, bool) {
	e, ok := w.lx.byName[name]
	if !ok {
		return 0, false
	}
	return w.lx.types[e], true
}
