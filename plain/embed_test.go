package plain_test

import (
	"embed"
	"io/fs"
	"os"
	"path"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
)

//go:embed testdata/qwen2-*
var embedded embed.FS

// An embedded model folder loads like one on disk.
func TestEmbeddedFolder(t *testing.T) {
	entries, err := fs.ReadDir(embedded, "testdata")
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	for _, entry := range entries {
		dir := path.Join("testdata", entry.Name())
		sub, err := fs.Sub(embedded, dir)
		require.NoError(t, err)
		cfg, w, err := checkpoint.Load(sub)
		require.NoError(t, err)
		wantCfg, want, err := checkpoint.Load(os.DirFS(dir))
		require.NoError(t, err)
		require.Equal(t, wantCfg, cfg)
		require.Equal(t, want, w)
		require.Equal(t, []int{46, 47}, cfg.EOS)
	}
}
