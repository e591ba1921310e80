package accel

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/stretchr/testify/require"
)

// place puts a file under the name of a CPU plugin into a directory of its own and returns that directory.
func place(t *testing.T, path string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Symlink(path, filepath.Join(dir, cpuName)))
	return dir
}

// multiply runs a small matrix product.
func multiply(t *testing.T, b *Backend) {
	t.Helper()
	exec, err := graph.NewExec(b.Compute(), func(x *graph.Node) *graph.Node { return graph.MatMul(x, x) })
	require.NoError(t, err)
	defer exec.Finalize()
	y, err := exec.Call1([][]float32{{1, 2}, {3, 4}})
	require.NoError(t, err)
	require.Equal(t, [][]float32{{7, 10}, {15, 22}}, y.Value())
}

func TestComputesOnEveryInstalledBackend(t *testing.T) {
	for _, name := range []string{string(Go), string(XLACPU), string(XLACUDA), Auto} {
		t.Run(name, func(t *testing.T) {
			b, err := OpenWith(name, Options{Probe: probeCommand(t)})
			if name != string(Go) && name != Auto && err != nil {
				t.Skip(err)
			}
			require.NoError(t, err)
			defer b.Close()
			t.Log(b.Choice())
			multiply(t, b)
			info := b.Info()
			require.NotEmpty(t, info.Devices)
			require.NotContains(t, b.Choice(), "\n")
			if name != Auto {
				require.Equal(t, Kind(name), b.Kind())
				require.Equal(t, "using "+b.summary(), b.Choice())
			}
			if b.Kind() != Go {
				require.FileExists(t, info.Plugin)
				require.Contains(t, b.Choice(), info.Plugin)
				require.Contains(t, b.Choice(), info.PJRT)
			}
			b.Close()
			b.Close()
		})
	}
	var none *Backend
	none.Close()
}

// TestOpenTwice: a backend can be opened again after Close, and two can be open at once.
func TestOpenTwice(t *testing.T) {
	for _, kind := range []Kind{Go, XLACPU} {
		first, err := Open(string(kind))
		if kind != Go && err != nil {
			t.Skip(err)
		}
		require.NoError(t, err)
		second, err := Open(string(kind))
		require.NoError(t, err)
		multiply(t, second)
		first.Close()
		multiply(t, second)
		second.Close()
		third, err := Open(string(kind))
		require.NoError(t, err)
		multiply(t, third)
		third.Close()
	}
}

func TestGoIsSequential(t *testing.T) {
	b, err := Open("go")
	require.NoError(t, err)
	defer b.Close()
	require.Contains(t, b.Choice(), "sequential")

	mode := func(c any) int64 { return reflect.ValueOf(c).Elem().FieldByName("OpsExecutionType").Int() }
	parallel, err := gobackend.New("")
	require.NoError(t, err)
	sequential, err := gobackend.New("ops_sequential")
	require.NoError(t, err)
	require.Equal(t, mode(sequential), mode(b.Compute()))
	require.NotEqual(t, mode(parallel), mode(b.Compute()))
	require.True(t, b.IsCPU())
	require.Equal(t, "go", b.String())
}

// TestBrokenPlugins: named, a broken plugin is an error that says what is wrong with which file; under auto the next
// backend is used and the line says the same.
func TestBrokenPlugins(t *testing.T) {
	if !builtWithXLA {
		t.Skip("built without cgo")
	}
	cases := broken
	add := func(name, want string, make func(testing.TB) string) {
		cases = append(cases, struct {
			name string
			make func(testing.TB) string
			want string
		}{name, make, want})
	}
	add("later API", "offers PJRT API v1.2, expected v0.104", func(t testing.TB) string {
		return compile(t, fakeHead, "-DMAJOR=1", "-DMINOR=2")
	})
	add("earlier API", "offers PJRT API v0.90, expected v0.104", func(t testing.TB) string {
		return compile(t, fakeHead, "-DMAJOR=0", "-DMINOR=90")
	})
	add("missing function", "undefined symbol: absent", func(t testing.TB) string {
		return compile(t, fakeHead+"void absent(void); __attribute__((constructor)) static void start(void) { absent(); }",
			"-DMAJOR=0", "-DMINOR=104", "-Wl,-z,now")
	})
	add("aborts", "crashes when it is loaded", func(t testing.TB) string {
		return compile(t, fakeHead+"void abort(void); __attribute__((constructor)) static void start(void) { abort(); }",
			"-DMAJOR=0", "-DMINOR=104")
	})
	add("kills its process", "crashes when it is loaded (signal: killed)", func(t testing.TB) string {
		return compile(t, fakeHead+"int raise(int); __attribute__((constructor)) static void start(void) { raise(9); }",
			"-DMAJOR=0", "-DMINOR=104")
	})
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			if test.name == "absent" || test.name == "directory" {
				t.Skip("is not found at all")
			}
			opts := Options{Dirs: []string{place(t, test.make(t))}, Probe: probeCommand(t)}
			_, err := OpenWith("xla:cpu", opts)
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, opts.Dirs[0])
			require.True(t, strings.HasPrefix(err.Error(), "backend xla:cpu: "), err)
			t.Log(err)

			_, err = OpenWith("xla:"+filepath.Join(opts.Dirs[0], cpuName), opts)
			require.ErrorContains(t, err, test.want)

			b, err := OpenWith(Auto, opts)
			require.NoError(t, err)
			defer b.Close()
			require.Equal(t, Go, b.Kind())
			require.Contains(t, b.Choice(), "auto: chose go (")
			require.Contains(t, b.Choice(), "xla:cpu lacked: ")
			require.Contains(t, b.Choice(), test.want)
			require.NotContains(t, b.Choice(), "\n")
			multiply(t, b)
		})
	}
}

// TestAPIVersionWithoutProbe: the in-process check refuses an unknown API before it starts the plugin.
func TestAPIVersionWithoutProbe(t *testing.T) {
	if !builtWithXLA {
		t.Skip("built without cgo")
	}
	path := compile(t, fakeHead, "-DMAJOR=7", "-DMINOR=1")
	_, err := Open("xla:" + path)
	require.ErrorContains(t, err, "plugin "+path+": it offers PJRT API v7.1")
}

func TestCUDANeedsGPU(t *testing.T) {
	if !builtWithXLA {
		t.Skip("built without cgo")
	}
	dir := t.TempDir()
	plugin := compile(t, fakeHead, "-DMAJOR=0", "-DMINOR=104")
	require.NoError(t, os.Rename(plugin, filepath.Join(dir, "pjrt_c_api_cuda_plugin.so")))
	opts := Options{Dirs: []string{dir}, gpu: func() error { return errors.New("no GPU here") }}
	_, err := OpenWith("xla:cuda", opts)
	require.ErrorContains(t, err, "pjrt_c_api_cuda_plugin.so is there, but no GPU here")
	b, err := OpenWith(Auto, opts)
	require.NoError(t, err)
	defer b.Close()
	require.Contains(t, b.Choice(), "xla:cuda lacked: plugin "+dir)
	require.Contains(t, b.Choice(), "xla:cpu lacked: no plugin file "+cpuName)
}

func TestUnknownSpec(t *testing.T) {
	_, err := Open("tpu")
	require.EqualError(t, err, `unknown backend "tpu": expected `+Accepted)
}

func TestWithoutCgo(t *testing.T) {
	if builtWithXLA {
		t.Skip("built with cgo")
	}
	_, err := Open("xla:cpu")
	require.ErrorContains(t, err, "built without cgo")
	b, err := Open(Auto)
	require.NoError(t, err)
	defer b.Close()
	require.Contains(t, b.Choice(), "xla:cuda and xla:cpu lacked: this program was built without cgo")
}

func TestExamine(t *testing.T) {
	r := ExamineWith(Options{Probe: probeCommand(t)})
	require.True(t, r.Ready(Go))
	require.False(t, r.Ready("tpu"))
	require.Len(t, r.Backends, 3)
	require.Equal(t, SearchDirs(), dirPaths(r))
	auto, err := Open(Auto)
	require.NoError(t, err)
	auto.Close()
	require.Equal(t, auto.Choice(), r.Auto, "doctor and auto agree")
	for _, b := range r.Backends {
		require.Equal(t, b.Ready, b.Problem == "", b.Kind)
		require.Equal(t, b.Ready, b.Info != nil, b.Kind)
		if b.Ready {
			require.Empty(t, b.Install, b.Kind)
		}
	}
	var text strings.Builder
	n, err := r.WriteTo(&text)
	require.NoError(t, err)
	require.EqualValues(t, text.Len(), n)
	require.Contains(t, text.String(), r.Auto)

	data, err := json.Marshal(r)
	require.NoError(t, err)
	require.NotContains(t, string(data), "null")
	var again Report
	require.NoError(t, json.Unmarshal(data, &again))
	require.Equal(t, r.String(), again.String())
}

func dirPaths(r Report) []string {
	var paths []string
	for _, d := range r.Dirs {
		paths = append(paths, d.Path)
	}
	return paths
}

// TestExamineBroken: the report names the file, what is wrong with it, and how to replace it.
func TestExamineBroken(t *testing.T) {
	if !builtWithXLA {
		t.Skip("built without cgo")
	}
	first, second := place(t, writeFile(t, []byte("text"))), place(t, writeFile(t, []byte("text too")))
	absent := filepath.Join(t.TempDir(), "absent")
	r := ExamineWith(Options{Dirs: []string{absent, first, second}})
	require.Equal(t, []Dir{{absent, false}, {first, true}, {second, true}}, r.Dirs)
	cpu := r.Backends[1]
	require.Equal(t, XLACPU, cpu.Kind)
	require.False(t, cpu.Ready)
	require.Len(t, cpu.Plugins, 2)
	require.Contains(t, cpu.Plugins[0].Problem, "not a shared library")
	require.Contains(t, cpu.Install, "make xla-cpu FORCE=1")
	require.Contains(t, r.String(), "shadowed by the first")
	require.Contains(t, r.String(), "unusable")
	require.Contains(t, r.Backends[0].Install, "make xla-cuda")
	require.Contains(t, installCommand(XLACUDA, true, true), "make xla-cuda FORCE=1")
	require.Empty(t, installCommand(XLACUDA, true, false), "a GPU is missing, not the plugin")
}

func TestParseSMI(t *testing.T) {
	require.Equal(t, []GPU{
		{Name: "NVIDIA H200", Total: 143771 << 20, Free: 143000 << 20, Driver: "570.1"},
		{Name: "NVIDIA GB10", Driver: "580"},
	}, parseSMI("NVIDIA H200, 143771, 143000, 570.1\nNVIDIA GB10, [N/A], [N/A], 580\nnot a table\n"))
}
