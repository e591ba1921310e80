package accel

import (
	"os"
	"path/filepath"
	"runtime"
)

// Examine finds out which backends this machine has: it looks for plugin files, opens every backend once and closes it
// again, and asks the system for its memory and GPUs (for the latter it may run nvidia-smi). Nothing is changed and
// nothing is downloaded.
func Examine() Report { return ExamineWith(Options{}) }

// ExamineWith is Examine with options.
func ExamineWith(opts Options) Report {
	opts = opts.withDefaults()
	r := Report{
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Cgo:      builtWithXLA,
		CPUs:     runtime.GOMAXPROCS(0),
		Memory:   HostMemory(),
		Log:      os.Getenv("TF_CPP_MIN_LOG_LEVEL"),
		Flags:    os.Getenv("XLA_FLAGS"),
	}
	r.GPUs, r.GPUNote = gpus(opts.gpu)
	for _, dir := range opts.Dirs {
		info, err := os.Stat(dir)
		r.Dirs = append(r.Dirs, Dir{Path: dir, Exists: err == nil && info.IsDir()})
	}
	var lacks []lack
	for _, kind := range order {
		b, err := examineKind(kind, opts)
		r.Backends = append(r.Backends, b)
		switch {
		case err != nil:
			lacks = append(lacks, newLack(kind, err))
		case r.Auto == "":
			r.Auto = autoChoice(b.Info.Choice[len("using "):], lacks)
		}
	}
	return r
}

// examineKind looks for the plugins of one kind and tries the one that would be used.
func examineKind(kind Kind, opts Options) (BackendReport, error) {
	r := BackendReport{Kind: kind, BuiltIn: kind == Go || builtWithXLA, Looked: []string{}, Plugins: []PluginReport{}}
	if kind != Go {
		r.Looked = pluginNames(kind)
		for _, path := range findPlugins(kind, opts.Dirs) {
			r.Plugins = append(r.Plugins, examinePlugin(path, kind))
		}
	}
	b, err := openKind(spec{kind: kind}, opts)
	if err != nil {
		r.Problem = oneLine(err.Error())
		r.Install = installCommand(kind, len(r.Plugins) > 0, opts.gpu() == nil)
		return r, err
	}
	info := b.Info()
	info.Choice = "using " + b.summary()
	r.Ready, r.Info = true, &info
	b.Close()
	return r, nil
}

func examinePlugin(path string, kind Kind) PluginReport {
	r := PluginReport{Path: path}
	if info, err := os.Stat(path); err == nil {
		r.Size = info.Size()
	}
	if err := checkPlugin(path, kind); err != nil {
		r.Problem = oneLine(err.Error())
	}
	return r
}

// installCommand returns the command that makes a missing backend available. The make targets are those of this
// project's Makefile; they need no root.
func installCommand(kind Kind, found, gpu bool) string {
	home, _ := os.UserHomeDir()
	force := ""
	if found {
		force = " FORCE=1"
	}
	switch {
	case kind == Go || builtWithXLA && kind == XLACUDA && found && !gpu:
		return "" // nothing to install: it is there, or what is missing is a GPU
	case !builtWithXLA:
		return "CGO_ENABLED=1 go build ./cmd/searchrl   (needs a C compiler)"
	case kind == XLACUDA && !gpu:
		return "make xla-cuda" + force + "   (of use only on a machine with an NVIDIA GPU)"
	case kind == XLACUDA:
		return "make xla-cuda" + force
	}
	return "make xla-cpu" + force + "   (installs into " + tilde(filepath.Join(home, ".local", "lib", "go-xla"), home) + ")"
}
