package index

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"searchrl/retrieval"
)

// Options of a build.
type Options struct {
	K1, B    float64 // see retrieval.Formula
	Analysis retrieval.Analysis
	// Memory is the number of bytes that counting may take before it writes a run; the package comment says what comes on
	// top.
	Memory int
	// Progress, if set, is told from time to time how many passages were read.
	Progress func(passages int)
}

// DefaultOptions returns plain words, the usual parameters and 256 MiB.
func DefaultOptions() Options {
	return Options{K1: retrieval.DefaultK1, B: retrieval.DefaultB, Memory: 256 << 20}
}

const (
	folderPrefix = "data-"       // of the subfolders that hold data
	lockFile     = "index.lock"  // held by the process that builds
	maxPassages  = math.MaxInt32 // so that lengths of files fit everywhere
	everyN       = 1000          // passages between two looks at the context
)

// ErrLocked is the error of a build while another one writes the same index.
var ErrLocked = errors.New("another build writes this index")

// Build indexes the corpus file at path (see [retrieval.StreamCorpus]) into folder dir, which is made if it does not exist
// and otherwise must be empty or hold an index, which is replaced.
func Build(ctx context.Context, path, dir string, options Options) (*Manifest, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("building an index: %w", err)
	}
	defer file.Close()
	return BuildFrom(ctx, retrieval.StreamCorpus(file, path), path, dir, options)
}

// BuildFrom indexes a stream of passages; name says in the manifest where they came from. Otherwise as [Build].
func BuildFrom(ctx context.Context, docs iter.Seq2[retrieval.Document, error], name, dir string, options Options) (*Manifest, error) {
	m, err := build(ctx, docs, name, dir, options)
	if err != nil {
		return nil, fmt.Errorf("building the index %s: %w", dir, err)
	}
	return m, nil
}

func build(ctx context.Context, docs iter.Seq2[retrieval.Document, error], name, dir string, options Options) (m *Manifest, err error) {
	formula := retrieval.Formula{K1: options.K1, B: options.B}
	if err := formula.Validate(); err != nil {
		return nil, err
	}
	if options.Memory < 1 {
		return nil, fmt.Errorf("memory of %d bytes; expected 1 or more", options.Memory)
	}
	analyze, err := options.Analysis.Analyzer()
	if err != nil {
		return nil, err
	}
	if err := prepare(dir); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, lockFile))
	if got, err := lock.TryLock(); err != nil {
		return nil, err
	} else if !got {
		return nil, ErrLocked
	}
	defer func() { err = errors.Join(err, lock.Close()) }()

	current := ""
	if old, err := ReadManifest(dir); err == nil {
		current = old.Folder
	}
	if err := removeOthers(dir, current); err != nil { // what crashed builds left
		return nil, err
	}
	folder, err := os.MkdirTemp(dir, folderPrefix)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(folder)
		}
	}()
	if err := os.Chmod(folder, 0o755); err != nil {
		return nil, err
	}
	m = &Manifest{Format: format, Version: version, Folder: filepath.Base(folder), Corpus: name, K1: options.K1, B: options.B,
		Analysis: options.Analysis, Files: map[string]File{}}
	if err := writeData(ctx, docs, folder, m, analyze, options); err != nil {
		return nil, err
	}
	if err := syncFolder(folder); err != nil {
		return nil, err
	}
	if err := m.validate(); err != nil {
		return nil, fmt.Errorf("the result is wrong, which is a bug: %w", err)
	}
	if err := m.write(dir); err != nil {
		return nil, err
	}
	return m, removeOthers(dir, m.Folder)
}

// prepare makes the folder, and refuses one that holds what is no index.
func prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		ours := e.Name() == ManifestFile || e.Name() == lockFile || strings.HasPrefix(e.Name(), folderPrefix) ||
			strings.HasPrefix(e.Name(), "."+ManifestFile) // renameio's
		if !ours {
			return fmt.Errorf("the folder holds %s, which is no part of an index; name another folder", e.Name())
		}
	}
	return nil
}

// removeOthers removes every data folder but the one named.
func removeOthers(dir, keep string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		data := e.IsDir() && strings.HasPrefix(e.Name(), folderPrefix) && e.Name() != keep
		if data || strings.HasPrefix(e.Name(), "."+ManifestFile) {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// writeData writes all data files and their sizes and counts into the manifest.
func writeData(ctx context.Context, docs iter.Seq2[retrieval.Document, error], folder string, m *Manifest, analyze retrieval.Analyzer, options Options) (err error) {
	runs := &runs{folder: folder, limit: options.Memory}
	defer func() { err = errors.Join(err, runs.remove()) }()
	store, err := newStore(folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	batch := newBatch(0)
	var lengths []uint32
	for doc, err := range docs {
		if err != nil {
			return err
		}
		if len(lengths)%everyN == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if options.Progress != nil {
				options.Progress(len(lengths))
			}
		}
		if len(lengths) == maxPassages {
			return fmt.Errorf("more than %d passages", maxPassages)
		}
		if err := store.add(doc); err != nil {
			return err
		}
		length := batch.add(doc, analyze)
		lengths = append(lengths, uint32(length))
		m.Words += length
		if batch.bytes() > runs.limit {
			if err := runs.write(batch); err != nil {
				return err
			}
			batch = newBatch(len(lengths))
		}
	}
	if err := runs.write(batch); err != nil {
		return err
	}
	m.Passages = len(lengths)
	if err := store.finish(m); err != nil {
		return err
	}
	return writeLists(ctx, runs, folder, m, lengths)
}
