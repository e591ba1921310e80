package runfolder

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"

	"searchrl/checkpoint"
	"searchrl/rollout"
)

// Names within a run folder.
const (
	ConfigFile       = "config.json"
	MetricsFile      = "metrics.jsonl"
	ResultFile       = "result.json"
	TreesFolder      = "trees"
	ProbesFolder     = "probes"
	CheckpointFolder = "checkpoint"
)

// Folder is the folder of one run. Not safe for concurrent use, and no two have the same folder open.
type Folder struct {
	dir     string
	metrics *os.File
	lock    *flock.Flock
	step    int            // the steps after which the run goes on
	ended   bool           // it has a result that says so
	config  map[string]any // of a run that goes on
}

// Create makes the folder dir, and those above it, and writes config.json. dir may exist if it is empty: a run never
// writes over another. Close the folder when the run has ended.
func Create(dir string, config any) (*Folder, error) {
	folder, err := create(filepath.Clean(dir), config)
	if err != nil {
		return nil, fmt.Errorf("run folder %s: %w", dir, err)
	}
	return folder, nil
}

func create(dir string, config any) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("it is not empty (it holds %s); name another one, or remove it", entries[0].Name())
	}
	// O_EXCL lets one of two runs that were started at the same moment win.
	metrics, err := os.OpenFile(filepath.Join(dir, MetricsFile), os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	f := &Folder{dir: dir, metrics: metrics}
	if f.lock, err = lock(dir); err != nil {
		return nil, errors.Join(err, metrics.Close())
	}
	if err := f.writeJSON(ConfigFile, config); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// lock keeps other processes out of the folder.
func lock(dir string) (*flock.Flock, error) {
	l := flock.New(filepath.Join(dir, lockFile))
	locked, err := l.TryLock()
	if err != nil {
		return nil, err
	}
	if !locked {
		return nil, errors.New("another process is at work in it")
	}
	return l, nil
}

// Dir returns the folder's path as it was given.
func (f *Folder) Dir() string { return f.dir }

// Path returns the path of a file within the folder.
func (f *Folder) Path(name string) string { return filepath.Join(f.dir, name) }

// AppendMetrics adds one line to metrics.jsonl and waits until it is on the disk.
func (f *Folder) AppendMetrics(record any) error {
	line, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("run folder %s: metrics: %w", f.dir, err)
	}
	if _, err := f.metrics.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("run folder %s: metrics: %w", f.dir, err)
	}
	if err := f.metrics.Sync(); err != nil {
		return fmt.Errorf("run folder %s: metrics: %w", f.dir, err)
	}
	return nil
}

// WriteTrees writes what training step (counted from 1) sampled, as JSON lines.
func (f *Folder) WriteTrees(step int, trees []*rollout.Tree) error {
	return f.writeTrees(TreesFolder, step, trees)
}

// WriteProbes writes what the policy did, after so many training steps, with the questions that are asked again and again.
func (f *Folder) WriteProbes(step int, trees []*rollout.Tree) error {
	return f.writeTrees(ProbesFolder, step, trees)
}

func (f *Folder) writeTrees(folder string, step int, trees []*rollout.Tree) error {
	return f.write(filepath.Join(folder, fmt.Sprintf("step-%04d.jsonl", step)), func(w io.Writer) error {
		for _, tree := range trees {
			if err := rollout.Write(w, tree); err != nil {
				return err
			}
		}
		return nil
	})
}

// ReadProbes reads what WriteProbes wrote into the run folder dir, by training step; none is no error.
func ReadProbes(dir string) (map[int][]*rollout.Tree, error) {
	entries, err := os.ReadDir(filepath.Join(dir, ProbesFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	probes := map[int][]*rollout.Tree{}
	for _, entry := range entries {
		var step int
		if _, err := fmt.Sscanf(entry.Name(), "step-%d.jsonl", &step); err != nil {
			continue // not written by WriteProbes
		}
		name := filepath.Join(dir, ProbesFolder, entry.Name())
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for tree, err := range rollout.Trees(bytes.NewReader(data), name) {
			if err != nil {
				return nil, err
			}
			probes[step] = append(probes[step], tree)
		}
	}
	return probes, nil
}

// WriteLines writes records as JSON lines into the named file of the folder f.
func WriteLines[T any](f *Folder, name string, records []T) error {
	return f.write(name, func(w io.Writer) error { return EncodeLines(w, records) })
}

// WriteCheckpoint writes a model as the Hugging Face folder name, with the tokenizer's files found in tokenizer (may be
// nil).
func (f *Folder) WriteCheckpoint(name string, cfg checkpoint.Config, weights checkpoint.Weights, tokenizer fs.FS) error {
	var options []checkpoint.Option
	if tokenizer != nil {
		options = append(options, checkpoint.WithTokenizer(tokenizer))
	}
	return checkpoint.Save(f.Path(name), cfg, weights, options...)
}

// WriteResult writes result.json.
func (f *Folder) WriteResult(result any) error { return f.writeJSON(ResultFile, result) }

// Close ends the writing, and lets others open the folder.
func (f *Folder) Close() error { return errors.Join(f.metrics.Close(), f.lock.Unlock()) }

func (f *Folder) writeJSON(name string, value any) error {
	return f.write(name, func(w io.Writer) error { return encode(w, value) })
}

// encode writes one JSON document to be read by people too.
func encode(w io.Writer, value any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(value)
}

// write makes a whole file: write's output goes beside its place, to the disk, and is then renamed.
func (f *Folder) write(name string, write func(io.Writer) error) error {
	path := f.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("run folder %s: %w", f.dir, err)
	}
	if err := WriteFile(path, write); err != nil {
		return fmt.Errorf("run folder %s: %w", f.dir, err)
	}
	return nil
}

// WriteFile makes a whole file at path, in the way that a run's files are written, in a folder that exists.
func WriteFile(path string, write func(io.Writer) error) error {
	pending, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644), renameio.WithTempDir(filepath.Dir(path)))
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(pending, 1<<16)
	if err := errors.Join(write(b), b.Flush()); err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", filepath.Base(path), err), pending.Cleanup())
	}
	return pending.CloseAtomicallyReplace()
}

// EncodeLines writes one JSON document a line.
func EncodeLines[T any](w io.Writer, records []T) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i, record := range records {
		if err := enc.Encode(record); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return nil
}
