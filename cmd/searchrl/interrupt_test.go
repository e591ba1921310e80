package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
)

// stubborn is a command that does not stop when it is asked to.
func stubborn() {
	_, _ = interruptible(newConsole(os.Stdout, os.Stderr))
	os.Stdout.WriteString("ready\n")
	time.Sleep(time.Minute)
}

// The first Ctrl-C ends a run of a million steps, or an evaluation, within a second or two where the machine has nothing else to
// do; what was written is whole.
func TestInterruptedRunIsWhole(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, writeRandomModel(filepath.Join(dir, "base")))
	run := filepath.Join(dir, "run")
	for _, moment := range []string{"training", "evaluating"} {
		t.Run(moment, func(t *testing.T) {
			run := run + moment
			args := []string{"train", "--json", "--backend", "go", "--model", filepath.Join(dir, "base"), "--steps", "1000000", "--no-sampled", "--out", run}
			ready := func() bool { // whole lines: one may just be being written
				data, _ := os.ReadFile(filepath.Join(run, "metrics.jsonl"))
				return bytes.Count(data, []byte("\n")) >= 2
			}
			if moment == "training" {
				args = append(args, "--test-questions", "2")
			} else {
				args = append(args, "--test-questions", "1000")
				ready = func() bool { _, err := os.Stat(filepath.Join(run, "config.json")); return err == nil }
			}
			cmd := exec.Command("searchrl", args...)
			var stdout, stderr strings.Builder
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			require.NoError(t, cmd.Start())
			defer func() { _ = cmd.Process.Kill() }()
			require.Eventually(t, ready, 3*time.Minute, 20*time.Millisecond, "the run never began")

			asked := time.Now()
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
			err := cmd.Wait()
			t.Logf("stopped after %v", time.Since(asked))
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			require.Equal(t, exitFailed, exit.ExitCode(), stderr.String())
			require.Contains(t, stderr.String(), "searchrl: interrupted: ")
			require.NotContains(t, stderr.String(), "goroutine ")
			require.NoError(t, checkJSON(stdout.String(), []string{"interrupted", "steps"}))

			var result struct {
				Interrupted bool `json:"interrupted"`
				Steps       int  `json:"steps"`
			}
			data, err := os.ReadFile(filepath.Join(run, "result.json"))
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(data, &result))
			require.True(t, result.Interrupted)
			require.Equal(t, len(readLines(t, filepath.Join(run, "metrics.jsonl"))), result.Steps)
			entries, err := os.ReadDir(filepath.Join(run, "trees"))
			if result.Steps > 0 {
				require.NoError(t, err)
				_, _, err = checkpoint.Load(os.DirFS(filepath.Join(run, "checkpoint")))
				require.NoError(t, err)
			}
			require.Len(t, entries, result.Steps)
			for _, entry := range entries {
				require.NotEmpty(t, readLines(t, filepath.Join(run, "trees", entry.Name())))
			}
		})
	}
}

// A second Ctrl-C kills a program that does not stop.
func TestSecondInterruptKills(t *testing.T) {
	cmd := exec.Command("stubborn")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer func() { _ = cmd.Process.Kill() }()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)

	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	note, err := bufio.NewReader(stderr).ReadString('\n') // it has heard, and lives
	require.NoError(t, err)
	require.Contains(t, note, "stopping")

	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	err = cmd.Wait() // were it not killed, it would end without an error
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, syscall.SIGINT, exit.Sys().(syscall.WaitStatus).Signal())
}

// readLines reads a file of JSON documents; a line that is none fails the test. A missing file has none.
func readLines(t *testing.T, path string) []map[string]any {
	t.Helper()
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	var out []map[string]any
	for line := range strings.Lines(string(data)) {
		var object map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &object), line)
		out = append(out, object)
	}
	return out
}
