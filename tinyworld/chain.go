package tinyworld

import (
	"fmt"
	"strings"
)

// Chain is what a question asks for: the relations, applied one after the other to the start. The boss of the mentor of
// Okafor is Chain{Start: "Okafor", Relations: ["mentor", "boss"]}.
type Chain struct {
	Start string
	// Rival makes a comparison, on the hard level: the chain begins at the older of Start and Rival. "" for none.
	Rival     string
	Relations []string
}

const older, and = "the older", " and "

// Len returns the number of facts that lead to the answer: the ages of both first, in a comparison.
func (c Chain) Len() int {
	if c.Rival != "" {
		return len(c.Relations) + 2
	}
	return len(c.Relations)
}

// String returns the chain in words: "boss of the mentor of Okafor".
func (c Chain) String() string {
	var b strings.Builder
	for i := len(c.Relations) - 1; i >= 0; i-- {
		b.WriteString(c.Relations[i])
		b.WriteString(" of ")
		if i > 0 {
			b.WriteString("the ")
		}
	}
	if c.Rival != "" {
		b.WriteString(older + " of " + c.Start + and + c.Rival)
	} else {
		b.WriteString(c.Start)
	}
	return b.String()
}

// Question returns the chain as a question: "Who is the boss of the mentor of Okafor?".
func (c Chain) Question() string {
	last := RangeOf(c.Relations[len(c.Relations)-1])
	if last == numTypes {
		last = Number
	}
	return questionWords[last] + c.String() + "?"
}

// ParseQuestion reads a question that Chain.Question wrote.
func ParseQuestion(text string) (Chain, error) {
	body, ok := strings.CutSuffix(strings.TrimSpace(text), "?")
	if !ok {
		return Chain{}, fmt.Errorf("tinyworld: question %q does not end with a question mark", text)
	}
	for _, words := range questionWords {
		if rest, ok := strings.CutPrefix(body, words); ok {
			return parseChain(text, strings.Split(rest, " of "))
		}
	}
	return Chain{}, fmt.Errorf("tinyworld: question %q begins with none of %q", text, questionWords)
}

func parseChain(text string, parts []string) (Chain, error) {
	n := len(parts) - 1
	c := Chain{Start: parts[n]}
	if n > 0 && parts[n-1] == older {
		var ok bool
		if c.Start, c.Rival, ok = strings.Cut(parts[n], and); !ok {
			return Chain{}, fmt.Errorf("tinyworld: question %q compares one person only", text)
		}
		n--
	}
	for i := n - 1; i >= 0; i-- {
		c.Relations = append(c.Relations, strings.TrimPrefix(parts[i], "the "))
	}
	if len(c.Relations) == 0 {
		return Chain{}, fmt.Errorf("tinyworld: question %q names no relation of anything", text)
	}
	return c, nil
}

// look finds the fact about a relation of a subject.
type look func(relation, subject string) (Fact, bool)

// walk follows the chain as far as facts are found: the facts in the order of the reasoning, the entity that they lead to,
// and the fact, without its object, that is missing; all is found if ok.
func (c Chain) walk(find look) (facts []Fact, at string, missing Fact, ok bool) {
	at = c.Start
	step := func(relation, subject string) (string, bool) {
		fact, found := find(relation, subject)
		if !found {
			missing = Fact{Relation: relation, Subject: subject}
			return subject, false
		}
		facts = append(facts, fact)
		return fact.Object, true
	}
	if c.Rival != "" {
		first, ok := step(age.Name, c.Start)
		if !ok {
			return facts, at, missing, false
		}
		second, ok := step(age.Name, c.Rival)
		if !ok {
			return facts, at, missing, false
		}
		if ageOf(second) > ageOf(first) {
			at = c.Rival
		}
	}
	for _, relation := range c.Relations {
		if at, ok = step(relation, at); !ok {
			return facts, at, missing, false
		}
	}
	return facts, at, Fact{}, true
}

// ageOf returns the rank of an age in words; -1 for other words.
func ageOf(word string) int {
	for i, a := range ages {
		if a == word {
			return i
		}
	}
	return -1
}

// Progress returns how many of the chain's facts, counted from its start, are known from what was read, and the entity
// that they lead to; when known is [Chain.Len] that is the answer. A fact counts whenever it was read, be it before it was
// needed.
func Progress(c Chain, read []Fact) (known int, at string) {
	facts, at, _, _ := c.walk(among(read))
	return len(facts), at
}

// Next returns the fact that the chain needs next, given what was read; its object is "". It is false when everything is
// known.
func Next(c Chain, read []Fact) (Fact, bool) {
	_, _, missing, ok := c.walk(among(read))
	return missing, !ok
}

// among looks for facts among those read; what was read last counts.
func among(read []Fact) look {
	value := make(map[[2]string]Fact, len(read))
	for _, f := range read {
		value[[2]string{f.Relation, f.Subject}] = f
	}
	return func(relation, subject string) (Fact, bool) {
		f, ok := value[[2]string{relation, subject}]
		return f, ok
	}
}

// Facts returns the facts that lead from the chain's start to its answer in this world, in the order of the reasoning.
func (w *World) Facts(c Chain) ([]Fact, error) { return w.follow(w.Fact, c) }

// Recall returns where the chain leads by what was read and else by the canonical edition: the answer of an agent that
// remembers everything.
func (w *World) Recall(c Chain, read []Fact) (string, error) {
	found := among(read)
	facts, err := w.follow(func(relation, subject string) (Fact, bool) {
		if fact, ok := found(relation, subject); ok {
			return fact, true
		}
		return w.Remembered(relation, subject)
	}, c)
	if err != nil {
		return "", err
	}
	return facts[len(facts)-1].Object, nil
}

func (w *World) follow(find look, c Chain) ([]Fact, error) {
	if len(c.Relations) == 0 {
		return nil, fmt.Errorf("tinyworld: the chain from %q has no relation", c.Start)
	}
	facts, _, missing, ok := c.walk(find)
	if !ok {
		return nil, fmt.Errorf("tinyworld: the world knows no %s of %s", missing.Relation, missing.Subject)
	}
	return facts, nil
}
