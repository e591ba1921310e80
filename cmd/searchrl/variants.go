package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

// entrant is what compare trains under one name: a method by its own name, or a variant of one.
type entrant struct {
	name, method string
	flags        methodFlags
}

// variantName is what a variant can be called: it names a folder, too.
var variantName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)

// entrants lists the methods and then the variants.
func (c *compareCmd) entrants() ([]entrant, error) {
	var all []entrant
	seen := map[string]bool{}
	for _, name := range c.Methods {
		if seen[name] {
			return nil, fmt.Errorf("--methods names %s twice", name)
		}
		seen[name] = true
		all = append(all, entrant{name, name, c.methodFlags})
	}
	for _, text := range c.Variants {
		v, err := parseVariant(text, c.methodFlags)
		if err == nil && seen[v.name] {
			err = errors.New("another contender has this name")
		}
		if err != nil {
			return nil, fmt.Errorf("--variant %q: %w", text, err)
		}
		seen[v.name] = true
		all = append(all, v)
	}
	return all, nil
}

// parseVariant reads NAME=METHOD [FLAG...]. Flags that it does not give are the command's.
func parseVariant(text string, common methodFlags) (entrant, error) {
	name, rest, found := strings.Cut(text, "=")
	words := strings.Fields(rest)
	if !found || !variantName.MatchString(name) || len(words) == 0 {
		return entrant{}, errors.New("expected NAME=METHOD FLAG..., with a name of letters, digits and . _ + -")
	}
	var given struct{ methodFlags }
	own := struct{ methodFlags }{common}
	vars := kong.Vars{"judge_variables": judgeVariables}
	parser, err := kong.New(&given, kong.Name(words[0]), kong.NoDefaultHelp(), kong.Writers(io.Discard, io.Discard), finiteNumbers(), vars)
	if err != nil {
		return entrant{}, err
	}
	parsed, err := parser.Parse(words[1:])
	if err != nil {
		return entrant{}, err
	}
	model, err := kong.New(&own, kong.NoDefaultHelp(), vars)
	if err != nil {
		return entrant{}, err
	}
	for _, element := range parsed.Path {
		if element.Flag == nil {
			continue
		}
		if element.Flag.Name == "temperature" { // the surrogate's, too, which all runs share
			return entrant{}, errors.New("--temperature is one for all")
		}
		for _, flag := range model.Model.Flags {
			if flag.Name == element.Flag.Name {
				flag.Target.Set(element.Flag.Target)
			}
		}
	}
	return entrant{name, words[0], own.methodFlags}, nil
}
