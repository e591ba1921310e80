package index

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
)

// runs are the sorted batches on the disk. A run holds, word by word in rising order: the word after its length, the number
// of postings, and for each the distance from the passage before it and the count; all numbers as uvarints.
type runs struct {
	folder string
	limit  int // bytes of a batch
	paths  []string
}

// write appends a run.
func (r *runs) write(b *batch) (err error) {
	file, err := os.Create(filepath.Join(r.folder, fmt.Sprintf("run-%06d", len(r.paths))))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	r.paths = append(r.paths, file.Name())
	w := bufio.NewWriterSize(file, 1<<18)
	var buf []byte
	err = b.each(func(word string, postings []posting) error {
		buf = binary.AppendUvarint(buf[:0], uint64(len(word)))
		buf = append(buf, word...)
		buf = binary.AppendUvarint(buf, uint64(len(postings)))
		last := uint32(0)
		for _, p := range postings {
			buf = binary.AppendUvarint(buf, uint64(p.doc-last))
			buf = binary.AppendUvarint(buf, uint64(p.tf))
			last = p.doc
		}
		_, err := w.Write(buf)
		return err
	})
	return errors.Join(err, w.Flush())
}

// remove deletes the runs.
func (r *runs) remove() error {
	var err error
	for _, path := range r.paths {
		if e := os.Remove(path); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// runReader reads one run.
type runReader struct {
	file  *os.File
	buf   *bufio.Reader
	place int // of the run among all
	word  string
	df    uint64
}

// next reads the head of the next word; io.EOF after the last.
func (r *runReader) next() error {
	n, err := binary.ReadUvarint(r.buf)
	if err != nil {
		return err // io.EOF at the end
	}
	if n > math.MaxInt32 {
		return fmt.Errorf("%s is damaged", r.file.Name())
	}
	word := make([]byte, n)
	if _, err := io.ReadFull(r.buf, word); err != nil {
		return fmt.Errorf("%s: %w", r.file.Name(), err)
	}
	r.word = string(word)
	r.df, err = binary.ReadUvarint(r.buf)
	return err
}

// postings appends those of the present word.
func (r *runReader) postings(to []posting) ([]posting, error) {
	last := uint64(0)
	for range r.df {
		step, err := binary.ReadUvarint(r.buf)
		if err != nil {
			return to, fmt.Errorf("%s: %w", r.file.Name(), err)
		}
		tf, err := binary.ReadUvarint(r.buf)
		if err != nil {
			return to, fmt.Errorf("%s: %w", r.file.Name(), err)
		}
		last += step
		to = append(to, posting{uint32(last), uint32(tf)})
	}
	return to, nil
}

// readers is a heap: the smallest word first, of equal words the earlier run.
type readers []*runReader

func (h readers) Len() int      { return len(h) }
func (h readers) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *readers) Push(x any)   { *h = append(*h, x.(*runReader)) }
func (h *readers) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
func (h readers) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[i].word, h[j].word), cmp.Compare(h[i].place, h[j].place)) < 0
}

// merge calls do for each distinct word of all runs in rising order, with its postings in rising order of passages, which
// are valid until do returns.
func (r *runs) merge(do func(word string, postings []posting) error) (err error) {
	var h readers
	for place, path := range r.paths {
		file, e := os.Open(path)
		if e != nil {
			return e
		}
		defer file.Close()
		reader := &runReader{file: file, buf: bufio.NewReaderSize(file, 1<<16), place: place}
		if e := reader.next(); e == nil {
			h = append(h, reader)
		} else if !errors.Is(e, io.EOF) {
			return e
		}
	}
	heap.Init(&h)
	var postings []posting
	for len(h) > 0 {
		word := h[0].word
		postings = postings[:0]
		for len(h) > 0 && h[0].word == word {
			if postings, err = h[0].postings(postings); err != nil {
				return err
			}
			switch e := h[0].next(); {
			case e == nil:
				heap.Fix(&h, 0)
			case errors.Is(e, io.EOF):
				heap.Pop(&h)
			default:
				return e
			}
		}
		if err := do(word, postings); err != nil {
			return err
		}
	}
	return nil
}
