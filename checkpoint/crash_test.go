package checkpoint_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
)

// crashDir tells the test binary to play the process that is killed: it saves there, again and again.
const crashDir = "CHECKPOINT_TEST_SAVE_DIR"

func generation(n int) checkpoint.Weights {
	return checkpoint.Init(tiny, rand.New(rand.NewPCG(uint64(n), 0)))
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		for n := 0; ; n++ {
			if err := checkpoint.Save(filepath.Join(dir, "over"), tiny, generation(n%5)); err != nil {
				panic(err)
			}
			if err := checkpoint.Save(filepath.Join(dir, "new", time.Now().Format("150405.000000000")), tiny, generation(n%5)); err != nil {
				panic(err)
			}
			fmt.Println(n) // the parent waits for the first
		}
	}
	os.Exit(m.Run())
}

// A process that is killed while it saves leaves whole checkpoints behind: the one that was there, or the new one; and no
// folder that was being made is visible under its name.
func TestKilledWhileSaving(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes")
	}
	dir := t.TempDir()
	loaded := 0
	for range 12 {
		save := exec.Command(os.Args[0])
		save.Env = append(os.Environ(), crashDir+"="+dir)
		out, err := save.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, save.Start())
		_, err = out.Read(make([]byte, 1)) // it has saved some
		require.NoError(t, err)
		time.Sleep(rand.N(20 * time.Millisecond))
		require.NoError(t, save.Process.Kill())
		require.Error(t, save.Wait()) // killed, not failed by itself
		require.Equal(t, -1, save.ProcessState.ExitCode())

		folders, err := filepath.Glob(filepath.Join(dir, "new", "[0-9]*"))
		require.NoError(t, err)
		if _, err := os.Stat(filepath.Join(dir, "over")); err == nil {
			folders = append(folders, filepath.Join(dir, "over"))
		}
		for _, folder := range folders {
			_, w, err := checkpoint.Load(os.DirFS(folder))
			require.NoError(t, err, folder)
			loaded++
			found := false
			for n := range 5 {
				found = found || equal(w, generation(n))
			}
			require.True(t, found, "the weights are a mixture")
		}
		require.NoError(t, os.RemoveAll(filepath.Join(dir, "new")))
	}
	require.Positive(t, loaded)
	t.Logf("%d checkpoints loaded after 12 kills", loaded)
}

func equal(a, b checkpoint.Weights) bool {
	for name := range a {
		for i, v := range a[name].Data {
			if b[name].Data[i] != v {
				return false
			}
		}
	}
	return true
}
