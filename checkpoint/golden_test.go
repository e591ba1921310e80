package checkpoint_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
	"searchrl/internal/shared"
)

// TestGoldenLoad loads every Qwen2 folder among the fixtures, saves it, and loads it again: nothing may change.
func TestGoldenLoad(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join(shared.Dir(t), "fixtures", "qwen2-*"))
	require.NoError(t, err)
	if len(dirs) == 0 {
		t.Skip("no Qwen2 fixtures")
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			cfg, w, err := checkpoint.Load(os.DirFS(dir))
			require.NoError(t, err)
			require.NoError(t, w.Check(cfg))
			saved := filepath.Join(t.TempDir(), "a", "model")
			for range 2 { // a new folder, then over an old one
				require.NoError(t, checkpoint.Save(saved, cfg, w))
				again, w2, err := checkpoint.Load(os.DirFS(saved))
				require.NoError(t, err)
				require.Equal(t, cfg, again)
				require.Equal(t, w, w2)
			}
		})
	}
}
