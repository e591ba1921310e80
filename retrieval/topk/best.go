package topk

import (
	"cmp"
	"slices"
)

// Scored is a passage, by its place in the corpus, with its score.
type Scored struct {
	Score float64
	Doc   uint32
}

// compare orders better before worse: higher scores first, then earlier passages.
func (a Scored) compare(b Scored) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Doc, b.Doc))
}

// best keeps the k best of the passages offered to it: a binary heap with the worst of them at its root.
type best struct {
	k    int
	heap []Scored
}

// floor returns the k-th best score so far, 0 while fewer than k were offered.
func (b *best) floor() float64 {
	if len(b.heap) < b.k {
		return 0
	}
	return b.heap[0].Score
}

func (b *best) offer(s Scored) {
	h := b.heap
	if len(h) < b.k {
		h = append(h, s)
		for i := len(h) - 1; i > 0; { // sift up
			parent := (i - 1) / 2
			if h[i].compare(h[parent]) <= 0 {
				break
			}
			h[i], h[parent] = h[parent], h[i]
			i = parent
		}
		b.heap = h
		return
	}
	if s.Score < h[0].Score || s.compare(h[0]) >= 0 {
		return
	}
	h[0] = s
	for i := 0; ; { // sift down
		worst := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h[child].compare(h[worst]) > 0 {
				worst = child
			}
		}
		if worst == i {
			return
		}
		h[i], h[worst] = h[worst], h[i]
		i = worst
	}
}

// sorted returns the passages kept, best first, and leaves b empty of use.
func (b *best) sorted() []Scored {
	slices.SortFunc(b.heap, Scored.compare)
	return b.heap
}
