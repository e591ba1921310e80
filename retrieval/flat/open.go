package flat

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/edsrzf/mmap-go"

	"searchrl/checkpoint"
	"searchrl/safetensors"
)

// Open opens the index in the folder dir: its shards are mapped into memory and read when they are searched. Layout and
// sizes are checked, the checksums are not; see [Verify].
func Open(dir string, opts Options) (*Index, error) {
	x, err := open(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("opening the vectors in %s: %w", dir, err)
	}
	return x, nil
}

func open(dir string, opts Options) (_ *Index, err error) {
	m, err := readManifest(os.DirFS(dir), manifestFile)
	if err != nil {
		return nil, err
	}
	if err := checkLimit(m.Rows, m.Dim, m.Precision, opts); err != nil {
		return nil, err
	}
	x := &Index{dim: m.Dim, rows: m.Rows, precision: m.Precision, maxNorm: m.MaxNorm, about: m.About}
	defer func() {
		if err != nil {
			err = errors.Join(err, x.Close())
		}
	}()
	first := 0
	for _, entry := range m.Shards {
		s, unmap, err := mapShard(filepath.Join(dir, entry.File), m, entry)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.File, err)
		}
		x.unmap = append(x.unmap, unmap)
		s.first = first
		first += s.rows
		x.shards = append(x.shards, s)
	}
	return x, x.start(opts)
}

// mapShard maps a shard and finds its vectors.
func mapShard(path string, m manifest, entry shardEntry) (_ block, _ func() error, err error) {
	file, err := os.Open(path)
	if err != nil {
		return block{}, nil, err
	}
	mapped, err := mmap.Map(file, mmap.RDONLY, 0)
	if err = errors.Join(err, file.Close()); err != nil {
		return block{}, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, mapped.Unmap())
		}
	}()
	f, err := safetensors.Read(bytes.NewReader(mapped), int64(len(mapped)))
	if err != nil {
		return block{}, nil, err
	}
	tensor := func(name, dtype string, shape ...int) ([]byte, error) {
		info, ok := f.Info(name)
		if !ok || info.DType != dtype || !slices.Equal(info.Shape, shape) {
			return nil, fmt.Errorf("tensor %q is %s %v, expected %s %v", name, info.DType, info.Shape, dtype, shape)
		}
		return mapped[f.DataStart()+info.Begin : f.DataStart()+info.End], nil
	}
	s := block{rows: entry.Rows}
	if s.data, err = tensor(vectorsName, m.Precision.dtype(), entry.Rows, m.Dim); err != nil {
		return block{}, nil, err
	}
	if m.Precision == Int8 {
		data, err := tensor(scalesName, safetensors.F32, entry.Rows)
		if err != nil {
			return block{}, nil, err
		}
		s.scales = make([]float32, entry.Rows)
		F32.decode(s.scales, data)
	}
	return s, mapped.Unmap, nil
}

// ReadAbout returns what the builder of the finished index in the folder dir noted, without opening it.
func ReadAbout(dir string) (map[string]string, error) {
	m, err := readManifest(os.DirFS(dir), manifestFile)
	if err != nil {
		return nil, fmt.Errorf("reading the index in %s: %w", dir, err)
	}
	return m.About, nil
}

// Sum names the vectors of the finished index in the folder dir by their content: a hash of the checksums that it lists, which
// [Verify] compares with the files.
func Sum(dir string) (string, error) {
	m, err := readManifest(os.DirFS(dir), manifestFile)
	if err != nil {
		return "", fmt.Errorf("reading the index in %s: %w", dir, err)
	}
	h := sha256.New()
	fmt.Fprintln(h, m.Precision, m.Dim, m.Shards)
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

func readManifest(fsys fs.FS, name string) (manifest, error) {
	var m manifest
	if err := checkpoint.ReadJSON(fsys, name, &m); err != nil {
		return manifest{}, err
	}
	if err := m.check(); err != nil {
		return manifest{}, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

func (m manifest) check() error {
	switch {
	case m.Version != version:
		return fmt.Errorf("version %d of the layout, expected %d", m.Version, version)
	case m.Precision.size() == 0:
		return fmt.Errorf("precision %q, expected f32, f16 or int8", m.Precision)
	case m.Dim < 1 || m.Dim > 1<<20 || m.ShardRows < 1:
		return fmt.Errorf("%d elements a vector, %d vectors a shard", m.Dim, m.ShardRows)
	case !(m.MaxNorm >= 0) || math.IsInf(m.MaxNorm, 0):
		return fmt.Errorf("the largest norm is %v", m.MaxNorm)
	}
	rows := 0
	for i, s := range m.Shards {
		if s.File != shardFile(i) || s.Rows < 1 || s.Rows > m.ShardRows {
			return fmt.Errorf("shard %d is %q of %d vectors, expected %q of 1 to %d", i, s.File, s.Rows, shardFile(i), m.ShardRows)
		}
		rows += s.Rows
	}
	if rows != m.Rows {
		return fmt.Errorf("the shards have %d vectors, expected %d", rows, m.Rows)
	}
	return nil
}

// Verify reads the index in the folder dir as a whole and compares it with its checksums.
func Verify(dir string) error {
	x, err := open(dir, Options{})
	if err != nil {
		return fmt.Errorf("verifying the vectors in %s: %w", dir, err)
	}
	if err := x.Close(); err != nil {
		return fmt.Errorf("verifying the vectors in %s: %w", dir, err)
	}
	m, err := readManifest(os.DirFS(dir), manifestFile)
	if err != nil {
		return fmt.Errorf("verifying the vectors in %s: %w", dir, err)
	}
	for _, entry := range m.Shards {
		if err := verifyShard(filepath.Join(dir, entry.File), entry.SHA256); err != nil {
			return fmt.Errorf("verifying the vectors in %s: %w", dir, err)
		}
	}
	return nil
}

func verifyShard(path, want string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	hash := sha256.New()
	_, err = io.Copy(hash, file)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	if found := hex.EncodeToString(hash.Sum(nil)); found != want {
		return fmt.Errorf("%s: SHA-256 is %s, expected %s", filepath.Base(path), found, want)
	}
	return nil
}
