package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// machineFigures are the figures of a table that depend on the machine and the moment.
var machineFigures = regexp.MustCompile(`"(step_seconds|peak_memory)(_ci)?":(\[[^]]*\]|[^,}\]]+)`)

// A comparison that is killed again and again, at any moment, ends with the table of one that never was. SEARCHRL_KILLS
// asks for more rounds.
func TestKilledComparisonGoesOn(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, writeRandomModel(filepath.Join(dir, "base")))
	args := func(out string) []string {
		return []string{"compare", "--json", "--backend", "go", "--model", filepath.Join(dir, "base"), "--methods", "search-r1,slate", "--seeds", "2",
			"--budget", "steps=2", "--evaluate-every", "1", "--questions", "2", "--group", "2", "--candidates", "2", "--test-questions", "6", "--out", filepath.Join(dir, out)}
	}
	table := func(stdout string) string {
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		require.True(t, json.Valid([]byte(lines[len(lines)-1])), stdout)
		return machineFigures.ReplaceAllString(lines[len(lines)-1], "")
	}
	started := time.Now()
	unbroken, err := exec.Command("searchrl", args("unbroken")...).Output()
	require.NoError(t, err)
	took := time.Since(started)
	want := table(string(unbroken))
	require.Contains(t, want, `"em_mean"`)

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	rounds := 1
	if os.Getenv("SEARCHRL_KILLS") != "" {
		rounds = 20
	}
	for round := range rounds {
		out := "killed" + string(rune('a'+round))
		kills := 0
		for {
			cmd := exec.Command("searchrl", args(out)...)
			var stdout, stderr strings.Builder
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			require.NoError(t, cmd.Start())
			// Later attempts get more time, so that the end is reached on any machine.
			wait := time.Duration(rng.Float64() * float64(took) * (0.3 + 0.1*float64(kills)))
			killer := time.AfterFunc(wait, func() { _ = cmd.Process.Kill() })
			err := cmd.Wait()
			if killer.Stop() || err == nil {
				require.NoError(t, err, stderr.String())
				require.Equal(t, want, table(stdout.String()), "after %d kills", kills)
				break
			}
			require.Equal(t, -1, cmd.ProcessState.ExitCode(), "it was killed, it did not fail: %s", stderr.String())
			kills++
		}
		t.Logf("%d kills", kills)
	}
}

// A training run that is killed again and again, at any moment, ends with the weights, moments and metrics of one that never was,
// its critic's too.
func TestKilledTrainingGoesOn(t *testing.T) {
	dir := t.TempDir()
	args := func(out string) []string {
		return []string{"train", "--backend", "go", "--method", "search-r1-ppo", "--steps", "3", "--questions", "2", "--group", "2", "--test-questions", "4",
			"--no-sampled", "--probes", "1", "--out", filepath.Join(dir, out)}
	}
	started := time.Now()
	output, err := exec.Command("searchrl", args("unbroken")...).CombinedOutput()
	require.NoError(t, err, string(output))
	took := time.Since(started)

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for kills := 0; ; kills++ {
		cmd := exec.Command("searchrl", args("killed")...)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		require.NoError(t, cmd.Start())
		wait := time.Duration(rng.Float64() * float64(took) * (0.5 + 0.1*float64(kills)))
		killer := time.AfterFunc(wait, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		if killer.Stop() || err == nil {
			require.NoError(t, err, stderr.String())
			t.Logf("%d kills", kills)
			break
		}
		require.Equal(t, -1, cmd.ProcessState.ExitCode(), "it was killed, it did not fail: %s", stderr.String())
	}
	for _, name := range []string{"checkpoint/model.safetensors", "state/step-0003.safetensors", "trees/step-0003.jsonl", "evaluation-after.jsonl"} {
		want, err := os.ReadFile(filepath.Join(dir, "unbroken", name))
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join(dir, "killed", name))
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), name)
	}
	clocks := regexp.MustCompile(`"(collect_seconds|update_seconds|programs)":[^,}]+`)
	metrics := func(out string) string {
		data, err := os.ReadFile(filepath.Join(dir, out, "metrics.jsonl"))
		require.NoError(t, err)
		return clocks.ReplaceAllString(string(data), "")
	}
	require.Equal(t, metrics("unbroken"), metrics("killed"))
}
