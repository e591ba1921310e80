// Package shared finds the folder of golden fixtures and real data that tests may read.
package shared

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Dir returns the absolute path of the shared folder: the environment variable SEARCHRL_SHARED, else ../shared beside
// the repository. It skips the test where the folder is absent.
func Dir(t testing.TB) string {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	dir := os.Getenv("SEARCHRL_SHARED")
	switch {
	case dir == "":
		dir = filepath.Join(root, "..", "shared")
	case !filepath.IsAbs(dir):
		dir = filepath.Join(root, dir)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("golden fixtures not found in %s (set SEARCHRL_SHARED to their folder): %v", dir, err)
	}
	return dir
}
