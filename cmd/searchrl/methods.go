package main

import (
	"fmt"
	"slices"
	"strings"

	"searchrl/baseline/searchr1"
	"searchrl/grpo"
	"searchrl/rollout"
)

// methodFlags are the knobs of the methods; each has this one place, whatever methods use it.
type methodFlags struct {
	Group         int     `default:"5" help:"Trajectories a question (G)."`
	Normalisation string  `default:"standardised" enum:"standardised,mean-only" help:"Group advantages: standardised (GRPO) or mean-only (Dr. GRPO)."`
	Temperature   float64 `default:"1" help:"Sampling temperature while training."`
}

func (f methodFlags) sampling() rollout.Sampling { return rollout.Sampling{Temperature: f.Temperature} }

// method is one entry of the list of methods: its name, and how it is made from the flags.
type method struct {
	name string
	make func(f methodFlags) (grpo.Method, error)
}

// methods lists what --method can name. A new method is one line here, and its knobs in methodFlags.
func methods() []method {
	return []method{
		{"search-r1", func(f methodFlags) (grpo.Method, error) {
			return checked(searchr1.Method{Group: f.Group, Sampling: f.sampling(), Normalisation: grpo.Normalisation(f.Normalisation)})
		}},
	}
}

// checked returns the method if its settings are in range.
func checked[M interface {
	grpo.Method
	Validate() error
}](m M) (grpo.Method, error) {
	return m, m.Validate()
}

// newMethod makes the method called name.
func newMethod(name string, f methodFlags) (grpo.Method, error) {
	i := slices.IndexFunc(methods(), func(m method) bool { return m.name == name })
	if i < 0 {
		return nil, unusable(fmt.Errorf("unknown method %q, expected one of: %s", name, strings.Join(methodNames(), ", ")))
	}
	m, err := methods()[i].make(f)
	return m, unusable(err)
}

// methodNames returns the names that --method takes.
func methodNames() []string {
	var names []string
	for _, m := range methods() {
		names = append(names, m.name)
	}
	return names
}
