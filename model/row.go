package model

import (
	"searchrl/grpo"
	"searchrl/rollout"
)

// row is a forest of pieces laid out one after the other, padded to its bucket. Token i sees token j exactly if
// j ≤ i < end[j]: in depth-first order everything below a segment follows it.
type row struct {
	tokens    []int32 // [bucket.tokens] ids
	positions []int32 // [bucket.tokens] place along the path, from 0
	end       []int32 // [bucket.tokens] exclusive end of the interval of tokens that see this one
	keys      []int32 // [blocks × bucket.keys] key blocks of each query block, ascending, padded with the block itself
	keyCount  []int32 // [blocks] how many of them are not padding
	prev      []int32 // [bucket.targets] place in the row of the target's predecessor on its path
	ids       []int32 // [bucket.targets] the target's token id
	batch     []int   // index of each target in the batch; shorter than bucket.targets by the padding
	used      int     // tokens that are not padding
}

// newRow lays out pieces one after the other.
func newRow(pieces []*piece, trees []*rollout.Tree, targets []grpo.Target, tokens int) *row {
	r := &row{
		tokens:    make([]int32, tokens),
		positions: make([]int32, tokens),
		end:       make([]int32, tokens),
	}
	for _, p := range pieces {
		start, depth, last := p.starts(r.used), make([]int, len(p.segments)), make([]int, len(p.segments))
		end := p.ends(start)
		segments := trees[p.tree].Segments
		for i, s := range p.segments {
			base := 0
			last[i] = -1 // place of the last token up to this segment's end
			if p.parent[i] >= 0 {
				base, last[i] = depth[p.parent[i]], last[p.parent[i]]
			}
			for n := range p.length[i] {
				at := start[i] + n
				r.tokens[at], r.positions[at], r.end[at] = int32(segments[s].Tokens[n]), int32(base+n), int32(end[i])
				last[i] = at
			}
			depth[i] = base + p.length[i]
		}
		for _, j := range p.targets {
			t := targets[j]
			i := p.position[t.Segment]
			prev := start[i] + t.Index - 1
			if t.Index == 0 {
				prev = last[p.parent[i]]
			}
			r.prev = append(r.prev, int32(prev))
			r.ids = append(r.ids, int32(segments[t.Segment].Tokens[t.Index]))
			r.batch = append(r.batch, j)
		}
		r.used += p.tokens
	}
	for i := r.used; i < tokens; i++ {
		r.end[i] = int32(i + 1) // padding sees itself alone
	}
	return r
}

// starts returns the place of each segment's first token if the piece begins at offset.
func (p *piece) starts(offset int) []int {
	start := make([]int, len(p.segments))
	for i, n := range p.length {
		start[i] = offset
		offset += n
	}
	return start
}

// ends returns the end of the interval that each segment's subtree covers.
func (p *piece) ends(start []int) []int {
	end := make([]int, len(p.segments))
	for i := len(end) - 1; i >= 0; i-- {
		end[i] = max(end[i], start[i]+p.length[i])
		if up := p.parent[i]; up >= 0 {
			end[up] = max(end[up], end[i])
		}
	}
	return end
}

// keyBlocks lists for each query block the blocks that hold an ancestor of one of its tokens, itself included.
func keyBlocks(pieces []*piece, tokens int) [][]int32 {
	blocks := tokens / blockSize
	seen := make([][]bool, blocks)
	for b := range seen {
		seen[b] = make([]bool, b+1)
		seen[b][b] = true
	}
	offset := 0
	for _, p := range pieces {
		start := p.starts(offset)
		for i, n := range p.length {
			if n == 0 {
				continue
			}
			for b := start[i] / blockSize; b <= (start[i]+n-1)/blockSize; b++ {
				for a := i; a >= 0; a = p.parent[a] {
					if p.length[a] == 0 {
						continue
					}
					for k := start[a] / blockSize; k <= min(b, (start[a]+p.length[a]-1)/blockSize); k++ {
						seen[b][k] = true
					}
				}
			}
		}
		offset += p.tokens
	}
	lists := make([][]int32, blocks)
	for b := range seen {
		for k, yes := range seen[b] {
			if yes {
				lists[b] = append(lists[b], int32(k))
			}
		}
	}
	return lists
}

// pad fills the row up to the bucket's sizes.
func (r *row) pad(b bucket, lists [][]int32) {
	for len(r.prev) < b.targets {
		r.prev, r.ids = append(r.prev, 0), append(r.ids, 0)
	}
	for q, list := range lists {
		r.keyCount = append(r.keyCount, int32(len(list)))
		for len(list) < b.keys {
			list = append(list, int32(q))
		}
		r.keys = append(r.keys, list...)
	}
}

// visible returns the mask [blocks, blockSize, bucket.keys × blockSize] of the keys that each token sees.
func (r *row) visible(b bucket) []bool {
	width := b.keys * blockSize
	mask := make([]bool, b.tokens*width)
	for q, count := range r.keyCount {
		for n := range blockSize {
			i := int32(q*blockSize + n)
			line := mask[int(i)*width:][:width]
			for m := range int(count) {
				first := r.keys[q*b.keys+m] * blockSize
				for k := range int32(blockSize) {
					j := first + k
					line[m*blockSize+int(k)] = j <= i && i < r.end[j]
				}
			}
		}
	}
	return mask
}
