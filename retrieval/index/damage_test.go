package index

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/retrieval"
)

// Every single bit of every file, flipped, and every file cut at every length: opening and searching either fail or give
// what they gave before, and whatever Verify lets through is whole.
func TestDamage(t *testing.T) {
	x, dir := built(t, animals[:2], DefaultOptions())
	queries := []string{"cat sleeps", "dog the at", "zebra"}
	want, err := x.Search(t.Context(), queries, 3)
	require.NoError(t, err)
	search := func() ([][]retrieval.Hit, error) {
		y, err := Open(dir)
		if err != nil {
			return nil, err
		}
		defer y.Close()
		return y.Search(t.Context(), queries, 3)
	}
	paths := []string{filepath.Join(dir, ManifestFile)}
	for _, name := range dataFiles {
		paths = append(paths, filepath.Join(dir, x.Manifest().Folder, name))
	}
	for _, path := range paths {
		whole, err := os.ReadFile(path)
		require.NoError(t, err)
		found := 0
		try := func(data []byte) {
			// A new file: the one that is mapped must stay as it is.
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.WriteFile(path, data, 0o600))
			got, err := search()
			if err == nil {
				require.Equal(t, want, got, "%s: damage gave another result", path)
			}
			if Verify(dir) != nil {
				found++
			} else {
				require.NoError(t, err)
				require.Equal(t, ManifestFile, filepath.Base(path), "only white space and the spelling of JSON may differ unseen")
				m, err := ReadManifest(dir)
				require.NoError(t, err)
				require.Equal(t, x.Manifest(), *m)
			}
		}
		for i := range whole {
			data := slices.Clone(whole)
			data[i] ^= 1 << (i % 8)
			try(data)
		}
		for n := range whole {
			try(whole[:n])
		}
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.WriteFile(path, whole, 0o600))
		require.Greater(t, found, len(whole))
	}
	require.NoError(t, Verify(dir))
}

func FuzzManifest(f *testing.F) {
	dir := f.TempDir()
	_, err := BuildFrom(f.Context(), stream(animals), "test", dir, DefaultOptions())
	require.NoError(f, err)
	data, err := os.ReadFile(filepath.Join(dir, ManifestFile))
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte(`{"format":"searchrl-bm25","version":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseManifest(data)
		if err == nil {
			require.NoError(t, m.validate())
		}
	})
}

func FuzzPassage(f *testing.F) {
	for _, d := range animals {
		f.Add(appendPassage(nil, d))
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		d, err := parsePassage(record)
		if err == nil && !bytes.Equal(appendPassage(nil, d), record) {
			back, err := parsePassage(appendPassage(nil, d))
			require.NoError(t, err)
			require.Equal(t, d, back)
		}
	})
}
