package tinyworld

import (
	"fmt"
	"regexp"
	"strings"
)

// View is what an agent of this world has seen of an episode.
type View struct {
	Question string
	Chain    Chain
	Queries  []string // executed so far, in order
	Facts    []Fact   // read so far in the documents, in order
	// Needed are the facts that the thoughts said they need, in order, without their objects.
	Needed []Fact
}

var (
	questionPattern  = regexp.MustCompile(`(?:Who is|What is|Which (?:city|company) is) the [^?\n]*\?`)
	searchPattern    = regexp.MustCompile(`(?s)<search>(.*?)</search>`)
	thoughtPattern   = regexp.MustCompile(`I need the ([a-z]+) of ([A-Za-z ]+)\.</think>`)
	documentsPattern = regexp.MustCompile(`(?s)<information>(.*?)</information>`)
)

// ReadView reads an episode's text up to a decision point: prompt, thoughts, queries and documents. The question is the
// last one before the first thought.
func ReadView(text string) (View, error) {
	prompt, episode := text, ""
	if i := strings.Index(text, "<think>"); i >= 0 && strings.Contains(text[:i], "?") {
		prompt, episode = text[:i], text[i:]
	}
	questions := questionPattern.FindAllString(prompt, -1)
	if len(questions) == 0 {
		return View{}, fmt.Errorf("tinyworld: no question of this world in the prompt %q", prompt)
	}
	v := View{Question: questions[len(questions)-1]}
	var err error
	if v.Chain, err = ParseQuestion(v.Question); err != nil {
		return View{}, err
	}
	for _, m := range searchPattern.FindAllStringSubmatch(episode, -1) {
		v.Queries = append(v.Queries, strings.TrimSpace(m[1]))
	}
	for _, m := range thoughtPattern.FindAllStringSubmatch(episode, -1) {
		v.Needed = append(v.Needed, Fact{Relation: m[1], Subject: m[2]})
	}
	for _, m := range documentsPattern.FindAllStringSubmatch(episode, -1) {
		v.Facts = append(v.Facts, ReadFacts(m[1])...)
	}
	return v, nil
}

// Turn returns the number of the turn to come, counted from 1.
func (v View) Turn() int { return len(v.Queries) + 1 }

// Progress returns how much of the chain is known and where it leads; see [Progress].
func (v View) Progress() (known int, at string) { return Progress(v.Chain, v.Facts) }

// Next returns the fact that is needed next; see [Next].
func (v View) Next() (Fact, bool) { return Next(v.Chain, v.Facts) }
