package warmstart

import (
	"math/rand/v2"

	"searchrl/tinyworld"
)

// Behaviour is what a demonstrated step does with the fact that is needed next.
type Behaviour int

// The behaviours.
const (
	Good          Behaviour = iota // names the next fact and asks for exactly that
	Vague                          // names it, but searches for the relation alone
	WrongRelation                  // asks for another relation of the right entity
	WrongEntity                    // asks for the right relation of another entity
	Redundant                      // repeats the previous step's question
	Premature                      // answers from memory before everything is known
	numBehaviours
)

// String returns the behaviour's name.
func (b Behaviour) String() string {
	return [...]string{"good", "vague", "wrong relation", "wrong entity", "redundant", "premature"}[b]
}

// Mixture gives the probability of each behaviour, by the relation that is needed next.
type Mixture struct {
	Shares map[string][numBehaviours]float64
	// ClosedBook is the share of whole demonstrations that answer at once from memory, on chains of one to three facts.
	ClosedBook float64
	// Shortcut is the probability of asking for a register where it answers two or more facts at once; hard level only.
	Shortcut float64
}

// Recall is the probability with which an answer from memory is what the canonical edition says; otherwise it is a
// random name of the right type.
const Recall = 0.85

// Skill returns the mixture of the skill phase: good steps mostly, and every fault equally often.
func Skill(level tinyworld.Level, good float64) Mixture {
	m := Mixture{Shares: map[string][numBehaviours]float64{}, ClosedBook: 0.35, Shortcut: 0.5}
	if level == tinyworld.Hard {
		m.ClosedBook = 0.2 // its questions of two facts are fewer and must not drown in these
	}
	fault := (1 - good) / float64(numBehaviours-1)
	for _, r := range tinyworld.Relations(level) {
		m.Shares[r.Name] = [numBehaviours]float64{Good: good, Vague: fault, WrongRelation: fault, WrongEntity: fault, Redundant: fault, Premature: fault}
	}
	return m
}

// Strength sets how weak the base policy is.
type Strength struct {
	GoodKnown   float64 // share of good steps for the relations that it searches well
	GoodUnknown float64 // the same for the others
	Premature   float64 // share of premature answers, for all
}

// The strengths of the embedded base policies. On the hard level a useless step costs most questions, so the good steps
// must be more frequent for any trajectory to succeed.
var (
	Medium     = Strength{GoodKnown: .55, GoodUnknown: .25, Premature: .08}
	MediumHard = Strength{GoodKnown: .75, GoodUnknown: .40, Premature: .06}
	Weak       = Strength{GoodKnown: .42, GoodUnknown: .15, Premature: .09} // standard level
)

// habits is each relation's habitual fault; the relations without one are searched well.
var habits = map[string]Behaviour{
	"boss": Vague, "seat": Vague, "founder": Vague,
	"employer": WrongEntity, "rival": WrongEntity, "owner": WrongEntity,
}

// Habits returns the mixture of the habit phase: some relations are searched well, some vaguely, some for the wrong entity.
// Of the steps that are neither good nor premature the habitual fault takes 70 %, each other one 10 %; without a habitual
// fault all four are equally frequent.
func Habits(level tinyworld.Level, s Strength) Mixture {
	m := Mixture{Shares: map[string][numBehaviours]float64{}, ClosedBook: 0.15, Shortcut: 0.1}
	for _, r := range tinyworld.Relations(level) {
		habit, has := habits[r.Name]
		good := s.GoodKnown
		if has {
			good = s.GoodUnknown
		}
		shares := [numBehaviours]float64{Good: good, Premature: s.Premature}
		rest := 1 - good - s.Premature
		for b := Vague; b <= Redundant; b++ {
			switch {
			case !has:
				shares[b] = rest / 4
			case b == habit:
				shares[b] = rest * .7
			default:
				shares[b] = rest * .1
			}
		}
		m.Shares[r.Name] = shares
	}
	return m
}

// Demonstrator returns the rule that behaves by the mixture in a world. Once it has read every fact it answers.
func Demonstrator(w *tinyworld.World, m Mixture) tinyworld.Decide {
	return func(v tinyworld.View, rng *rand.Rand) tinyworld.Action {
		next, more := v.Next()
		if !more {
			_, answer := v.Progress()
			return tinyworld.Conclude(answer)
		}
		relation, at := next.Relation, next.Subject
		if noun, covers := shortcut(v); w.Level() == tinyworld.Hard && covers > 0 && rng.Float64() < m.Shortcut {
			return tinyworld.Ask(noun, at)
		}
		switch draw(rng, m.Shares[relation]) {
		case Vague:
			action := tinyworld.Ask(relation, at)
			action.Query = relation
			return action
		case WrongRelation:
			return tinyworld.Ask(otherRelation(rng, w, relation, at), at)
		case WrongEntity:
			return tinyworld.Ask(relation, otherEntity(rng, w, v, at))
		case Redundant:
			if n := len(v.Needed); n > 0 && len(v.Queries) == n {
				action := tinyworld.Ask(v.Needed[n-1].Relation, v.Needed[n-1].Subject)
				action.Query = v.Queries[n-1]
				return action
			}
			return tinyworld.Ask(otherRelation(rng, w, relation, at), at)
		case Premature:
			return fromMemory(rng, w, v)
		}
		return tinyworld.Ask(relation, at)
	}
}

// shortcut returns the register that answers what is needed next and more.
func shortcut(v tinyworld.View) (noun string, covers int) {
	known, _ := v.Progress()
	compared := v.Chain.Len() - len(v.Chain.Relations) // facts of the comparison
	if known < compared {
		return "", 0
	}
	return tinyworld.Register(v.Chain.Relations[known-compared:])
}

// ClosedBook returns the rule that answers at once from memory.
func ClosedBook(w *tinyworld.World) tinyworld.Decide {
	return func(v tinyworld.View, rng *rand.Rand) tinyworld.Action {
		return fromMemory(rng, w, v)
	}
}

func draw(rng *rand.Rand, shares [numBehaviours]float64) Behaviour {
	u := rng.Float64()
	for b, share := range shares {
		if u < share {
			return Behaviour(b)
		}
		u -= share
	}
	return Good
}

// fromMemory answers by what was read and, for the rest, by the canonical edition.
func fromMemory(rng *rand.Rand, w *tinyworld.World, v tinyworld.View) tinyworld.Action {
	answer, err := w.Recall(v.Chain, v.Facts)
	if err != nil || rng.Float64() >= Recall {
		names := w.Names(tinyworld.RangeOf(v.Chain.Relations[len(v.Chain.Relations)-1]))
		answer = names[rng.IntN(len(names))]
	}
	return tinyworld.Conclude(answer)
}

// otherRelation draws another relation that the entity has.
func otherRelation(rng *rand.Rand, w *tinyworld.World, relation, at string) string {
	t, _ := w.TypeOf(at)
	var others []string
	for _, r := range tinyworld.Relations(w.Level()) {
		if r.From == t && r.Name != relation {
			others = append(others, r.Name)
		}
	}
	return others[rng.IntN(len(others))]
}

// otherEntity draws an entity that was named earlier, half of the time, or any other of the same type.
func otherEntity(rng *rand.Rand, w *tinyworld.World, v tinyworld.View, at string) string {
	var earlier []string
	for _, name := range append([]string{v.Chain.Start}, objects(v.Facts)...) {
		if name != at {
			earlier = append(earlier, name)
		}
	}
	if len(earlier) > 0 && rng.IntN(2) == 0 {
		return earlier[rng.IntN(len(earlier))]
	}
	t, _ := w.TypeOf(at)
	names := w.Names(t)
	for {
		if name := names[rng.IntN(len(names))]; name != at {
			return name
		}
	}
}

func objects(facts []tinyworld.Fact) []string {
	names := make([]string, len(facts))
	for i, f := range facts {
		names[i] = f.Object
	}
	return names
}
