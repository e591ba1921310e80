package model

import (
	"cmp"
	"fmt"
	"slices"

	"searchrl/grpo"
	"searchrl/rollout"
)

// blockSize is the number of tokens of an attention block. Queries of one block attend to a list of key blocks: those that
// hold an ancestor of one of its tokens. So attention costs about as much as if each path had a row of its own, though a
// shared prefix goes through the rest of the network once.
const blockSize = 32

// bucket is the shape of a compiled program: sizes are rounded up to few values, so that few programs are compiled.
type bucket struct {
	tokens  int // of a row, a multiple of blockSize
	keys    int // key blocks a query block attends to
	targets int // of a row
}

// packing is a batch laid out in rows of one bucket.
type packing struct {
	bucket   bucket
	rows     []*row
	computed int // tokens in all rows, padding not counted
}

// cost is a rough model of what a row costs, to choose the row length with. Units are arbitrary.
type cost struct {
	row     float64 // whatever its size
	token   float64 // in the layers' linear maps
	score   float64 // query–key pair
	target  float64 // in the output head
	workers int     // rows that are evaluated at the same time
	few     bool    // targets are few: their number is rounded up less
	coarse  bool    // round sizes up to powers of two only: more padding, fewer programs, for backends that compile slowly
}

// round rounds a size up to one of few values.
func (c cost) round(n, least int) int {
	if c.coarse {
		return powerUp(max(n, least))
	}
	return roundUp(n, least)
}

func (c cost) of(p *packing) float64 {
	b := p.bucket
	one := c.row + float64(b.tokens)*(c.token+c.score*float64(b.keys*blockSize)) + float64(b.targets)*c.target
	rounds := (len(p.rows) + c.workers - 1) / c.workers
	return one * float64(rounds)
}

// pack lays out what the targets need of the trees in rows of the length that is cheapest by c, of at most limit
// tokens unless one path is longer.
func pack(trees []*rollout.Tree, targets []grpo.Target, c cost, limit int) (*packing, error) {
	outlines, err := newOutlines(trees, targets)
	if err != nil {
		return nil, err
	}
	if len(targets) == 0 {
		return &packing{}, nil
	}
	var best *packing
	for _, tokens := range rowLengths(outlines, limit, c) {
		p := layOut(outlines, trees, targets, tokens, c)
		if p != nil && (best == nil || c.of(p) < c.of(best)) {
			best = p
		}
	}
	if best == nil {
		return nil, fmt.Errorf("no row length fits the trees")
	}
	return best, nil
}

// rowLengths lists the candidates, from the longest path up to the limit or the whole batch.
func rowLengths(outlines []*outline, limit int, c cost) []int {
	longest, total := 1, 0
	for _, o := range outlines {
		longest = max(longest, o.longest)
		for _, n := range o.length {
			total += max(n, 0)
		}
	}
	lengths := []int{c.round(longest, 2*blockSize)}
	for {
		last := lengths[len(lengths)-1]
		next := c.round(last+1, 2*blockSize)
		if last >= total || next > limit {
			return lengths
		}
		lengths = append(lengths, next)
	}
}

// roundUp returns the smallest of 1, 2, 3, 4, 6, 8, 12, 16, 24 … that is at least n and at least least.
func roundUp(n, least int) int {
	n = max(n, least)
	power := powerUp(n)
	if three := power / 4 * 3; three >= n && power >= 4 {
		return three
	}
	return power
}

// powerUp returns the smallest power of two that is at least n.
func powerUp(n int) int {
	power := 1
	for power < n {
		power *= 2
	}
	return power
}

// layOut packs the trees into rows of the given length, first fit, longest pieces first. It returns nil if a path is longer.
func layOut(outlines []*outline, trees []*rollout.Tree, targets []grpo.Target, tokens int, c cost) *packing {
	var pieces []*piece
	for _, o := range outlines {
		if len(o.leaves) == 0 {
			continue
		}
		parts := o.pieces(tokens)
		if parts == nil {
			return nil
		}
		pieces = append(pieces, parts...)
	}
	slices.SortStableFunc(pieces, func(a, b *piece) int { return cmp.Compare(b.tokens, a.tokens) })
	var bins [][]*piece
	var free []int
	for _, p := range pieces {
		i := slices.IndexFunc(free, func(n int) bool { return n >= p.tokens })
		if i < 0 {
			i = len(bins)
			bins, free = append(bins, nil), append(free, tokens)
		}
		bins[i] = append(bins[i], p)
		free[i] -= p.tokens
	}
	pk := &packing{bucket: bucket{tokens: tokens, keys: 1, targets: blockSize}}
	lists := make([][][]int32, len(bins))
	for i, bin := range bins {
		r := newRow(bin, trees, targets, tokens)
		lists[i] = keyBlocks(bin, tokens)
		for _, list := range lists[i] {
			pk.bucket.keys = max(pk.bucket.keys, len(list))
		}
		pk.bucket.targets = max(pk.bucket.targets, len(r.batch))
		pk.rows = append(pk.rows, r)
		pk.computed += r.used
	}
	pk.bucket.keys = min(c.round(pk.bucket.keys, 2), tokens/blockSize)
	least := 2 * blockSize
	if !c.few {
		least = max(least, min(tokens/4, 256))
	}
	pk.bucket.targets = c.round(pk.bucket.targets, least)
	for i, r := range pk.rows {
		r.pad(pk.bucket, lists[i])
	}
	return pk
}
