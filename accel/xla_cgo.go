//go:build cgo

package accel

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"
)

const builtWithXLA = true

var errNoCgo error // set in a build without cgo only

// loading serialises the loading of plugins: their C++ initialisers are not made for concurrent use.
var loading sync.Mutex

// openXLA loads the plugin at an absolute path, so that go-xla has no name to resolve and nothing to download, and makes
// a client. options is what go-xla takes after the plugin's name.
func openXLA(path, options string) (c compute.Backend, info Info, err error) {
	loading.Lock()
	defer loading.Unlock()
	runtime.LockOSThread() // the loader keeps its error message (dlerror) for the thread that called it
	defer runtime.UnlockOSThread()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("opening plugin %s: %v", path, r)
		}
	}()
	if strings.Contains(path, ",") {
		return nil, info, fmt.Errorf("plugin path %s holds a comma, which go-xla takes for the start of its options", path)
	}
	plugin, err := pjrt.GetPlugin(path)
	if err != nil {
		return nil, info, fmt.Errorf("loading plugin %s: %w", path, err)
	}
	major, minor := plugin.Version()
	info.Plugin, info.PJRT = path, fmt.Sprintf("%d.%d", major, minor)
	if v, ok := plugin.Attributes()["stablehlo_current_version"].([]int64); ok {
		info.StableHLO = strings.ReplaceAll(strings.Trim(fmt.Sprint(v), "[]"), " ", ".")
	}
	if err := checkVersion(major, minor); err != nil {
		return nil, info, fmt.Errorf("plugin %s: %w", path, err)
	}
	config := path
	if options != "" {
		config += "," + options
	}
	backend, err := xla.NewWithOptions(config, nil)
	if err != nil {
		return nil, info, fmt.Errorf("starting plugin %s: %w", path, err)
	}
	if backend == nil {
		return nil, info, errors.New("go-xla returned no backend for " + path)
	}
	return backend, info, nil
}
