package accel

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSearchDirs(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the directories of Linux")
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("LD_LIBRARY_PATH", "/opt/a:relative::/opt/b:/opt/a/")
	standard := []string{home + "/.local/lib/go-xla", home + "/.local/lib/go-xla/nvidia",
		"/usr/local/lib/go-xla", "/usr/local/lib/go-xla/nvidia", "/opt/a", "/opt/b"}

	t.Setenv(EnvPluginPath, "/opt/c::/opt/d:relative")
	require.Equal(t, []string{"/opt/c", "/opt/d"}, SearchDirs(), "the variable replaces the defaults")
	t.Setenv(EnvPluginPath, "")
	require.Empty(t, SearchDirs(), "set but empty: nowhere")
	require.NoError(t, os.Unsetenv(EnvPluginPath))
	require.Equal(t, standard, SearchDirs())
}

func TestFindPluginTakesFirstDirectoryThenFirstName(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the file names of Linux")
	}
	dirs := []string{t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "absent")}
	_, err := findPlugin(XLACUDA, dirs)
	require.EqualError(t, err, "no plugin file pjrt_c_api_cuda_plugin.so in "+dirs[0]+", "+dirs[1]+", "+dirs[2])
	require.ErrorContains(t, missingPlugin{"x.so", nil}, "no directory to search")

	touch := func(dir, name string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, nil, 0o644))
		return path
	}
	want := []string{
		touch(dirs[0], "pjrt-plugin-cpu.so"),
		touch(dirs[1], "pjrt_c_api_cpu_plugin.so"),
		touch(dirs[1], "pjrt_plugin_cpu.so"),
	}
	touch(dirs[1], "pjrt_c_api_tpu_plugin.so")
	require.NoError(t, os.Mkdir(filepath.Join(dirs[0], "pjrt_c_api_cpu_plugin.so"), 0o755))
	require.Equal(t, want, findPlugins(XLACPU, dirs))
	found, err := findPlugin(XLACPU, dirs)
	require.NoError(t, err)
	require.Equal(t, want[0], found)
}

func TestParseSpec(t *testing.T) {
	for text, want := range map[string]spec{
		"auto":                     {auto: true},
		"go":                       {kind: Go},
		"xla:cpu":                  {kind: XLACPU},
		"xla:cuda,tf32=false,help": {kind: XLACUDA, options: "tf32=false,help"},
		"xla:/a/../b/xla_cuda.so":  {kind: XLACUDA, path: "/b/xla_cuda.so"},
		"xla:/a/libpjrt_cpu.so":    {kind: XLACPU, path: "/a/libpjrt_cpu.so"},
		"xla:/cuda/p.so,tf32":      {kind: XLA, path: "/cuda/p.so", options: "tf32"},
	} {
		got, err := parseSpec(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "xla", "xla:", "cuda", "gpu", "xla:rocm", "xla:plugin.so", "xla:./p.so", "GO", "go:ops_parallel", " go"} {
		_, err := parseSpec(text)
		require.ErrorContains(t, err, Accepted, text)
	}
	for _, text := range []string{"go,ops_parallel", "auto,tf32"} {
		_, err := parseSpec(text)
		require.ErrorContains(t, err, "takes no options", text)
	}
}
