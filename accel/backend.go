package accel

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
)

// Backend is an opened compute backend.
type Backend struct {
	compute compute.Backend
	info    Info
}

// Info describes an opened backend.
type Info struct {
	Kind      Kind     `json:"kind"`
	Plugin    string   `json:"plugin,omitempty"`    // absolute path of the PJRT plugin; empty for the pure Go backend
	PJRT      string   `json:"pjrt,omitempty"`      // version of the PJRT API that the plugin offers, such as "0.115"
	StableHLO string   `json:"stablehlo,omitempty"` // newest version of StableHLO that the plugin reads, such as "1.20.0"
	Devices   []string `json:"devices,omitempty"`   // one line per device
	Choice    string   `json:"choice"`              // one line: what was chosen and what was lacking
}

// Options change how a backend is opened. The zero value is what Open uses.
type Options struct {
	// Dirs are the directories to search for plugins; nil means SearchDirs().
	Dirs []string
	// Probe, if not empty, is a command that is run with a plugin's path added as its last argument before that plugin
	// is loaded; it must call Probe with that path and exit with 0 if and only if Probe returned no error. A plugin that
	// crashes the process that loads it (a missing instruction set, a broken driver) then costs a child process rather
	// than this one.
	Probe []string

	gpu func() error // replaces checkGPU in tests
}

func (o Options) withDefaults() Options {
	if o.Dirs == nil {
		o.Dirs = SearchDirs()
	}
	if o.gpu == nil {
		o.gpu = checkGPU
	}
	return o
}

// Open opens the backend that spec names: auto, go, xla:cpu, xla:cuda or xla:/absolute/path/plugin.so. An xla
// specification may carry go-xla's options after a comma, such as "xla:cuda,memory_fraction=0.5".
//
// Auto takes the best backend that is installed (CUDA, then XLA on the CPU, then pure Go) and cannot fail for want of a
// plugin. Nothing is ever downloaded. The caller closes the backend.
func Open(spec string) (*Backend, error) { return OpenWith(spec, Options{}) }

// OpenWith is Open with options.
func OpenWith(specText string, opts Options) (*Backend, error) {
	s, err := parseSpec(specText)
	if err != nil {
		return nil, err
	}
	opts = opts.withDefaults()
	if s.auto {
		return openAuto(opts)
	}
	b, err := openKind(s, opts)
	if err != nil {
		return nil, fmt.Errorf("backend %s: %w", specText, err)
	}
	b.info.Choice = "using " + b.summary()
	return b, nil
}

// order is how auto tries the backends: from the fastest to the one that is always there.
var order = []Kind{XLACUDA, XLACPU, Go}

// lack is a better backend that could not be opened, and why.
type lack struct {
	kind Kind
	why  string
}

func newLack(kind Kind, err error) lack {
	var missing missingPlugin
	if errors.As(err, &missing) {
		return lack{kind, missing.short()}
	}
	return lack{kind, oneLine(err.Error())}
}

func openAuto(opts Options) (*Backend, error) {
	var lacks []lack
	for _, kind := range order {
		b, err := openKind(spec{kind: kind}, opts)
		if err != nil {
			lacks = append(lacks, newLack(kind, err))
			continue
		}
		b.info.Choice = autoChoice(b.summary(), lacks)
		return b, nil
	}
	return nil, errors.New(autoChoice("nothing", lacks))
}

// autoChoice writes the Choice line of auto. Two backends that lack the same thing share one remark.
func autoChoice(chosen string, lacks []lack) string {
	text := "auto: chose " + chosen
	for i := 0; i < len(lacks); i++ {
		kinds := string(lacks[i].kind)
		for i+1 < len(lacks) && lacks[i+1].why == lacks[i].why {
			i++
			kinds += " and " + string(lacks[i].kind)
		}
		text += fmt.Sprintf("; %s lacked: %s", kinds, lacks[i].why)
	}
	return text
}

// openKind opens one backend, searching for its plugin if the specification names none.
func openKind(s spec, opts Options) (*Backend, error) {
	if s.kind == Go {
		return openGo()
	}
	if !builtWithXLA {
		return nil, errNoCgo
	}
	path := s.path
	if path == "" {
		var err error
		if path, err = findPlugin(s.kind, opts.Dirs); err != nil {
			return nil, err
		}
	}
	if s.kind == XLACUDA {
		if err := opts.gpu(); err != nil {
			return nil, fmt.Errorf("plugin %s is there, but %w", path, err)
		}
	}
	if err := checkPlugin(path, s.kind); err != nil {
		return nil, err
	}
	if len(opts.Probe) > 0 {
		if err := runProbe(opts.Probe, path); err != nil {
			return nil, err
		}
	}
	c, info, err := openXLA(path, s.options)
	if err != nil {
		return nil, err
	}
	info.Kind = s.kind
	return newBackend(c, info)
}

// openGo opens the pure Go backend in its sequential mode: in the default, parallel mode all goroutines of its worker
// pool can come to wait for each other (seen in 4 of 6 runs of 20 small training steps with compute v0.1.6).
func openGo() (*Backend, error) {
	c, err := gobackend.New("ops_sequential")
	if err != nil {
		return nil, fmt.Errorf("opening the pure Go backend: %w", err)
	}
	return newBackend(c, Info{Kind: Go})
}

func newBackend(c compute.Backend, info Info) (*Backend, error) {
	if c.NumDevices() < 1 {
		c.Finalize()
		return nil, errors.New("the backend has no device")
	}
	for i := range c.NumDevices() {
		info.Devices = append(info.Devices, oneLine(c.DeviceDescription(compute.DeviceNum(i))))
	}
	return &Backend{compute: c, info: info}, nil
}

// Compute returns the backend in the form that GoMLX takes. It is valid until Close.
func (b *Backend) Compute() compute.Backend { return b.compute }

// Kind says what sort of backend was opened; never "auto".
func (b *Backend) Kind() Kind { return b.info.Kind }

// Info describes the backend.
func (b *Backend) Info() Info {
	info := b.info
	info.Devices = slices.Clone(info.Devices)
	return info
}

// Choice says in one line what was opened and, if the specification was auto, what the better ones lacked.
func (b *Backend) Choice() string { return b.info.Choice }

// IsCPU says whether computations run on the processor, so that nothing is gained by keeping data on the device.
func (b *Backend) IsCPU() bool { return b.info.Kind == Go || b.info.Kind == XLACPU }

// String returns the kind and, for a plugin, its path.
func (b *Backend) String() string {
	if b.info.Plugin == "" {
		return string(b.info.Kind)
	}
	return string(b.info.Kind) + " (" + b.info.Plugin + ")"
}

// Close releases the backend; tensors and compiled programs on it become invalid. A second Close does nothing.
func (b *Backend) Close() {
	if b == nil || b.compute == nil || b.compute.IsFinalized() {
		return
	}
	b.compute.Finalize()
}

// summary is the backend's part of the Choice line.
func (b *Backend) summary() string {
	switch {
	case b.info.Kind == Go && builtWithXLA:
		return "go (pure Go, sequential)"
	case b.info.Kind == Go:
		return "go (pure Go, sequential; built without cgo)"
	}
	text := fmt.Sprintf("%s (%s, PJRT API v%s, ", b.info.Kind, b.info.Plugin, b.info.PJRT)
	if n := len(b.info.Devices); n != 1 {
		return text + fmt.Sprintf("%d devices)", n)
	}
	return text + "1 device)"
}

// oneLine folds white space, so that a message of several lines fits in the Choice line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
