package index

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"searchrl/retrieval"
)

// buildVariable names the folder that a process of the crash test builds in.
const buildVariable = "SEARCHRL_TEST_BUILD"

// generation is a corpus whose passages all say which one it is.
func generation(n int) []retrieval.Document {
	docs := make([]retrieval.Document, 60)
	for i := range docs {
		docs[i] = retrieval.Document{ID: fmt.Sprintf("%d-%d", n, i), Text: fmt.Sprintf("common generation%d word%d", n, i)}
	}
	return docs
}

// buildForever builds one generation after the other until it is killed.
func buildForever(dir string) {
	o := DefaultOptions()
	o.Memory = 2000 // several runs
	for n := 1; ; n++ {
		if _, err := BuildFrom(context.Background(), stream(generation(n)), "test", dir, o); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		fmt.Println(n)
	}
}

// A process that is killed while it builds, at a random moment and many times over, always leaves an index that is whole:
// one of the generations, from the first to the last, and the next build clears up.
func TestKilledWhileBuilding(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	_, err = BuildFrom(t.Context(), stream(generation(0)), "test", dir, DefaultOptions())
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(1, 2))
	left := 0
	for range 25 {
		child := exec.Command(self)
		child.Env = append(os.Environ(), buildVariable+"="+dir)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		_, err = out.Read(make([]byte, 16)) // it has built one
		require.NoError(t, err)
		time.Sleep(time.Duration(rng.IntN(30_000)) * time.Microsecond)
		require.NoError(t, child.Process.Kill())
		require.Error(t, child.Wait())

		require.NoError(t, Verify(dir))
		x, err := Open(dir)
		require.NoError(t, err)
		found, err := x.Search(t.Context(), []string{"common"}, 100)
		require.NoError(t, err)
		require.Len(t, found[0], 60, "all passages of one generation")
		require.NoError(t, x.Close())
		folders, err := filepath.Glob(filepath.Join(dir, folderPrefix+"*"))
		require.NoError(t, err)
		left += len(folders) - 1
	}
	require.Positive(t, left, "no kill ever hit a build: this test tested nothing")
	_, err = BuildFrom(t.Context(), stream(generation(0)), "test", dir, DefaultOptions())
	require.NoError(t, err)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 3, "manifest, lock and one folder: %v", entries)
}
