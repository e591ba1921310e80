package retrieval

import (
	"fmt"
	"math"
	"slices"

	"searchrl/retrieval/topk"
)

// BM25 is an exact in-memory index; the package comment has its formula. It is immutable, and safe for concurrent use.
// It implements [Searcher].
//
// It holds 8 bytes for each pair of a passage and a distinct word in it, up to 5 more for frequent words (topk.Blocks),
// and the passages themselves. A search borrows about 12 bytes a passage.
type BM25 struct {
	docs    []Document
	analyze Analyzer
	words   map[string]uint32 // word → number of its list
	lists   []topk.List
	size    int // postings of all lists
	pool    *topk.Pool
}

// NewBM25 indexes the passages, title and text together. Their ids must be there and differ. It keeps the passages'
// strings but not the slice.
func NewBM25(docs []Document, opts ...Option) (*BM25, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	if err := checkIDs(docs); err != nil {
		return nil, err
	}
	index := &BM25{docs: slices.Clone(docs), analyze: o.analyze, words: map[string]uint32{}, pool: topk.NewPool(len(docs))}
	index.fill(countWords(index), Formula{K1: o.k1, B: o.b, Passages: len(docs)})
	return index, nil
}

// Len returns the number of passages.
func (x *BM25) Len() int { return len(x.docs) }

func checkIDs(docs []Document) error {
	if uint64(len(docs)) > math.MaxUint32 {
		return fmt.Errorf("building BM25: %d passages; at most 2^32−1 fit", len(docs))
	}
	first := make(map[string]int, len(docs))
	for i, d := range docs {
		if d.ID == "" {
			return fmt.Errorf("building BM25: passage %d has no id", i)
		}
		if j, seen := first[d.ID]; seen {
			return fmt.Errorf("building BM25: passages %d and %d have the same id %q", j, i, d.ID)
		}
		first[d.ID] = i
	}
	return nil
}

// counts holds how often each passage uses each of its words, passage after passage.
type counts struct {
	words  []uint32 // distinct words of a passage, by number
	tf     []uint32 // how often each stands there
	ends   []int    // where each passage's words end
	length []int    // words of each passage, repetitions counted
	df     []int    // passages that hold each word
}

// countWords analyses every passage and numbers the words in index.words by first appearance.
func countWords(index *BM25) counts {
	var c counts
	var at []int // per word: where its latest entry in c.words is
	for _, doc := range index.docs {
		begin, length := len(c.words), 0
		count := func(word []byte) {
			length++
			w, known := index.words[string(word)]
			if !known {
				w = uint32(len(index.words))
				index.words[string(word)] = w
				c.df = append(c.df, 0)
				at = append(at, -1)
			}
			if at[w] < begin {
				at[w] = len(c.words)
				c.words = append(c.words, w)
				c.tf = append(c.tf, 0)
				c.df[w]++
			}
			c.tf[at[w]]++
		}
		index.analyze(doc.Title, count)
		index.analyze(doc.Text, count)
		c.ends = append(c.ends, len(c.words))
		c.length = append(c.length, length)
	}
	return c
}

// fill turns counts into lists of finished gains.
func (x *BM25) fill(c counts, formula Formula) {
	x.size = len(c.words)
	docs, gains := make([]uint32, x.size), make([]float32, x.size)
	for _, length := range c.length {
		formula.Words += length
	}
	x.lists = make([]topk.List, len(c.df))
	idf := make([]float64, len(c.df))
	for w, df := range c.df {
		x.lists[w].Docs, docs = docs[:0:df], docs[df:]
		x.lists[w].Gains, gains = gains[:0:df], gains[df:]
		idf[w] = formula.IDF(df)
	}
	begin := 0
	for d, end := range c.ends {
		norm := formula.Norm(c.length[d])
		for i := begin; i < end; i++ {
			l, gain := &x.lists[c.words[i]], formula.Gain(idf[c.words[i]], int(c.tf[i]), norm)
			l.Docs = append(l.Docs, uint32(d))
			l.Gains = append(l.Gains, gain)
			l.Peak = max(l.Peak, gain)
		}
		begin = end
	}
	blocks := topk.NewBlocks(len(x.docs))
	for w := range x.lists {
		x.lists[w].Outline = blocks.Outline(x.lists[w])
	}
}
