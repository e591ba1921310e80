package retrieval

import (
	"cmp"
	"slices"
)

// scored is a passage, by its place in the corpus, with its score.
type scored struct {
	score float64
	doc   uint32
}

// compare orders better before worse: higher scores first, then earlier passages.
func (a scored) compare(b scored) int {
	return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.doc, b.doc))
}

// best keeps the k best of the passages offered to it: a binary heap with the worst of them at its root.
type best struct {
	k    int
	heap []scored
}

// floor returns the k-th best score so far, 0 while fewer than k were offered.
func (b *best) floor() float64 {
	if len(b.heap) < b.k {
		return 0
	}
	return b.heap[0].score
}

func (b *best) offer(s scored) {
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
	if s.score < h[0].score || s.compare(h[0]) >= 0 {
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
func (b *best) sorted() []scored {
	slices.SortFunc(b.heap, scored.compare)
	return b.heap
}
