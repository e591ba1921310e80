package accel

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const cpuName = "pjrt_c_api_cpu_plugin.so"

// The head of a plugin in C: the layout of PJRT_Api up to PJRT_Plugin_Attributes.
const fakeHead = `
#include <stddef.h>
typedef struct { size_t size; void *ext; const void *attributes; size_t n; } attr_args;
static void *ok(void *args) { return NULL; }
static void *attributes(attr_args *a) { a->attributes = NULL; a->n = 0; return NULL; }
static struct {
	size_t size; void *ext;
	struct { size_t size; void *ext; int major, minor; } version;
	void *error_destroy, *error_message, *error_code, *initialize, *attributes, *rest[200];
} api = { sizeof api, NULL, { sizeof api.version, NULL, MAJOR, MINOR }, ok, ok, ok, ok, attributes };
void *GetPjrtApi(void) { return &api; }
`

// compile builds a shared library from C and returns its path; it skips the test where there is no C compiler.
func compile(t testing.TB, source string, flags ...string) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("makes ELF files")
	}
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no gcc to make a fake plugin with")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, cpuName)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "fake.c"), []byte(source), 0o644))
	args := append([]string{"-shared", "-fPIC", "-w", "-o", path, filepath.Join(dir, "fake.c")}, flags...)
	out, err := exec.Command(gcc, args...).CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

func writeFile(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), cpuName)
	require.NoError(t, os.WriteFile(path, data, 0o755))
	return path
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// broken are files that must be refused without being loaded.
var broken = []struct {
	name string
	make func(t testing.TB) string
	want string
}{
	{"text", func(t testing.TB) string { return writeFile(t, []byte("404: Not Found\n")) }, "is not a shared library: it starts with"},
	{"empty", func(t testing.TB) string { return writeFile(t, nil) }, "is not a shared library"},
	{"header only", func(t testing.TB) string { return writeFile(t, elfHeader(machines[runtime.GOARCH])) }, "is no PJRT plugin"},
	{"half a header", func(t testing.TB) string { return writeFile(t, elfHeader(machines[runtime.GOARCH])[:40]) }, "damaged or truncated"},
	{"other machine", func(t testing.TB) string { return writeFile(t, elfHeader(elf.EM_RISCV)) },
		"for another machine: EM_RISCV, expected " + machines[runtime.GOARCH].String()},
	{"truncated", func(t testing.TB) string {
		data := readFile(t, compile(t, fakeHead, "-DMAJOR=0", "-DMINOR=104"))
		return writeFile(t, data[:len(data)/2])
	}, "truncated"},
	{"truncated segment", func(t testing.TB) string {
		data := readFile(t, compile(t, fakeHead, "-DMAJOR=0", "-DMINOR=104"))
		return writeFile(t, growSegment(t, data))
	}, "is truncated: it has"},
	{"program", func(t testing.TB) string {
		header := elfHeader(machines[runtime.GOARCH])
		header[16] = byte(elf.ET_EXEC)
		return writeFile(t, header)
	}, "is not a shared library: its ELF type is ET_EXEC"},
	{"no entry point", func(t testing.TB) string { return compile(t, "int other(void) { return 1; }") }, "is no PJRT plugin: it does not export GetPjrtApi"},
	{"entry point imported only", func(t testing.TB) string {
		return compile(t, "void *GetPjrtApi(void); void *other(void) { return GetPjrtApi(); }")
	}, "is no PJRT plugin: it does not export GetPjrtApi"},
	{"directory", func(t testing.TB) string {
		path := filepath.Join(t.TempDir(), cpuName)
		require.NoError(t, os.Mkdir(path, 0o755))
		return path
	}, "is not a regular file"},
	{"absent", func(t testing.TB) string { return filepath.Join(t.TempDir(), cpuName) }, "no such file"},
}

// elfHeader is the first bytes of a 64-bit shared library for a machine.
func elfHeader(machine elf.Machine) []byte {
	h := make([]byte, 64)
	copy(h, elf.ELFMAG)
	h[elf.EI_CLASS], h[elf.EI_DATA], h[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	binary.LittleEndian.PutUint16(h[16:], uint16(elf.ET_DYN))
	binary.LittleEndian.PutUint16(h[18:], uint16(machine))
	binary.LittleEndian.PutUint32(h[20:], 1)
	return h
}

// growSegment makes the last loaded segment of a 64-bit library claim more bytes than the file has.
func growSegment(t testing.TB, data []byte) []byte {
	t.Helper()
	file, err := elf.NewFile(bytes.NewReader(data))
	require.NoError(t, err)
	phoff, size := binary.LittleEndian.Uint64(data[32:]), uint64(binary.LittleEndian.Uint16(data[54:]))
	for i, p := range file.Progs {
		if p.Type == elf.PT_LOAD && p.Off > 0 {
			binary.LittleEndian.PutUint64(data[phoff+uint64(i)*size+32:], 1<<40) // p_filesz
		}
	}
	return data
}

func TestCheckPluginRefusesBrokenFiles(t *testing.T) {
	for _, test := range broken {
		t.Run(test.name, func(t *testing.T) {
			path := test.make(t)
			err := checkPlugin(path, XLACPU)
			require.Error(t, err)
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, path)
			require.NotContains(t, err.Error(), "\n")
		})
	}
	t.Run("good", func(t *testing.T) {
		require.NoError(t, checkPlugin(compile(t, fakeHead, "-DMAJOR=0", "-DMINOR=104"), XLACPU))
	})
}

// go-xla decides by words in the whole path what a plugin is.
func TestCheckPathRefusesMisleadingFolders(t *testing.T) {
	require.NoError(t, checkPath("/opt/go-xla/pjrt_c_api_cpu_plugin.so", XLACPU))
	require.NoError(t, checkPath("/opt/go-xla/nvidia/pjrt_c_api_cuda_plugin.so", XLACUDA))
	require.ErrorContains(t, checkPath("/opt/nvidia/pjrt_c_api_cpu_plugin.so", XLACPU), `the word "nvidia"`)
	require.ErrorContains(t, checkPath("/home/CPUs/pjrt_c_api_cuda_plugin.so", XLACUDA), `the word "cpu"`)
	require.ErrorContains(t, checkPath("/opt/cuda/pjrt_plugin_other.so", XLA), `the word "cuda"`)
}

func TestCheckVersion(t *testing.T) {
	for _, good := range [][2]int{{0, 104}, {0, 106}, {0, 115}, {0, 900}} {
		require.NoError(t, checkVersion(good[0], good[1]))
	}
	for _, bad := range [][2]int{{0, 0}, {0, 103}, {1, 0}, {1, 115}, {-1, 115}} {
		require.ErrorContains(t, checkVersion(bad[0], bad[1]), "expected v0.104 or a later v0")
	}
}

// FuzzCheckELF: no file, however damaged, makes the check panic or hang.
func FuzzCheckELF(f *testing.F) {
	f.Add([]byte("\x7fELF"))
	for _, machine := range machines {
		f.Add(elfHeader(machine))
	}
	if _, err := exec.LookPath("gcc"); err == nil && runtime.GOOS == "linux" {
		f.Add(readFile(f, compile(f, fakeHead, "-DMAJOR=0", "-DMINOR=104", "-s")))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := checkELF(bytes.NewReader(data), int64(len(data))); err != nil {
			require.False(t, strings.HasPrefix(err.Error(), "plugin"))
		}
	})
}
