package runfolder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"searchrl/checkpoint"
)

// stateFolder holds what a run goes on from after it was stopped: step-0012.safetensors, the learner's state after 12 steps.
const stateFolder = "state"

// Continue opens the folder of a run that was stopped, in whatever way, to go on with it; where there is no such folder, or an empty
// one, it is made as by [Create]. The run must have the same settings, a JSON object, as it had; those that free names (keys of
// the object) may differ, and become what is given now.
//
// Of what is there nothing is touched yet: see [Folder.Step], [Folder.Ended] and [Folder.Rewind].
func Continue(dir string, config map[string]any, free ...string) (*Folder, error) {
	f, err := resume(filepath.Clean(dir), config, free)
	if errors.Is(err, fs.ErrNotExist) {
		return Create(dir, config)
	}
	if err != nil {
		return nil, fmt.Errorf("run folder %s: %w", dir, err)
	}
	return f, nil
}

// resume opens a run's folder; one without config.json is fs.ErrNotExist.
func resume(dir string, config map[string]any, free []string) (*Folder, error) {
	var there map[string]any
	if err := ReadJSON(filepath.Join(dir, ConfigFile), &there); err != nil {
		return nil, err
	}
	here := maps.Clone(config)
	for _, name := range free {
		delete(there, name)
		delete(here, name)
	}
	now, err := generic(here)
	if err != nil {
		return nil, err
	}
	if err := sameTrees(there, now); err != nil {
		return nil, err
	}
	f := &Folder{dir: dir, config: config}
	if f.lock, err = lock(dir); err != nil {
		return nil, err
	}
	if err := f.open(); err != nil {
		return nil, errors.Join(err, f.lock.Unlock())
	}
	return f, nil
}

// open finds out how far the run has come.
func (f *Folder) open() error {
	states, err := f.states()
	if err != nil {
		return err
	}
	for step := range states {
		f.step = max(f.step, step)
	}
	var result struct {
		Interrupted bool `json:"interrupted"`
	}
	switch err := ReadJSON(f.Path(ResultFile), &result); {
	case err == nil:
		f.ended = !result.Interrupted
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	f.metrics, err = os.OpenFile(f.Path(MetricsFile), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	return err
}

// Step is the number of training steps that are done, and after which the run goes on; 0 for a new one.
func (f *Folder) Step() int { return f.step }

// Ended reports whether the run had come to its end when the folder was opened.
func (f *Folder) Ended() bool { return f.ended }

// Rewind takes the run back to [Folder.Step]: config.json gets the settings of now, metrics.jsonl keeps the lines up to that step,
// result.json goes, and what later steps left is written over as they are repeated. It returns the learner's state then, empty
// if nothing was done, and the lines. A new run has nothing to take back.
func (f *Folder) Rewind() (checkpoint.State, []json.RawMessage, error) {
	state, lines, err := f.rewind()
	if err != nil {
		return checkpoint.State{}, nil, fmt.Errorf("run folder %s: going on after step %d: %w", f.dir, f.step, err)
	}
	return state, lines, nil
}

func (f *Folder) rewind() (state checkpoint.State, lines []json.RawMessage, err error) {
	if f.step > 0 {
		if state, err = checkpoint.ReadState(os.DirFS(f.Path(stateFolder)), stateName(f.step)); err != nil {
			return state, nil, err
		}
	}
	data, err := os.ReadFile(f.Path(MetricsFile))
	if err != nil {
		return state, nil, err
	}
	end := 0
	for line := range bytes.Lines(data) {
		if len(lines) == f.step {
			break
		}
		if !json.Valid(line) || !bytes.HasSuffix(line, []byte("\n")) {
			break // the process was killed while it wrote it
		}
		lines = append(lines, json.RawMessage(bytes.TrimSpace(line)))
		end += len(line)
	}
	if len(lines) < f.step {
		return state, nil, fmt.Errorf("%s has %d whole lines, expected one for each step", MetricsFile, len(lines))
	}
	if err := os.Remove(f.Path(ResultFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return state, nil, err
	}
	if f.config != nil {
		if err := f.writeJSON(ConfigFile, f.config); err != nil {
			return state, nil, err
		}
	}
	return state, lines, f.metrics.Truncate(int64(end))
}

// WriteState keeps the learner's state after so many steps, and drops that of earlier ones once this is on the disk.
func (f *Folder) WriteState(step int, state checkpoint.State) error {
	err := f.write(filepath.Join(stateFolder, stateName(step)), func(w io.Writer) error { return checkpoint.WriteState(w, state) })
	if err != nil {
		return err
	}
	states, err := f.states()
	for old, name := range states {
		if old != step {
			err = errors.Join(err, os.Remove(name))
		}
	}
	if err != nil {
		return fmt.Errorf("run folder %s: %w", f.dir, err)
	}
	return nil
}

func stateName(step int) string { return fmt.Sprintf("step-%04d.safetensors", step) }

// states lists the states' files by step.
func (f *Folder) states() (map[int]string, error) {
	entries, err := os.ReadDir(f.Path(stateFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	states := map[int]string{}
	for _, entry := range entries {
		var step int
		if _, err := fmt.Sscanf(entry.Name(), "step-%d.safetensors", &step); err == nil && !strings.HasPrefix(entry.Name(), ".") {
			states[step] = filepath.Join(f.Path(stateFolder), entry.Name())
		}
	}
	return states, nil
}
