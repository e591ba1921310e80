package plain

import (
	"cmp"
	"slices"
	"sync"
)

// BlockSize is the number of positions whose keys and values lie in one block.
const BlockSize = 64

// block holds the keys and values of up to BlockSize consecutive positions, the first a multiple of BlockSize. A full block is
// never written again and so may be shared; one that is not full belongs to a single sequence.
type block struct {
	tokens []int     // what stands there; at most BlockSize
	kv     []float32 // [layers][key, value][K][d][BlockSize]: one row per component, so that sums over positions are vector operations
}

func (m *Model) newBlock() *block {
	return &block{tokens: make([]int, 0, BlockSize), kv: make([]float32, m.cache.blockBytes/4)}
}

func (b *block) full() bool { return len(b.tokens) == BlockSize }

// component returns the keys (kind 0) or values (kind 1) of key/value head g in a layer: [d][BlockSize].
func (m *Model) component(b *block, layer, kind, g int) []float32 {
	rows := m.cfg.HeadDim * BlockSize
	at := ((layer*2+kind)*m.cfg.KVHeads + g) * rows
	return b.kv[at : at+rows]
}

// sequence is the cached past of one row of tokens.
type sequence struct {
	blocks []*block // all but the last are full
}

func (s *sequence) len() int {
	if len(s.blocks) == 0 {
		return 0
	}
	return (len(s.blocks)-1)*BlockSize + len(s.blocks[len(s.blocks)-1].tokens)
}

// writable returns the block for the next position; it is the sequence's own.
func (m *Model) writable(s *sequence) *block {
	if n := len(s.blocks); n > 0 && !s.blocks[n-1].full() {
		return s.blocks[n-1]
	}
	b := m.newBlock()
	s.blocks = append(s.blocks, b)
	return b
}

// fork returns a sequence with the first n positions of s that can be continued on its own. Full blocks are shared.
func (m *Model) fork(s *sequence, n int) *sequence {
	whole := n / BlockSize
	out := &sequence{blocks: slices.Clip(slices.Clone(s.blocks[:whole]))}
	if rest := n % BlockSize; rest > 0 {
		out.blocks = append(out.blocks, m.copyBlock(s.blocks[whole], rest))
	}
	return out
}

// copyBlock copies the first n positions of b.
func (m *Model) copyBlock(b *block, n int) *block {
	c := m.newBlock()
	c.tokens = append(c.tokens, b.tokens[:n]...)
	copy(c.kv, b.kv) // what lies beyond n is written before it is read
	return c
}

// cache keeps blocks from call to call: a tree in which each path from the root spells the tokens of a past. Keys and values of a
// position depend on the tokens up to it alone, so any past that begins alike can use them.
type cache struct {
	blockBytes int64 // keys and values of a block
	limit      int64

	mu    sync.Mutex
	root  node
	nodes int64
	clock int64 // counts the calls of insert
}

type node struct {
	block    *block // nil at the root
	children []*node
	used     int64 // the clock when a sequence with it was last inserted; a child is never ahead of its parent
}

func newCache(blockBytes, limit int64) *cache { return &cache{blockBytes: blockBytes, limit: limit} }

// lookup returns the blocks that hold the past of tokens, as far as it is known: whole blocks, which the caller may share, and
// perhaps a last one of which the first n positions fit, which it may copy.
func (c *cache) lookup(tokens []int) (whole []*block, last *block, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := &c.root
	for {
		var best *node
		n = 0
		for _, child := range at.children {
			if m := commonPrefix(child.block.tokens, tokens); m > n {
				best, n = child, m
			}
		}
		if best == nil {
			return whole, nil, 0
		}
		if n < BlockSize {
			return whole, best.block, n
		}
		whole = append(whole, best.block)
		tokens = tokens[n:]
		at = best
	}
}

// insert keeps the blocks of s, which must not be written to any more.
func (c *cache) insert(s *sequence) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limit < c.blockBytes {
		return
	}
	c.clock++
	at := &c.root
	for _, b := range s.blocks {
		next := c.child(at, b)
		if next == nil {
			break // a longer one is there
		}
		next.used = c.clock
		at = next
	}
	if c.nodes*c.blockBytes > c.limit {
		c.evict()
	}
}

// child finds or makes the child of at for b. A block that another one continues is replaced by it, or not taken at all (nil).
func (c *cache) child(at *node, b *block) *node {
	for _, child := range at.children {
		n := commonPrefix(child.block.tokens, b.tokens)
		switch {
		case n == len(b.tokens) && n == len(child.block.tokens):
			return child
		case n == len(b.tokens):
			child.used = c.clock
			return nil
		case n == len(child.block.tokens):
			child.block = b // child was not full, so it has no children
			return child
		}
	}
	child := &node{block: b}
	at.children = append(at.children, child)
	c.nodes++
	return child
}

// evict drops the nodes that were not used for longest until a quarter of the bound is free. Descendants go before their
// ancestors, since they are never used later.
func (c *cache) evict() {
	type entry struct {
		node, parent *node
		depth        int
	}
	var all []entry
	var walk func(at *node, depth int)
	walk = func(at *node, depth int) {
		for _, child := range at.children {
			all = append(all, entry{child, at, depth})
			walk(child, depth+1)
		}
	}
	walk(&c.root, 0)
	slices.SortStableFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.node.used, b.node.used), cmp.Compare(b.depth, a.depth))
	})
	keep := c.limit / 4 * 3 / c.blockBytes
	for _, e := range all {
		if c.nodes <= keep {
			return
		}
		e.parent.children = slices.DeleteFunc(e.parent.children, func(n *node) bool { return n == e.node })
		c.nodes--
	}
}

// commonPrefix returns the length of the longest common prefix.
func commonPrefix(a, b []int) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
