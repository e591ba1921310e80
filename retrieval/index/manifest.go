package index

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"searchrl/retrieval"
)

// ManifestFile is the file that makes a folder an index.
const ManifestFile = "index.json"

// Names of the format, as a manifest states them.
const (
	format  = "searchrl-bm25"
	version = 1
)

// Names of the data files.
const (
	passagesFile = "passages.bin"
	offsetsFile  = "passages.offsets"
	wordsFile    = "words.bin"
	tableFile    = "words.table"
	postingsFile = "postings.bin"
)

var dataFiles = []string{passagesFile, offsetsFile, wordsFile, tableFile, postingsFile}

// Manifest describes an index.
type Manifest struct {
	Format   string             `json:"format"`
	Version  int                `json:"version"`
	Folder   string             `json:"folder"` // of the data files, within the index's
	Corpus   string             `json:"corpus"` // what it was built from, for people
	Passages int                `json:"passages"`
	Words    int                `json:"words"`    // of all passages, repetitions counted
	Distinct int                `json:"distinct"` // words
	Postings int                `json:"postings"` // pairs of a passage and a distinct word in it
	K1       float64            `json:"k1"`
	B        float64            `json:"b"`
	Analysis retrieval.Analysis `json:"analysis"`
	Files    map[string]File    `json:"files"`  // by name
	CRC32C   uint32             `json:"crc32c"` // of all the above, as JSON without spaces
}

// File is what a manifest says of a data file.
type File struct {
	Bytes  int64  `json:"bytes"`
	CRC32C uint32 `json:"crc32c"`
}

// Bytes returns the size of all data files.
func (m *Manifest) Bytes() int64 {
	total := int64(0)
	for _, f := range m.Files {
		total += f.Bytes
	}
	return total
}

// maxManifest is far above any real one.
const maxManifest = 1 << 20

// ReadManifest reads the manifest of the index in folder dir.
func ReadManifest(dir string) (*Manifest, error) {
	file, err := os.Open(filepath.Join(dir, ManifestFile))
	if err != nil {
		return nil, fmt.Errorf("opening the index %s: expected a folder that holds one: %w", dir, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("opening the index %s: %w", dir, err)
	}
	m, err := parseManifest(data)
	if err != nil {
		return nil, fmt.Errorf("opening the index: %s: %w", file.Name(), err)
	}
	return m, nil
}

func parseManifest(data []byte) (*Manifest, error) {
	if len(data) > maxManifest {
		return nil, fmt.Errorf("it has more than %d bytes", maxManifest)
	}
	var m Manifest
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&m); err != nil {
		return nil, fmt.Errorf("expected the manifest of an index as JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("expected one manifest and nothing after it")
	}
	if err := m.validate(); err != nil {
		return nil, err
	}
	if sum, err := m.checksum(); err != nil || sum != m.CRC32C {
		return nil, errors.Join(err, errDamaged)
	}
	return &m, nil
}

func (m Manifest) checksum() (uint32, error) {
	m.CRC32C = 0
	data, err := json.Marshal(m)
	return crc32.Checksum(data, castagnoli), err
}

// validate reports what cannot be in a manifest, above all sizes that do not fit together.
func (m *Manifest) validate() error {
	switch {
	case m.Format != format:
		return fmt.Errorf("its format is %.40q; expected %q", m.Format, format)
	case m.Version != version:
		return fmt.Errorf("its version is %d; this program reads version %d: build the index again", m.Version, version)
	case m.Folder == "" || m.Folder != filepath.Base(m.Folder) || !strings.HasPrefix(m.Folder, folderPrefix):
		return fmt.Errorf("its folder is %.60q; expected a name that begins with %q", m.Folder, folderPrefix)
	case m.Passages < 0 || m.Passages > maxPassages || m.Words < 0 || m.Distinct < 0 || m.Distinct > math.MaxUint32 || m.Postings < 0:
		return fmt.Errorf("%d passages, %d words, %d of them distinct, %d postings: these numbers cannot be", m.Passages, m.Words, m.Distinct, m.Postings)
	case len(m.Files) != len(dataFiles):
		return fmt.Errorf("it lists %d files; expected %d", len(m.Files), len(dataFiles))
	}
	if err := (retrieval.Formula{K1: m.K1, B: m.B}).Validate(); err != nil {
		return err
	}
	if _, err := m.Analysis.Analyzer(); err != nil {
		return err
	}
	for name, want := range map[string]int64{
		passagesFile: -1, wordsFile: -1, offsetsFile: 8 * (int64(m.Passages) + 1), tableFile: tableEntry * int64(m.Distinct),
		postingsFile: 8 * int64(m.Postings),
	} {
		f, ok := m.Files[name]
		if !ok || f.Bytes < 0 || want >= 0 && f.Bytes != want || m.Postings > math.MaxInt64/8 {
			return fmt.Errorf("its file %s is missing or has %d bytes, which does not fit the other numbers", name, f.Bytes)
		}
	}
	return nil
}

// write makes the manifest the one of the index in dir, in one step that is on the disk when it returns.
func (m *Manifest) write(dir string) (err error) {
	if m.CRC32C, err = m.checksum(); err != nil {
		return err
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, ManifestFile)
	if err := renameio.WriteFile(path, append(data, '\n'), 0o644, renameio.WithTempDir(dir)); err != nil {
		return err
	}
	return syncFolder(dir)
}

// syncFolder waits until the folder's entries are on the disk.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
