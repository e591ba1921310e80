package accel

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// Report is what Examine found out about this machine. Its JSON form is stable: fields are added, not renamed.
type Report struct {
	Go       string          `json:"go"`                  // version of Go that the program was built with
	Platform string          `json:"platform"`            // such as "linux/amd64"
	Cgo      bool            `json:"cgo"`                 // whether XLA is built in
	CPUs     int             `json:"cpus"`                // processors that this process may use
	Memory   Memory          `json:"memory"`              // of the host, in bytes
	GPUs     []GPU           `json:"gpus"`                // NVIDIA GPUs that the driver shows
	GPUNote  string          `json:"gpu_note"`            // why there are none, or what could not be found out; else empty
	Dirs     []Dir           `json:"dirs"`                // searched for plugins, in order
	Backends []BackendReport `json:"backends"`            // best first, the order in which auto tries them
	Auto     string          `json:"auto"`                // what auto would choose, and what it lacked
	Log      string          `json:"log_level"`           // TF_CPP_MIN_LOG_LEVEL as XLA sees it
	Flags    string          `json:"xla_flags,omitempty"` // XLA_FLAGS, if set
}

// Memory is the memory of the host in bytes; 0 where it is not known.
type Memory struct {
	Total     int64 `json:"total"`
	Available int64 `json:"available"`
}

// GPU is one NVIDIA GPU.
type GPU struct {
	Name   string `json:"name"`
	Total  int64  `json:"total"`  // bytes; 0 if not known
	Free   int64  `json:"free"`   // bytes; 0 if not known
	Driver string `json:"driver"` // version of the driver; empty if not known
}

// Dir is a directory that was searched for plugins.
type Dir struct {
	Path   string `json:"path"`
	Exists bool   `json:"exists"`
}

// BackendReport says of one backend whether it can be used and, if not, what would change that.
type BackendReport struct {
	Kind    Kind           `json:"kind"`
	BuiltIn bool           `json:"built_in"`
	Ready   bool           `json:"ready"`             // it was opened and closed again
	Info    *Info          `json:"info,omitempty"`    // if ready
	Problem string         `json:"problem,omitempty"` // if not ready
	Looked  []string       `json:"looked_for"`        // file names looked for in every directory, in order
	Plugins []PluginReport `json:"plugins"`           // files found, in search order: the first one is used
	Install string         `json:"install,omitempty"` // the command that installs it, if it is missing
}

// PluginReport is one plugin file that was found.
type PluginReport struct {
	Path    string `json:"path"`
	Size    int64  `json:"size"`              // bytes
	Problem string `json:"problem,omitempty"` // what is wrong with the file, as far as can be seen without loading it
}

// Ready returns the report of a kind and whether it can be used.
func (r Report) Ready(kind Kind) bool {
	for _, b := range r.Backends {
		if b.Kind == kind {
			return b.Ready
		}
	}
	return false
}

// String renders the report for people.
func (r Report) String() string {
	var b strings.Builder
	cgo := "built with cgo: XLA is in"
	if !r.Cgo {
		cgo = "built without cgo: pure Go alone"
	}
	fmt.Fprintf(&b, "program    %s %s, %s\n", r.Go, r.Platform, cgo)
	fmt.Fprintf(&b, "host       %d CPUs, memory %s, available %s\n", r.CPUs, size(r.Memory.Total), size(r.Memory.Available))
	for _, g := range r.GPUs {
		fmt.Fprintf(&b, "GPU        %s, memory %s, free %s, driver %s\n", g.Name, size(g.Total), size(g.Free), orUnknown(g.Driver))
	}
	if r.GPUNote != "" {
		fmt.Fprintf(&b, "GPU        %s\n", r.GPUNote)
	}
	if r.Cgo {
		fmt.Fprintf(&b, "XLA        TF_CPP_MIN_LOG_LEVEL=%s XLA_FLAGS=%s\n", r.Log, r.Flags)
	}
	b.WriteString("\nbackends, best first\n")
	for _, backend := range r.Backends {
		backend.write(&b)
	}
	b.WriteString("\nplugin directories, in search order\n")
	for _, d := range r.Dirs {
		note := ""
		if !d.Exists {
			note = "  (not there)"
		}
		fmt.Fprintf(&b, "  %s%s\n", d.Path, note)
	}
	fmt.Fprintf(&b, "\n%s\n", r.Auto)
	return b.String()
}

// WriteTo writes String to w.
func (r Report) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, r.String())
	return int64(n), err
}

func (b BackendReport) write(w *strings.Builder) {
	state := "ready"
	switch {
	case !b.BuiltIn:
		state = "not built in"
	case !b.Ready && len(b.Plugins) == 0 && b.Kind != Go:
		state = "not installed"
	case !b.Ready:
		state = "unusable"
	}
	fmt.Fprintf(w, "  %-9s %s\n", b.Kind, state)
	line := func(key, text string) { fmt.Fprintf(w, "            %-9s %s\n", key, text) }
	if len(b.Looked) > 0 {
		line("looked for", strings.Join(b.Looked, ", "))
	}
	for i, p := range b.Plugins {
		text := fmt.Sprintf("%s (%s)", p.Path, size(p.Size))
		if i > 0 {
			text += ", shadowed by the first"
		}
		if p.Problem != "" {
			text += "; " + p.Problem
		}
		line("found", text)
	}
	if b.Info != nil {
		if b.Info.PJRT != "" {
			line("version", "PJRT API v"+b.Info.PJRT+", StableHLO "+orUnknown(b.Info.StableHLO))
		}
		line("devices", fmt.Sprintf("%d: %s", len(b.Info.Devices), strings.Join(b.Info.Devices, ", ")))
	}
	if b.Problem != "" {
		line("problem", b.Problem)
	}
	if b.Install != "" {
		line("install", b.Install)
	}
}

// size renders bytes for people, in binary units.
func size(bytes int64) string {
	switch {
	case bytes <= 0:
		return "unknown"
	case bytes < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	case bytes < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}

// tilde shortens a path in the home directory, for commands that people copy.
func tilde(path, home string) string {
	if rel, err := filepath.Rel(home, path); home != "" && err == nil && !strings.HasPrefix(rel, "..") {
		return filepath.Join("~", rel)
	}
	return path
}
