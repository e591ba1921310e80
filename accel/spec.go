package accel

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Kind says what sort of backend a specification names.
type Kind string

// The kinds of backend.
const (
	Go      Kind = "go"       // GoMLX's pure Go backend, always built in
	XLACPU  Kind = "xla:cpu"  // XLA on the processor, through a PJRT plugin
	XLACUDA Kind = "xla:cuda" // XLA on an NVIDIA GPU, through a PJRT plugin
	XLA     Kind = "xla"      // an XLA plugin given by path whose file name says neither cpu nor cuda
)

// Auto is the specification that takes the best installed backend: XLACUDA, else XLACPU, else Go.
const Auto = "auto"

// Accepted lists the specifications that Open accepts, for messages and help texts.
const Accepted = "auto, go, xla:cpu, xla:cuda or xla:/absolute/path/plugin.so"

// spec is a parsed specification.
type spec struct {
	auto    bool
	kind    Kind
	path    string // absolute path of the plugin, when the specification names one
	options string // what follows the first comma, handed to go-xla unread, such as "memory_fraction=0.5"
}

// parseSpec reads a specification. Names are exact: there are no aliases, because a short name that go-xla
// understands and we do not could make it download a plugin.
func parseSpec(text string) (spec, error) {
	name, options, hasOptions := strings.Cut(text, ",")
	var s spec
	switch {
	case name == Auto:
		s = spec{auto: true}
	case name == string(Go):
		s = spec{kind: Go}
	case name == string(XLACPU), name == string(XLACUDA):
		s = spec{kind: Kind(name), options: options}
	case strings.HasPrefix(name, "xla:") && filepath.IsAbs(name[len("xla:"):]):
		path := filepath.Clean(name[len("xla:"):])
		s = spec{kind: kindOfPlugin(path), path: path, options: options}
	default:
		return spec{}, fmt.Errorf("unknown backend %q: expected %s", text, Accepted)
	}
	if hasOptions && (s.auto || s.kind == Go) {
		return spec{}, fmt.Errorf("backend %q: %q takes no options, only xla backends do", text, name)
	}
	return s, nil
}

// kindOfPlugin guesses from its file name what a plugin runs on.
func kindOfPlugin(path string) Kind {
	base := strings.ToLower(filepath.Base(path))
	switch {
	case strings.Contains(base, "cuda"):
		return XLACUDA
	case strings.Contains(base, "cpu"):
		return XLACPU
	}
	return XLA
}
