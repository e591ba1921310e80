package tinyworld

import "strings"

// The hard level's names are of two words, and each word stands in several names, so that half a name finds the wrong
// passages.
var (
	firstNames   = strings.Fields("Ada Bruno Clara Dario Edith Felix Greta Hugo Irene Jonas Karin Leo")
	lastNames    = strings.Fields("Okafor Lindqvist Moreau Tanaka Petrov Alvarez Novak Haddad Brennan Castell Dragan Eriksen Farouk Galvin Horvat Ivarsen Jansky Kovac Lemaire Mbeki")
	cityKinds    = strings.Fields("New Old Port")
	cityStems    = strings.Fields("Velmora Tarnby Eskelund Grenwick Halvora Marisol Dunmere Corvale Solvik Umberton")
	companyStems = strings.Fields("Acme Borealis Cinder Evermill Glasswing Helix Kestrel Lumina Meridian Quasar")
	companyKinds = strings.Fields("Steel Foods Motors")
	ages         = strings.Fields("twenty thirty forty fifty sixty seventy eighty ninety") // in rising order
)

// hardNames returns the hard level's names by type: 60 persons, three to a last name and five to a first name, 30 cities,
// 30 companies, 8 ages.
func hardNames() [numTypes][]string {
	var names [numTypes][]string
	for i, last := range lastNames {
		for j := range 3 {
			names[Person] = append(names[Person], firstNames[(i+4*j)%len(firstNames)]+" "+last)
		}
	}
	for _, stem := range cityStems {
		for _, kind := range cityKinds {
			names[City] = append(names[City], kind+" "+stem)
		}
	}
	for _, stem := range companyStems {
		for _, kind := range companyKinds {
			names[Company] = append(names[Company], stem+" "+kind)
		}
	}
	names[Number] = ages
	return names
}
