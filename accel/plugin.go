package accel

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// go-xla calls the functions of a plugin by their place in the table of its C header, v0.104, without asking whether the
// plugin has them. The table only grows within a major version, so an older plugin could make it call what is not there.
const (
	pjrtMajor = 0
	pjrtMinor = 104
)

// entryPoint is the one function that a PJRT plugin exports.
const entryPoint = "GetPjrtApi"

// checkVersion refuses a plugin whose table of functions is not the one that go-xla was compiled against.
func checkVersion(major, minor int) error {
	if major == pjrtMajor && minor >= pjrtMinor {
		return nil
	}
	return fmt.Errorf("it offers PJRT API v%d.%d, expected v%d.%d or a later v%d",
		major, minor, pjrtMajor, pjrtMinor, pjrtMajor)
}

// checkPlugin examines a plugin file without loading it: a library that is damaged or meant for another machine can end
// the process that loads it.
func checkPlugin(path string, kind Kind) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("plugin %s: %w", path, errors.Unwrap(err))
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("plugin %s is not a regular file", path)
	}
	if err := checkPath(path, kind); err != nil {
		return err
	}
	if runtime.GOOS != "linux" {
		return nil // no reader for the other formats here: the loader's own message must do
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("plugin %s cannot be read: %w", path, errors.Unwrap(err))
	}
	defer file.Close()
	if err := checkELF(file, info.Size()); err != nil {
		return fmt.Errorf("plugin %s %w", path, err)
	}
	return nil
}

// checkPath refuses paths from which go-xla would guess the wrong device: it looks for these words anywhere in the path,
// not just in the file's name, and then computes by the wrong rules.
func checkPath(path string, kind Kind) error {
	lower := strings.ToLower(path)
	for _, word := range map[Kind][]string{XLACPU: {"cuda", "nvidia"}, XLACUDA: {"cpu"}, XLA: {"cpu", "cuda", "nvidia"}}[kind] {
		if strings.Contains(lower, word) {
			return fmt.Errorf("plugin %s: its path holds the word %q, by which go-xla would take it for another kind of plugin; "+
				"move it to a folder without that word", path, word)
		}
	}
	return nil
}

// machines gives the ELF machine of each architecture that XLA plugins exist for.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// checkELF examines a shared library of the given size: right format and machine, every loaded segment inside the file
// (mapping a truncated one raises SIGBUS later), and the entry point among its symbols.
func checkELF(raw io.ReaderAt, size int64) (err error) {
	defer func() {
		if r := recover(); r != nil { // debug/elf is not hardened against hostile files
			err = fmt.Errorf("is damaged: %v", r)
		}
	}()
	header := make([]byte, 20) // e_ident, e_type, e_machine
	if n, _ := raw.ReadAt(header, 0); n < len(header) || !strings.HasPrefix(string(header), elf.ELFMAG) {
		return fmt.Errorf("is not a shared library: it starts with %q, expected %q", header[:min(n, 16)], elf.ELFMAG)
	}
	machine := elf.Machine(uint16(header[18]) | uint16(header[19])<<8)
	if elf.Data(header[elf.EI_DATA]) == elf.ELFDATA2MSB {
		machine = elf.Machine(uint16(header[19]) | uint16(header[18])<<8)
	}
	if want, known := machines[runtime.GOARCH]; known && machine != want {
		return fmt.Errorf("is for another machine: %v, expected %v", machine, want)
	}
	file, err := elf.NewFile(raw)
	if err != nil {
		return fmt.Errorf("is damaged or truncated (%d bytes): %w", size, err)
	}
	if file.Type != elf.ET_DYN {
		return fmt.Errorf("is not a shared library: its ELF type is %v, expected %v", file.Type, elf.ET_DYN)
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_LOAD && (p.Filesz > uint64(size) || p.Off > uint64(size)-p.Filesz) {
			return fmt.Errorf("is truncated: it has %d bytes, a segment of it ends at byte %d", size, p.Off+p.Filesz)
		}
	}
	symbols, err := file.DynamicSymbols()
	if errors.Is(err, elf.ErrNoSymbols) {
		return fmt.Errorf("is no PJRT plugin: it does not export %s", entryPoint)
	}
	if err != nil {
		return fmt.Errorf("is damaged: reading its symbols: %w", err)
	}
	if !slices.ContainsFunc(symbols, func(s elf.Symbol) bool { return s.Name == entryPoint && s.Section != elf.SHN_UNDEF }) {
		return fmt.Errorf("is no PJRT plugin: it does not export %s", entryPoint)
	}
	return nil
}

// checkGPU looks for the device files of NVIDIA's driver (or of WSL). A CUDA plugin without them fails slowly at best.
func checkGPU() error {
	patterns := []string{"/dev/nvidia[0-9]*", "/dev/dxg"}
	for _, pattern := range patterns {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return nil
		}
	}
	return fmt.Errorf("no NVIDIA GPU was found (no %s)", strings.Join(patterns, " or "))
}
