package accel

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// EnvPluginPath names the environment variable whose directories replace the default ones, separated by ':'.
const EnvPluginPath = "PJRT_PLUGIN_LIBRARY_PATH"

// SearchDirs returns the directories searched for plugins, in order: those of PJRT_PLUGIN_LIBRARY_PATH if it is set, else
// ~/.local/lib/go-xla, /usr/local/lib/go-xla (each with its nvidia folder) and the absolute ones of LD_LIBRARY_PATH. It
// is go-xla's own order, less the system's ld.so.conf and the folders of its deprecated predecessor.
func SearchDirs() []string {
	if paths, ok := os.LookupEnv(EnvPluginPath); ok {
		return absolute(filepath.SplitList(paths))
	}
	var dirs []string
	if home, err := os.UserHomeDir(); err == nil {
		base := filepath.Join(home, ".local", "lib", "go-xla")
		if runtime.GOOS == "darwin" {
			base = filepath.Join(home, "Library", "Application Support", "go-xla")
		}
		dirs = append(dirs, base, filepath.Join(base, "nvidia"))
	}
	dirs = append(dirs, "/usr/local/lib/go-xla", "/usr/local/lib/go-xla/nvidia")
	return absolute(append(dirs, filepath.SplitList(os.Getenv("LD_LIBRARY_PATH"))...))
}

// absolute drops what is relative, empty or repeated: a plugin must not depend on the working directory.
func absolute(dirs []string) []string {
	var out []string
	for _, dir := range dirs {
		if dir = filepath.Clean(dir); filepath.IsAbs(dir) && !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return out
}

// pluginNames returns the file names under which a plugin of a kind is looked for, in order.
func pluginNames(kind Kind) []string {
	short := strings.TrimPrefix(string(kind), "xla:")
	ext := map[string]string{"darwin": "dylib", "windows": "dll"}[runtime.GOOS]
	if ext == "" {
		ext = "so"
	}
	return []string{
		fmt.Sprintf("pjrt_c_api_%s_plugin.%s", short, ext),
		fmt.Sprintf("pjrt_plugin_%s.%s", short, ext),
		fmt.Sprintf("pjrt-plugin-%s.%s", short, ext),
	}
}

// findPlugins returns the paths of all plugin files of a kind, in search order.
func findPlugins(kind Kind, dirs []string) []string {
	var found []string
	for _, dir := range dirs {
		for _, name := range pluginNames(kind) {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); err == nil && !info.IsDir() {
				found = append(found, path)
			}
		}
	}
	return found
}

// findPlugin returns the first plugin file of a kind. A broken one is not passed over for a later one: which file is
// used should not depend on what is wrong with another.
func findPlugin(kind Kind, dirs []string) (string, error) {
	if found := findPlugins(kind, dirs); len(found) > 0 {
		return found[0], nil
	}
	return "", missingPlugin{pluginNames(kind)[0], dirs}
}

// missingPlugin says that no directory holds a plugin.
type missingPlugin struct {
	name string
	dirs []string
}

func (m missingPlugin) Error() string {
	if len(m.dirs) == 0 {
		return fmt.Sprintf("no plugin file %s: there is no directory to search", m.name)
	}
	return fmt.Sprintf("no plugin file %s in %s", m.name, strings.Join(m.dirs, ", "))
}

// short leaves out all directories but the first, for the Choice line.
func (m missingPlugin) short() string {
	if len(m.dirs) < 2 {
		return m.Error()
	}
	return fmt.Sprintf("no plugin file %s in %s or %d more directories", m.name, m.dirs[0], len(m.dirs)-1)
}
