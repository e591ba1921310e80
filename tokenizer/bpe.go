package tokenizer

import "container/heap"

// bpe turns a pre-token into ids. It is read-only once built.
type bpe struct {
	byteID       [256]int32
	words        map[string]int32 // every vocabulary entry by its bytes; only read with ignoreMerges
	merges       map[pair]merge
	ignoreMerges bool // a pre-token that is in the vocabulary is that token, whatever the merges say
}

// pair is two neighbouring ids, the left one in the high half.
type pair uint64

func pairOf(left, right int32) pair { return pair(uint32(left))<<32 | pair(uint32(right)) }

// merge is what a pair becomes. The lowest rank goes first.
type merge struct{ rank, id int32 }

const noMerge = int32(1<<31 - 1)

// shortWord is the length in bytes up to which scanning all pairs for the next merge beats a heap.
const shortWord = 64

// encode appends the ids of one pre-token to ids.
func (b *bpe) encode(ids []int, word string) []int {
	if b.ignoreMerges {
		if id, ok := b.words[word]; ok {
			return append(ids, int(id))
		}
	}
	switch {
	case len(word) == 1 || len(b.merges) == 0:
		for i := range len(word) {
			ids = append(ids, int(b.byteID[word[i]]))
		}
		return ids
	case len(word) <= shortWord:
		return b.encodeShort(ids, word)
	}
	return b.encodeLong(ids, word)
}

func (b *bpe) lookup(left, right int32) merge {
	if m, ok := b.merges[pairOf(left, right)]; ok {
		return m
	}
	return merge{rank: noMerge}
}

// encodeShort merges the leftmost pair of lowest rank until none is left: quadratic in the length, but without allocation and
// with one table lookup per new pair.
func (b *bpe) encodeShort(ids []int, word string) []int {
	var symbols [shortWord]int32
	var next [shortWord]merge // next[i] is the merge of symbols i and i+1
	n := len(word)
	for i := range n {
		symbols[i] = b.byteID[word[i]]
	}
	for i := range n - 1 {
		next[i] = b.lookup(symbols[i], symbols[i+1])
	}
	for n > 1 {
		best := 0
		for i := 1; i < n-1; i++ {
			if next[i].rank < next[best].rank {
				best = i
			}
		}
		if next[best].rank == noMerge {
			break
		}
		symbols[best] = next[best].id
		copy(symbols[best+1:n-1], symbols[best+2:n])
		copy(next[best:n-2], next[best+1:n-1])
		n--
		if best > 0 {
			next[best-1] = b.lookup(symbols[best-1], symbols[best])
		}
		if best < n-1 {
			next[best] = b.lookup(symbols[best], symbols[best+1])
		}
	}
	for _, id := range symbols[:n] {
		ids = append(ids, int(id))
	}
	return ids
}

// encodeLong does the same with a linked list and a heap: O(n log n), so that a megabyte without a space is no trouble.
func (b *bpe) encodeLong(ids []int, word string) []int {
	list := make([]symbol, len(word))
	for i := range list {
		list[i] = symbol{id: b.byteID[word[i]], prev: int32(i - 1), next: int32(i + 1)}
	}
	list[len(list)-1].next = -1
	var queue mergeHeap
	push := func(left int32) {
		if left < 0 || list[left].next < 0 {
			return
		}
		l, r := list[left].id, list[list[left].next].id
		if m := b.lookup(l, r); m.rank != noMerge {
			queue = append(queue, candidate{merge: m, left: left, pair: pairOf(l, r)})
		}
	}
	for i := range list {
		push(int32(i))
	}
	heap.Init(&queue)
	for len(queue) > 0 {
		c := heap.Pop(&queue).(candidate)
		left := &list[c.left]
		// Earlier merges may have consumed either side; then the ids there are no longer those of the candidate.
		if left.id < 0 || left.next < 0 || pairOf(left.id, list[left.next].id) != c.pair {
			continue
		}
		right := &list[left.next]
		right.id = -1
		left.id, left.next = c.id, right.next
		if left.next >= 0 {
			list[left.next].prev = c.left
		}
		for _, at := range [2]int32{left.prev, c.left} {
			before := len(queue)
			push(at)
			if len(queue) > before {
				heap.Fix(&queue, before)
			}
		}
	}
	for i := int32(0); i >= 0; i = list[i].next {
		ids = append(ids, int(list[i].id))
	}
	return ids
}

// symbol is a node of the list of pieces of a word; -1 ends the list, an id of -1 marks a node merged into its left one.
type symbol struct{ id, prev, next int32 }

// candidate is a merge that was possible when it was queued.
type candidate struct {
	merge
	left int32
	pair pair
}

// mergeHeap orders candidates by rank, then from left to right.
type mergeHeap []candidate

func (h mergeHeap) Len() int { return len(h) }
func (h mergeHeap) Less(i, j int) bool {
	if h[i].rank != h[j].rank {
		return h[i].rank < h[j].rank
	}
	return h[i].left < h[j].left
}
func (h mergeHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *mergeHeap) Push(x any)   { *h = append(*h, x.(candidate)) }
func (h *mergeHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
