package index

import (
	"slices"

	"searchrl/retrieval"
)

// batch counts words, passage after passage, until it is written as a run.
type batch struct {
	first  int // the number of its first passage
	number map[string]uint32
	names  []string
	letter int      // bytes of names
	words  []uint32 // distinct words of a passage, by number
	tf     []uint32 // how often each stands there
	ends   []int    // where each passage's words end
	at     []int    // per word: where its latest entry in words is
	df     []uint32 // per word: passages that hold it
}

func newBatch(first int) *batch { return &batch{first: first, number: map[string]uint32{}} }

// bytes estimates the memory that the batch takes, and takes when it is sorted.
func (b *batch) bytes() int {
	const posting, word, passage = 16, 96, 8
	return posting*len(b.words) + word*len(b.names) + b.letter + passage*len(b.ends)
}

// add counts one passage and returns how many words it has.
func (b *batch) add(doc retrieval.Document, analyze retrieval.Analyzer) (length int) {
	begin := len(b.words)
	count := func(word []byte) {
		length++
		w, known := b.number[string(word)]
		if !known {
			w = uint32(len(b.names))
			name := string(word)
			b.number[name] = w
			b.names = append(b.names, name)
			b.letter += len(name)
			b.at = append(b.at, -1)
			b.df = append(b.df, 0)
		}
		if b.at[w] < begin {
			b.at[w] = len(b.words)
			b.words = append(b.words, w)
			b.tf = append(b.tf, 0)
			b.df[w]++
		}
		b.tf[b.at[w]]++
	}
	analyze(doc.Title, count)
	analyze(doc.Text, count)
	b.ends = append(b.ends, len(b.words))
	return length
}

// posting says that a passage holds a word so many times.
type posting struct{ doc, tf uint32 }

// each calls do for each word in rising order with its postings, which are in rising order of passages.
func (b *batch) each(do func(word string, postings []posting) error) error {
	begin := make([]uint32, len(b.names)) // of each word in all
	total := uint32(0)
	for w, df := range b.df {
		begin[w] = total
		total += df
	}
	all := make([]posting, total)
	next := slices.Clone(begin)
	from := 0
	for d, end := range b.ends {
		for i := from; i < end; i++ {
			w := b.words[i]
			all[next[w]] = posting{uint32(b.first + d), b.tf[i]}
			next[w]++
		}
		from = end
	}
	order := make([]uint32, len(b.names))
	for w := range order {
		order[w] = uint32(w)
	}
	slices.SortFunc(order, func(x, y uint32) int {
		switch {
		case b.names[x] < b.names[y]:
			return -1
		case b.names[x] > b.names[y]:
			return 1
		}
		return 0
	})
	for _, w := range order {
		if err := do(b.names[w], all[begin[w]:next[w]]); err != nil {
			return err
		}
	}
	return nil
}
