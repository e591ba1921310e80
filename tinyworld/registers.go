package tinyworld

import (
	"fmt"
	"regexp"
	"strings"
)

// register is a kind of passage on the hard level that follows several relations in a row, in other words than the
// relations' nouns. A search for "register of Acme Steel" finds up to three facts of a chain at once, while the precise
// query for the next fact, "owner of Acme Steel", finds that fact only.
type register struct {
	noun  string   // what to ask for
	about Type     // of what
	path  []string // the relations, one after the other
	text  string   // with a %s for the title's subject and one for each value
}

var registers = []register{
	{"profile", Person, []string{"boss", "employer", "seat"}, "Profile of %s: works under %s, who is employed by %s, which is based in %s."},
	{"chronicle", City, []string{"mayor", "mentor", "employer"}, "Chronicle of %s: governed by %s, who was taught by %s, who works for %s."},
	{"register", Company, []string{"owner", "chief", "birthplace"}, "Register of %s: owned by %s, which is led by %s, who was born in %s."},
}

const namePattern = `([A-Z][A-Za-z]*(?: [A-Z][A-Za-z]*)*)`

// registerPatterns match what the registers say.
var registerPatterns = func() []*regexp.Regexp {
	var patterns []*regexp.Regexp
	for _, r := range registers {
		patterns = append(patterns, regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(r.text), "%s", namePattern)))
	}
	return patterns
}()

// read returns the facts of one match of the register's pattern.
func (r register) read(match []string) []Fact {
	var facts []Fact
	for i, relation := range r.path {
		facts = append(facts, Fact{Relation: relation, Subject: match[i+1], Object: match[i+2]})
	}
	return facts
}

// write returns the register's text about a chain of facts.
func (r register) write(facts []Fact) string {
	names := []any{facts[0].Subject}
	for _, f := range facts {
		names = append(names, f.Object)
	}
	return fmt.Sprintf(r.text, names...)
}

// covers returns how many of the first relations of a chain the register answers at once; 0 if it begins with another.
func (r register) covers(relations []string) int {
	n := 0
	for n < len(r.path) && n < len(relations) && r.path[n] == relations[n] {
		n++
	}
	return n
}

// Register returns the noun of the passage that answers most of the first relations of a chain at once, and how many; 0
// where none answers two or more. "the register of Acme Steel" is asked for as a relation is.
func Register(relations []string) (noun string, covers int) {
	for _, r := range registers {
		if n := r.covers(relations); n >= 2 && n > covers {
			noun, covers = r.noun, n
		}
	}
	return noun, covers
}

// Searches returns the smallest number of searches that a chain takes if each finds one fact or one register's facts.
func Searches(level Level, c Chain) int {
	best := make([]int, len(c.Relations)+1) // best[i]: for the relations from the i-th on
	for i := len(c.Relations) - 1; i >= 0; i-- {
		best[i] = 1 + best[i+1]
		if level != Hard {
			continue
		}
		for _, r := range registers {
			for n := r.covers(c.Relations[i:]); n > 1; n-- {
				best[i] = min(best[i], 1+best[i+n])
			}
		}
	}
	return best[0] + c.Len() - len(c.Relations)
}
