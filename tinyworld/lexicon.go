package tinyworld

import (
	"slices"
	"strings"
)

// Level names a difficulty of the world.
type Level string

// The levels.
const (
	// Standard has one fact a passage and chains of two to four facts.
	Standard Level = "standard"
	// Hard has passages of several facts, names that share words, comparisons, and questions whose greedy route does
	// not fit the turn budget.
	Hard Level = "hard"
)

// Levels returns every level, the easiest first.
func Levels() []Level { return []Level{Standard, Hard} }

// Type is the type of an entity.
type Type uint8

// The types of entity.
const (
	Person Type = iota
	City
	Company
	Number // ages, in words; on the hard level only
	numTypes
)

// String returns the type's noun.
func (t Type) String() string {
	switch t {
	case Person:
		return "person"
	case City:
		return "city"
	case Company:
		return "company"
	case Number:
		return "number"
	}
	return "unknown"
}

// Relation is a function from the entities of one type to those of another: every person has exactly one boss.
type Relation struct {
	Name     string // the noun, one word: "boss"
	From, To Type
}

// relations are the ten of both levels; worlds are drawn in this order.
var relations = []Relation{
	{Name: "mentor", From: Person, To: Person},
	{Name: "boss", From: Person, To: Person},
	{Name: "birthplace", From: Person, To: City},
	{Name: "employer", From: Person, To: Company},
	{Name: "mayor", From: City, To: Person},
	{Name: "rival", From: City, To: City},
	{Name: "founder", From: City, To: Person},
	{Name: "chief", From: Company, To: Person},
	{Name: "seat", From: Company, To: City},
	{Name: "owner", From: Company, To: Company},
}

// age is what persons are compared by on the hard level.
var age = Relation{Name: "age", From: Person, To: Number}

// The names of the standard level are single words, invented or common as surnames; none means a real person or place.
var (
	personNames = strings.Fields(`
		Okafor Lindqvist Moreau Tanaka Petrov Alvarez Novak Haddad Brennan Castell
		Dragan Eriksen Farouk Galvin Horvat Ivarsen Jansky Kovac Lemaire Mbeki
		Nakata Ortega Pavlik Quill Rosetti Sandoval Thorne Ulrich Varga Whitlock
		Xavier Yilmaz Zeller Abara Bianchi Corrigan Duarte Esposito Fontaine Grieve
		Hollis Ibarra Jorgen Kessler Lowell Mancini Nystrom Oduya Pereira Radek
		Soares Tremblay Urbina Vasquez Weller Yamada Zhang Ashby Bashir Calder`)
	cityNames = strings.Fields(`
		Velmora Tarnby Eskelund Portamar Grenwick Halvora Ostrall Marisol Kelbridge Dunmere
		Zandria Corvale Lindholm Ravenmoor Solvik Brackwater Tessaly Umberton Wexcombe Yarrow
		Aldermoor Belcastro Fenwick Ivreda Jasmund Nordhaven Pelora Quintara Stavrin Thornbury`)
	companyNames = strings.Fields(`
		Acmetron Borealis Cindertech Deltaworks Evermill Fairlight Glasswing Helixor Ironvale Jadecorp
		Kestrel Lumina Meridian Northgate Oakline Pinnacle Quasar Redstone Silverlake Tidewell
		Unison Vantage Westmark Xylos Yellowtail Zenith Amberly Bluepeak Copperfield Driftwood`)
)

// Entity is an entity of a level: an index into its list of names. It means the same in every world of the level.
type Entity int

// lexicon holds what all worlds of a level share: the relations, the entities and their names.
type lexicon struct {
	relations []Relation
	names     []string // by Entity; grouped by type
	types     []Type   // by Entity
	byType    [numTypes][]Entity
	byName    map[string]Entity
	byNoun    map[string]int // relation noun → index into relations
}

func newLexicon(level Level) *lexicon {
	names := [numTypes][]string{Person: personNames, City: cityNames, Company: companyNames}
	lx := &lexicon{relations: Relations(level), byName: map[string]Entity{}, byNoun: map[string]int{}}
	if level == Hard {
		names = hardNames()
	}
	for t, list := range names {
		for _, name := range list {
			e := Entity(len(lx.names))
			lx.names = append(lx.names, name)
			lx.types = append(lx.types, Type(t))
			lx.byType[t] = append(lx.byType[t], e)
			lx.byName[name] = e
		}
	}
	for i, r := range lx.relations {
		lx.byNoun[r.Name] = i
	}
	return lx
}

// Relations returns a level's relations, in a fixed order.
func Relations(level Level) []Relation {
	all := slices.Clone(relations)
	if level == Hard {
		all = append(all, age)
	}
	return all
}

// RangeOf returns the type of a relation's values; no type that String knows for an unknown relation.
func RangeOf(relation string) Type {
	for _, r := range Relations(Hard) {
		if r.Name == relation {
			return r.To
		}
	}
	return numTypes
}
