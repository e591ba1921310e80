package model

import (
	"fmt"

	"searchrl/grpo"
	"searchrl/rollout"
)

// piece is a part of a tree that is evaluated together: some of its paths, with every segment that they go through.
// Segments are in depth-first order, so that the tokens below a segment follow it without a gap.
type piece struct {
	tree     int
	segments []int       // indices into the tree's segments
	parent   []int       // position in segments of the parent, −1 for a root
	length   []int       // tokens of the segment that are evaluated: all, or those up to the last target's predecessor
	tokens   int         // sum of length
	targets  []int       // indices into the batch's targets that this piece answers for
	position map[int]int // segment → position in segments
}

// outline is what a batch needs of one tree.
type outline struct {
	tree    *rollout.Tree
	index   int
	length  []int   // tokens needed of each segment; −1 where nothing is needed
	targets [][]int // batch targets in each segment
	leaves  []int   // needed segments without needed children, in depth-first order
	longest int     // tokens on the longest path
}

// newOutlines finds the segments that lie on a path to a target; the others are not evaluated.
func newOutlines(trees []*rollout.Tree, targets []grpo.Target) ([]*outline, error) {
	outlines := make([]*outline, len(trees))
	for i, tree := range trees {
		if tree == nil {
			return nil, fmt.Errorf("tree %d is nil", i)
		}
		if err := tree.Validate(); err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		outlines[i] = &outline{tree: tree, index: i, length: make([]int, len(tree.Segments)), targets: make([][]int, len(tree.Segments))}
		for s := range outlines[i].length {
			outlines[i].length[s] = -1
		}
	}
	for j, t := range targets {
		if t.Tree < 0 || t.Tree >= len(trees) {
			return nil, fmt.Errorf("target %d: tree %d of %d", j, t.Tree, len(trees))
		}
		if err := outlines[t.Tree].add(j, t); err != nil {
			return nil, fmt.Errorf("target %d (tree %d, segment %d, token %d): %w", j, t.Tree, t.Segment, t.Index, err)
		}
	}
	for _, o := range outlines {
		o.findLeaves()
	}
	return outlines, nil
}

// add notes that target j needs its predecessors.
func (o *outline) add(j int, t grpo.Target) error {
	if t.Segment < 0 || t.Segment >= len(o.tree.Segments) {
		return fmt.Errorf("the tree has %d segments", len(o.tree.Segments))
	}
	if t.Index < 0 || t.Index >= len(o.tree.Segments[t.Segment].Tokens) {
		return fmt.Errorf("the segment has %d tokens", len(o.tree.Segments[t.Segment].Tokens))
	}
	before := t.Index
	for s := o.tree.Segments[t.Segment].Parent; s != rollout.NoParent; s = o.tree.Segments[s].Parent {
		o.length[s] = len(o.tree.Segments[s].Tokens)
		before += o.length[s]
	}
	if before == 0 {
		return fmt.Errorf("the first token of a path has no predecessor, so the model gives it no probability")
	}
	o.length[t.Segment] = max(o.length[t.Segment], t.Index)
	o.targets[t.Segment] = append(o.targets[t.Segment], j)
	return nil
}

func (o *outline) findLeaves() {
	children := make([][]int, len(o.tree.Segments))
	var roots []int
	for s := range o.tree.Segments {
		if o.length[s] < 0 {
			continue
		}
		if p := o.tree.Segments[s].Parent; p == rollout.NoParent {
			roots = append(roots, s)
		} else {
			children[p] = append(children[p], s)
		}
	}
	type step struct{ segment, depth int }
	var stack []step
	for i := len(roots) - 1; i >= 0; i-- {
		stack = append(stack, step{roots[i], 0})
	}
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		depth := top.depth + o.length[top.segment]
		o.longest = max(o.longest, depth)
		below := children[top.segment]
		if len(below) == 0 {
			o.leaves = append(o.leaves, top.segment)
		}
		for i := len(below) - 1; i >= 0; i-- {
			stack = append(stack, step{below[i], depth})
		}
	}
}

// pieces cuts the tree into as few groups of neighbouring paths as fit into limit tokens each. A prefix that several
// groups need is repeated in each; its targets belong to the first. It returns nil where a single path is too long.
func (o *outline) pieces(limit int) []*piece {
	if o.longest > limit {
		return nil
	}
	var all []*piece
	var current *piece
	done := make([]bool, len(o.tree.Segments)) // targets given out
	for _, leaf := range o.leaves {
		path := o.tree.Path(leaf)
		if current == nil || current.tokens+current.missing(path, o.length) > limit {
			current = &piece{tree: o.index, position: map[int]int{}}
			all = append(all, current)
		}
		for _, s := range path {
			if _, ok := current.position[s]; ok {
				continue
			}
			parent := -1
			if p := o.tree.Segments[s].Parent; p != rollout.NoParent {
				parent = current.position[p]
			}
			current.position[s] = len(current.segments)
			current.segments = append(current.segments, s)
			current.parent = append(current.parent, parent)
			current.length = append(current.length, o.length[s])
			current.tokens += o.length[s]
			if !done[s] {
				done[s] = true
				current.targets = append(current.targets, o.targets[s]...)
			}
		}
	}
	return all
}

// missing counts the tokens of path that p does not hold yet.
func (p *piece) missing(path, length []int) int {
	n := 0
	for _, s := range path {
		if _, ok := p.position[s]; !ok {
			n += length[s]
		}
	}
	return n
}
