package plain

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"searchrl/rollout"
	"searchrl/sampling"
)

// Score implements [rollout.Policy]: it goes through the requests' token trees level by level, the segments of a level in
// parallel, so that every token after the same path is computed once.
func (m *Model) Score(ctx context.Context, reqs []rollout.ScoreRequest) ([][][]float64, error) {
	var sequences [][]int
	var lengths []int // of the targets at the sequences' ends
	for i, r := range reqs {
		if err := m.checkScore(&reqs[i]); err != nil {
			return nil, fmt.Errorf("plain: score: request %d: %w", i, err)
		}
		for _, target := range r.Targets {
			sequences, lengths = append(sequences, slices.Concat(r.Prefix, target)), append(lengths, len(target))
		}
	}
	trees, ends := rollout.Share(sequences)
	scored := newScored(trees)
	for i, end := range ends {
		scored.want(end, lengths[i])
	}
	for _, level := range scored.levels() {
		err := m.parallel(ctx, len(level), func(ctx context.Context, s *stepper, i int) error {
			return s.score(ctx, level[i])
		})
		if err != nil {
			return nil, fmt.Errorf("plain: score: %w", err)
		}
	}
	out := make([][][]float64, len(reqs))
	for i, r := range reqs {
		out[i] = make([][]float64, len(r.Targets))
		for j, target := range r.Targets {
			out[i][j] = scored.read(ends[0], len(target))
			ends = ends[1:]
		}
	}
	return out, nil
}

func (m *Model) checkScore(r *rollout.ScoreRequest) error {
	if err := m.checkTokens(r.Prefix); err != nil {
		return fmt.Errorf("prefix: %w", err)
	}
	if len(r.Targets) == 0 {
		return errors.New("no targets, want at least one")
	}
	for j, target := range r.Targets {
		if err := m.checkTokens(target); err != nil {
			return fmt.Errorf("target %d: %w", j, err)
		}
		if err := m.checkLength(len(r.Prefix) + len(target)); err != nil {
			return fmt.Errorf("target %d: %w", j, err)
		}
	}
	return nil
}

// scored holds a span for each segment of the trees.
type scored [][]*span

// span is a segment on its way through the model.
type span struct {
	parent   *span // nil at a root
	before   []int // tokens of the path before the segment
	tokens   []int
	first    int       // the first of its tokens that is part of a target; all after it are; len(tokens) if none is
	followed bool      // some segment goes on from it
	seq      *sequence // the past with the segment, in the end; without its last token if nothing follows
	logits   []float32 // [V], after the last token, if something follows
	logProbs []float64 // of tokens[first:]
}

func newScored(trees []*rollout.Tree) scored {
	s := make(scored, len(trees))
	for i, tree := range trees {
		for _, segment := range tree.Segments {
			n := &span{tokens: segment.Tokens, first: len(segment.Tokens)}
			if segment.Parent != rollout.NoParent {
				n.parent = s[i][segment.Parent]
				n.parent.followed = true
				n.before = slices.Concat(n.parent.before, n.parent.tokens)
			}
			s[i] = append(s[i], n)
		}
	}
	return s
}

// want marks the last count tokens of the path to end.
func (s scored) want(end rollout.Place, count int) {
	for n := s[end.Tree][end.Segment]; n != nil && count > 0; n = n.parent {
		n.first = min(n.first, max(0, len(n.tokens)-count))
		count -= len(n.tokens)
	}
}

// read returns the log-probabilities of the last count tokens of the path to end.
func (s scored) read(end rollout.Place, count int) []float64 {
	out := make([]float64, count)
	for n := s[end.Tree][end.Segment]; n != nil && count > 0; n = n.parent {
		for j := len(n.tokens) - 1; j >= 0 && count > 0; j-- {
			count--
			out[count] = n.logProbs[j-n.first]
		}
	}
	return out
}

// levels groups the spans by their depth.
func (s scored) levels() [][]*span {
	var levels [][]*span
	depth := map[*span]int{}
	for _, tree := range s {
		for _, n := range tree {
			if n.parent != nil {
				depth[n] = depth[n.parent] + 1
			}
			if depth[n] == len(levels) {
				levels = append(levels, nil)
			}
			levels[depth[n]] = append(levels[depth[n]], n)
		}
	}
	return levels
}

// score computes a span whose parent is done. Tokens whose logits nobody asks for may come from the cache.
func (s *stepper) score(ctx context.Context, n *span) error {
	path := slices.Concat(n.before, n.tokens)
	known := min(n.first, len(n.tokens)) - 1 // tokens that need not be computed if the cache has them
	n.seq = s.m.recall(path[:max(0, len(n.before)+known)])
	var logits []float32
	if n.parent != nil {
		logits = n.parent.logits
		if n.seq.len() <= len(n.before) {
			n.seq = s.m.fork(n.parent.seq, len(n.before))
		}
	}
	n.logProbs = make([]float64, 0, len(n.tokens)-n.first)
	for j := n.seq.len() - len(n.before); j < len(n.tokens); j++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if j >= n.first {
			lp := sampling.LogProb(logits, n.tokens[j])
			if math.IsNaN(lp) {
				return errDiverged
			}
			n.logProbs = append(n.logProbs, lp)
		}
		last := j == len(n.tokens)-1
		if last && !n.followed {
			break
		}
		asked := last || j+1 >= n.first
		s.push(n.seq, n.tokens[j], asked)
		if last {
			n.logits = slices.Clone(s.next())
		} else if asked {
			logits = s.next()
		}
	}
	s.m.cache.insert(n.seq)
	return nil
}
