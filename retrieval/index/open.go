package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/edsrzf/mmap-go"

	"searchrl/retrieval"
	"searchrl/retrieval/topk"
)

// Index is an open index. It implements [retrieval.Searcher], is immutable, and safe for concurrent use.
type Index struct {
	dir      string
	manifest Manifest
	analyze  retrieval.Analyzer

	passages, offsets, words, table, postings mmap.MMap

	checked []atomic.Uint32 // a bit for each word: its postings have been checked
	blocks  topk.Blocks
	heads   []uint64 // of every headEvery-th word
	used    sync.Map // long lists that have been asked for: word (a string) → used
	pool    *topk.Pool
	mu      sync.RWMutex // held for reading while the maps are
	closed  bool
}

// Open opens the index in folder dir.
func Open(dir string) (*Index, error) {
	// A build may remove the data between the manifest and the opening of the files; then there is a newer manifest.
	for attempt := 0; ; attempt++ {
		m, err := ReadManifest(dir)
		if err != nil {
			return nil, err
		}
		x, err := open(dir, m)
		if err == nil {
			return x, nil
		}
		if newer, e := ReadManifest(dir); e != nil || newer.Folder == m.Folder || attempt == 2 || !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("opening the index %s: %w", dir, err)
		}
	}
}

func open(dir string, m *Manifest) (opened *Index, err error) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil, errors.New("this machine is big-endian; indexes can be read on little-endian ones only")
	}
	x := &Index{dir: dir, manifest: *m, checked: make([]atomic.Uint32, m.Distinct/32+1),
		blocks: topk.NewBlocks(m.Passages), pool: topk.NewPool(m.Passages)}
	if x.analyze, err = m.Analysis.Analyzer(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, x.Close())
		}
	}()
	for name, to := range x.maps() {
		path := filepath.Join(dir, m.Folder, name)
		if *to, err = mapFile(path, m.Files[name].Bytes); err != nil {
			return nil, err
		}
		large := name == passagesFile || name == postingsFile
		if !large && crc32.Checksum(*to, castagnoli) != m.Files[name].CRC32C {
			return nil, fmt.Errorf("%s: %w", path, errDamaged)
		}
	}
	return x, x.check()
}

// maps returns the mapped files by name.
func (x *Index) maps() map[string]*mmap.MMap {
	return map[string]*mmap.MMap{passagesFile: &x.passages, offsetsFile: &x.offsets, wordsFile: &x.words, tableFile: &x.table,
		postingsFile: &x.postings}
}

// mapFile maps a file of the size that is expected; an empty one is an empty map.
func mapFile(path string, bytes int64) (mmap.MMap, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.Size() != bytes:
		return nil, fmt.Errorf("%s has %d bytes; expected %d", path, info.Size(), bytes)
	case bytes == 0:
		return nil, nil
	case int64(int(bytes)) != bytes:
		return nil, fmt.Errorf("%s has %d bytes, more than this machine can map", path, bytes)
	}
	m, err := mmap.Map(file, mmap.RDONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("mapping %s: %w", path, err)
	}
	return m, nil
}

// check sees that no entry of the small files points out of the large ones, which a checksum does not say.
func (x *Index) check() error {
	last, end := uint64(0), uint64(len(x.passages))
	for d := range x.manifest.Passages + 1 {
		at := x.offset(uint32(d))
		if at < last || at > end || d == 0 && at != 0 || d == x.manifest.Passages && at != end {
			return fmt.Errorf("%s: passage %d begins at %d, which cannot be", offsetsFile, d, at)
		}
		last = at
	}
	letters, postings := uint64(0), uint64(0)
	for w := range x.manifest.Distinct {
		e := x.entry(w)
		if e.at != letters || e.postings != postings || e.df == 0 || int64(e.df) > int64(x.manifest.Passages) || !(e.peak > 0) {
			return fmt.Errorf("%s: entry %d cannot be", tableFile, w)
		}
		letters += uint64(e.length)
		postings += 8 * uint64(e.df)
	}
	if letters != uint64(len(x.words)) || postings != uint64(len(x.postings)) {
		return fmt.Errorf("%s ends at %d and %d, which does not fit the other files", tableFile, letters, postings)
	}
	for w := 0; w < x.manifest.Distinct; w += headEvery {
		x.heads = append(x.heads, head(x.word(w)))
	}
	return nil
}

// Close unmaps the files; searches that are under way end first. Only the first call does anything.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil
	}
	x.closed = true
	var err error
	for _, m := range x.maps() {
		if *m != nil {
			err = errors.Join(err, m.Unmap())
		}
	}
	return err
}

// Manifest describes the index.
func (x *Index) Manifest() Manifest { return x.manifest }

// Len returns the number of passages.
func (x *Index) Len() int { return x.manifest.Passages }

func (x *Index) offset(doc uint32) uint64 {
	return binary.LittleEndian.Uint64(x.offsets[8*uint64(doc):])
}

func (x *Index) entry(w int) entry { return readEntry(x.table[tableEntry*w:]) }

// list returns the postings of a word, after checking them if nobody has yet.
func (x *Index) list(w int) (topk.List, error) {
	e := x.entry(w)
	bytes := x.postings[e.postings : e.postings+8*uint64(e.df)]
	list := topk.List{ // maps begin at a page and lists at a multiple of 8
		Docs:  unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(bytes))), e.df),
		Gains: unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(bytes[4*e.df:]))), e.df),
		Peak:  e.peak,
	}
	word, bit := &x.checked[w/32], uint32(1)<<(w%32)
	if word.Load()&bit == 0 {
		if crc32.Checksum(bytes, castagnoli) != e.crc {
			return topk.List{}, fmt.Errorf("%s, word %q: %w", postingsFile, x.word(w), errDamaged)
		}
		for i, d := range list.Docs {
			if int64(d) >= int64(x.manifest.Passages) || i > 0 && list.Docs[i-1] >= d || !(list.Gains[i] > 0 && list.Gains[i] <= e.peak) {
				return topk.List{}, fmt.Errorf("%s, word %q: posting %d cannot be", postingsFile, x.word(w), i)
			}
		}
		word.Or(bit)
	}
	return list, nil
}

// used is a list with its outline, which is drawn when it is first used.
type used struct {
	number uint32
	list   topk.List
}

// use returns the list of word w with its outline and keeps it, so that it is found without a search from then on, if it is
// long enough to have one.
func (x *Index) use(word []byte, w int, list topk.List) topk.List {
	if list.Outline = x.blocks.Outline(list); list.Outline != nil {
		x.used.Store(string(word), used{uint32(w), list})
	}
	return list
}

// word returns the bytes of a word, which lie in the map.
func (x *Index) word(w int) []byte {
	e := x.entry(w)
	return x.words[e.at : e.at+uint64(e.length)]
}
