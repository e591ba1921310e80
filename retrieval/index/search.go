package index

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sort"

	"searchrl/retrieval"
	"searchrl/retrieval/topk"
)

var _ retrieval.Searcher = (*Index)(nil)

// parallelFrom is as in package retrieval.
const parallelFrom = 1 << 18

// ErrClosed is the error of a search after Close.
var ErrClosed = errors.New("the index is closed")

// Search implements [retrieval.Searcher], with the results of [retrieval.BM25] over the same passages. The queries of one
// call are answered in parallel where the corpus is large.
func (x *Index) Search(ctx context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
	if k < 1 {
		return nil, fmt.Errorf("searching: k is %d; expected at least 1", k)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("searching: %w", err)
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.closed {
		return nil, fmt.Errorf("searching %s: %w", x.dir, ErrClosed)
	}
	workers := 1
	if x.manifest.Postings >= parallelFrom {
		workers = runtime.GOMAXPROCS(0)
	}
	results := make([][]retrieval.Hit, len(queries))
	err := x.pool.Each(ctx, workers, len(queries), func(ctx context.Context, s *topk.Scorer, i int) (err error) {
		results[i], err = x.search(ctx, s, queries[i], k)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("searching %s: %w", x.dir, err)
	}
	return results, nil
}

func (x *Index) search(ctx context.Context, s *topk.Scorer, query string, k int) ([]retrieval.Hit, error) {
	q, err := x.parse(query)
	if err != nil {
		return nil, err
	}
	found, err := s.Top(ctx, q, k)
	if err != nil {
		return nil, err
	}
	hits := make([]retrieval.Hit, len(found))
	for i, f := range found {
		doc, err := x.passage(int(f.Doc))
		if err != nil {
			return nil, err
		}
		hits[i] = retrieval.Hit{Document: doc, Score: f.Score}
	}
	return hits, nil
}

// parse returns the query's words that stand in some passage, in the order of their first occurrence.
func (x *Index) parse(query string) (*topk.Query, error) {
	var q topk.Query
	var err error
	x.analyze(query, func(word []byte) {
		if u, known := x.used.Load(string(word)); known {
			q.Add(u.(used).number, u.(used).list)
			return
		}
		w, known := x.find(word)
		if !known || err != nil || q.Again(uint32(w)) {
			return
		}
		var list topk.List
		if list, err = x.list(w); err == nil {
			q.Add(uint32(w), x.use(word, w, list))
		}
	})
	return &q, err
}

// headEvery is the distance between the words whose heads are kept.
const headEvery = 64

// head is the first 8 bytes of a word as a number, which orders as the words do but for what it does not see.
func head(word []byte) uint64 {
	var first [8]byte
	copy(first[:], word)
	return binary.BigEndian.Uint64(first[:])
}

// find looks a word up: among the heads, which lie in memory, and then among the few words between two of them.
func (x *Index) find(word []byte) (w int, known bool) {
	key := head(word)
	first := sort.Search(len(x.heads), func(i int) bool { return x.heads[i] >= key })
	after := sort.Search(len(x.heads), func(i int) bool { return x.heads[i] > key })
	from, to := max(0, first-1)*headEvery, min(after*headEvery, x.manifest.Distinct)
	w, known = sort.Find(to-from, func(i int) int { return bytes.Compare(word, x.word(from+i)) })
	return from + w, known
}

// Document returns passage i of the corpus, 0 ≤ i < Len.
func (x *Index) Document(i int) (retrieval.Document, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.closed {
		return retrieval.Document{}, fmt.Errorf("reading %s: %w", x.dir, ErrClosed)
	}
	if i < 0 || i >= x.manifest.Passages {
		return retrieval.Document{}, fmt.Errorf("reading %s: passage %d of %d", x.dir, i, x.manifest.Passages)
	}
	return x.passage(i)
}

// passage reads passage d of the corpus, 0 ≤ d < Len.
func (x *Index) passage(d int) (retrieval.Document, error) {
	doc, err := parsePassage(x.passages[x.offset(uint32(d)):x.offset(uint32(d)+1)])
	if err != nil {
		return retrieval.Document{}, fmt.Errorf("%s, passage %d: %w", filepath.Join(x.manifest.Folder, passagesFile), d, err)
	}
	return doc, nil
}

// Verify reads the whole index in folder dir and reports the first thing that is not as it was written.
func Verify(dir string) error {
	x, err := Open(dir)
	if err != nil {
		return err
	}
	err = x.verify()
	if err != nil {
		err = fmt.Errorf("verifying the index %s: %w", dir, err)
	}
	return errors.Join(err, x.Close())
}

func (x *Index) verify() error {
	for d := range x.manifest.Passages {
		if _, err := x.passage(d); err != nil {
			return err
		}
	}
	for w := range x.manifest.Distinct {
		if w > 0 && bytes.Compare(x.word(w-1), x.word(w)) >= 0 {
			return fmt.Errorf("%s: word %d is not above the one before it", wordsFile, w)
		}
		if _, err := x.list(w); err != nil {
			return err
		}
	}
	return nil
}
