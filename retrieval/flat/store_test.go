package flat

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var about = map[string]string{"model": "m", "corpus": "c"}

func build(t *testing.T, dir string, p Precision, vectors [][]float32, shardRows int) {
	b, err := Create(dir, len(vectors[0]), p, about, shardRows)
	require.NoError(t, err)
	require.NoError(t, b.Add(vectors...))
	require.NoError(t, b.Close())
}

// TestFiles: an index that was written and mapped finds what one in memory finds.
func TestFiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	vectors, queries := gaussian(rng, 2500, 24), gaussian(rng, 5, 24)
	for _, p := range precisions {
		t.Run(string(p), func(t *testing.T) {
			dir := t.TempDir()
			build(t, dir, p, vectors, 1000)
			require.NoError(t, Verify(dir))
			x, err := Open(dir, Options{})
			require.NoError(t, err)
			defer x.Close()
			assert.Equal(t, 2500, x.Rows())
			assert.Equal(t, "m", x.About("model"))
			memory, err := New(vectors, p, Options{})
			require.NoError(t, err)
			defer memory.Close()
			want, err := memory.Search(context.Background(), queries, 9)
			require.NoError(t, err)
			found, err := x.Search(context.Background(), queries, 9)
			require.NoError(t, err)
			assert.Equal(t, want, found)
			_, err = Open(dir, Options{Limit: 1 << 10})
			assert.ErrorContains(t, err, "the limit is")
		})
	}
}

// TestInterruptedBuild: what a killed build left is continued, and nothing of it is an index before the end.
func TestInterruptedBuild(t *testing.T) {
	vectors := gaussian(rand.New(rand.NewPCG(7, 8)), 950, 8)
	dir, whole := t.TempDir(), t.TempDir()
	build(t, whole, F16, vectors, 300)

	b, err := Create(dir, 8, F16, about, 300)
	require.NoError(t, err)
	require.NoError(t, b.Add(vectors[:700]...)) // two shards, and 100 vectors that are lost
	_, err = Open(dir, Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".vectors-00002.safetensors123"), []byte("half"), 0o666))

	_, err = Create(dir, 8, Int8, about, 300)
	require.ErrorContains(t, err, "an unfinished index of other vectors")
	_, err = Create(dir, 8, F16, map[string]string{"model": "n"}, 300)
	require.ErrorContains(t, err, "an unfinished index of other vectors")

	b, err = Create(dir, 8, F16, about, 300)
	require.NoError(t, err)
	require.Equal(t, 600, b.Rows())
	require.NoError(t, b.Add(vectors[b.Rows():]...))
	require.NoError(t, b.Close())
	for _, name := range []string{manifestFile, shardFile(0), shardFile(3)} {
		want, err := os.ReadFile(filepath.Join(whole, name))
		require.NoError(t, err)
		found, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, want, found, name)
	}
	_, err = Create(dir, 8, F16, about, 300)
	require.ErrorContains(t, err, "there is a finished index already")
}

// TestFlush: what was added before a build ended early is continued after, and found as if nothing had happened.
func TestFlush(t *testing.T) {
	vectors := gaussian(rand.New(rand.NewPCG(7, 8)), 700, 8)
	for _, p := range precisions {
		dir := t.TempDir()
		for _, until := range []int{0, 250, 250, 251, 700} {
			b, err := Create(dir, 8, p, about, 300)
			require.NoError(t, err)
			require.NoError(t, b.Add(vectors[b.Rows():until]...))
			require.NoError(t, b.Flush())
			require.Equal(t, until, b.Rows())
		}
		b, err := Create(dir, 8, p, about, 300)
		require.NoError(t, err)
		require.NoError(t, b.Close())
		require.NoError(t, Verify(dir))
		x, err := Open(dir, Options{})
		require.NoError(t, err)
		require.Len(t, x.shards, 4, "250, 1, 300 and 149")
		found, err := x.Search(context.Background(), vectors[:5], 700)
		require.NoError(t, err)
		for i, q := range vectors[:5] {
			require.Equal(t, brute(p, vectors, q, 700), found[i])
		}
		require.NoError(t, x.Close())
	}
}

// TestCloseFails: an index whose last shard cannot be written is none.
func TestCloseFails(t *testing.T) {
	dir := t.TempDir()
	b, err := Create(dir, 2, F32, about, 300)
	require.NoError(t, err)
	require.NoError(t, b.Add([]float32{1, 2}))
	inTheWay := filepath.Join(dir, shardFile(0))
	require.NoError(t, os.Mkdir(inTheWay, 0o777))
	require.ErrorContains(t, b.Close(), shardFile(0))
	_, err = Open(dir, Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.Remove(inTheWay))
	require.NoError(t, b.Close())
	require.NoError(t, Verify(dir))
}

// TestSum: it changes with the vectors and with how they are stored, and with nothing else.
func TestSum(t *testing.T) {
	vectors := gaussian(rand.New(rand.NewPCG(9, 9)), 50, 8)
	sum := func(p Precision, vectors [][]float32) string {
		dir := t.TempDir()
		build(t, dir, p, vectors, 30)
		s, err := Sum(dir)
		require.NoError(t, err)
		return s
	}
	require.Equal(t, sum(F32, vectors), sum(F32, vectors))
	require.Len(t, map[string]bool{sum(F32, vectors): true, sum(F16, vectors): true, sum(F32, vectors[:49]): true,
		sum(F32, append([][]float32{vectors[1], vectors[0]}, vectors[2:]...)): true}, 4)
	_, err := Sum(t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestDamage: files that do not hold what the index says are refused with their name.
func TestDamage(t *testing.T) {
	vectors := gaussian(rand.New(rand.NewPCG(9, 9)), 50, 8)
	edit := func(name, from, to string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, name)
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Contains(t, string(text), from)
			require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), from, to, 1)), 0o666))
		}
	}
	for name, test := range map[string]struct {
		damage func(t *testing.T, dir string)
		want   string
	}{
		"no manifest":  {func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, manifestFile))) }, manifestFile},
		"no shard":     {func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, shardFile(1)))) }, shardFile(1)},
		"cut shard":    {func(t *testing.T, dir string) { require.NoError(t, os.Truncate(filepath.Join(dir, shardFile(0)), 500)) }, shardFile(0)},
		"empty shard":  {func(t *testing.T, dir string) { require.NoError(t, os.Truncate(filepath.Join(dir, shardFile(0)), 0)) }, shardFile(0)},
		"version":      {edit(manifestFile, `"version": 1`, `"version": 2`), "version 2 of the layout, expected 1"},
		"precision":    {edit(manifestFile, `"int8"`, `"int4"`), `precision "int4"`},
		"other dim":    {edit(manifestFile, `"dim": 8`, `"dim": 16`), `expected I8 [30 16]`},
		"rows":         {edit(manifestFile, `"rows": 50`, `"rows": 51`), "the shards have 50 vectors, expected 51"},
		"another file": {edit(manifestFile, shardFile(0), "../../etc/passwd"), `shard 0 is "../../etc/passwd"`},
		"norm":         {edit(manifestFile, `"max_norm": 1`, `"max_norm": -1`), "the largest norm is -1"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			build(t, dir, Int8, vectors, 30)
			test.damage(t, dir)
			_, err := Open(dir, Options{})
			require.ErrorContains(t, err, test.want)
			require.Error(t, Verify(dir))
		})
	}
	t.Run("one bit", func(t *testing.T) {
		dir := t.TempDir()
		build(t, dir, Int8, vectors, 30)
		data, err := os.ReadFile(filepath.Join(dir, shardFile(1)))
		require.NoError(t, err)
		data[len(data)-100] ^= 4
		require.NoError(t, os.WriteFile(filepath.Join(dir, shardFile(1)), data, 0o666))
		require.ErrorContains(t, Verify(dir), shardFile(1)+": SHA-256 is")
	})
}
