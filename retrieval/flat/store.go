package flat

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"searchrl/safetensors"
)

// version is that of the folder's layout.
const version = 1

// The names of the files of an index, and of the tensors in a shard: vectors [rows, dim], and for int8 scales [rows].
const (
	manifestFile = "index.json"
	buildFile    = "build.json"
	vectorsName  = "vectors"
	scalesName   = "scales"
)

func shardFile(i int) string { return fmt.Sprintf("vectors-%05d.safetensors", i) }

// manifest is index.json; build.json is the same while the index is being built.
type manifest struct {
	Version   int               `json:"version"`
	Precision Precision         `json:"precision"`
	Dim       int               `json:"dim"`
	ShardRows int               `json:"shard_rows"` // at most, of a shard
	Rows      int               `json:"rows"`
	MaxNorm   float64           `json:"max_norm"` // of the stored vectors, rounded up
	About     map[string]string `json:"about,omitempty"`
	Shards    []shardEntry      `json:"shards"`
}

type shardEntry struct {
	File   string `json:"file"`
	Rows   int    `json:"rows"`
	SHA256 string `json:"sha256"`
}

// Builder writes an index in a stream: shard by shard, each whole or not there. A build that ends early calls [Builder.Flush],
// or loses what is in no shard yet. It is not safe for concurrent use.
type Builder struct {
	dir    string
	m      manifest
	data   []byte
	scales []float32
}

// DefaultShardRows is the number of vectors in a full shard.
const DefaultShardRows = 1 << 16

// Create starts an index in the folder dir, or continues one that was interrupted there: [Builder.Rows] says how many
// vectors are on disk already. about notes what the vectors are of (a model, a corpus); an unfinished build of other
// vectors is an error, and so is a finished index. shardRows ≤ 0 takes the default.
func Create(dir string, dim int, p Precision, about map[string]string, shardRows int) (*Builder, error) {
	if p.size() == 0 || dim < 1 {
		return nil, fmt.Errorf("flat: creating an index of precision %q and %d elements a vector", p, dim)
	}
	if shardRows <= 0 {
		shardRows = DefaultShardRows
	}
	b := &Builder{dir: dir, m: manifest{Version: version, Precision: p, Dim: dim, ShardRows: shardRows, About: about}}
	if err := b.begin(); err != nil {
		return nil, fmt.Errorf("flat: creating an index in %s: %w", dir, err)
	}
	return b, nil
}

func (b *Builder) begin() error {
	if err := os.MkdirAll(b.dir, 0o777); err != nil {
		return err
	}
	fsys := os.DirFS(b.dir)
	if _, err := fs.Stat(fsys, manifestFile); err == nil {
		return errors.New("there is a finished index already")
	}
	old, err := readManifest(fsys, buildFile)
	if errors.Is(err, fs.ErrNotExist) {
		return b.save(buildFile)
	}
	if err != nil {
		return err
	}
	if old.Precision != b.m.Precision || old.Dim != b.m.Dim || !maps.Equal(old.About, b.m.About) {
		return fmt.Errorf("an unfinished index of other vectors is there (%s, %d elements, %v); expected %s, %d elements, %v",
			old.Precision, old.Dim, old.About, b.m.Precision, b.m.Dim, b.m.About)
	}
	b.m = old
	return nil
}

// Rows returns the number of vectors that are safe on disk or were added.
func (b *Builder) Rows() int {
	return b.m.Rows + len(b.data)/(b.m.Dim*b.m.Precision.size())
}

// Add appends vectors. Full shards are written at once.
func (b *Builder) Add(vectors ...[]float32) error {
	for _, v := range vectors {
		if err := b.m.Precision.check(v, b.m.Dim); err != nil {
			return fmt.Errorf("flat: vector %d: %w", b.Rows(), err)
		}
		b.data, b.scales = b.m.Precision.appendRow(b.data, b.scales, v)
		if b.pending() == b.m.ShardRows {
			if err := b.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *Builder) pending() int { return b.Rows() - b.m.Rows }

// Flush writes the vectors that were added since the last shard as one, however few, so that [Create] can continue after them.
func (b *Builder) Flush() error {
	rows := b.pending()
	if rows == 0 {
		return nil
	}
	entry := shardEntry{File: shardFile(len(b.m.Shards)), Rows: rows}
	top := b.m.MaxNorm
	for i := range rows {
		top = max(top, storedNorm(b.m.Precision, b.m.Dim, block{data: b.data, scales: b.scales}, i))
	}
	tensors := map[string]safetensors.Tensor{
		vectorsName: {DType: b.m.Precision.dtype(), Shape: []int{rows, b.m.Dim}, Data: b.data},
	}
	if b.m.Precision == Int8 {
		tensors[scalesName] = safetensors.FromFloat32s([]int{rows}, b.scales)
	}
	file, err := renameio.NewPendingFile(filepath.Join(b.dir, entry.File), renameio.WithPermissions(0o666))
	if err != nil {
		return fmt.Errorf("flat: writing %s: %w", entry.File, err)
	}
	hash := sha256.New()
	err = safetensors.Write(io.MultiWriter(file, hash), tensors, nil)
	if err == nil {
		err = file.CloseAtomicallyReplace()
	}
	if err != nil {
		return fmt.Errorf("flat: writing %s: %w", entry.File, errors.Join(err, file.Cleanup()))
	}
	entry.SHA256 = hex.EncodeToString(hash.Sum(nil))
	m := b.m
	m.MaxNorm, m.Rows = top, m.Rows+rows
	m.Shards = append(m.Shards[:len(m.Shards):len(m.Shards)], entry)
	b.m, b.data, b.scales = m, b.data[:0], b.scales[:0]
	return b.save(buildFile)
}

// Close writes what is left and, last, the list of the shards. The index is there only after it returned no error.
func (b *Builder) Close() error {
	if err := b.Flush(); err != nil {
		return err
	}
	if b.m.Rows == 0 {
		return errors.New("flat: an index of no vectors")
	}
	if err := b.save(manifestFile); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(b.dir, buildFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("flat: %w", err)
	}
	return nil
}

func (b *Builder) save(name string) error {
	text, err := json.MarshalIndent(b.m, "", "  ")
	if err == nil {
		err = renameio.WriteFile(filepath.Join(b.dir, name), append(text, '\n'), 0o666)
	}
	if err != nil {
		return fmt.Errorf("flat: writing %s: %w", name, err)
	}
	return nil
}
