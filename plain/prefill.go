package plain

import (
	"context"
	"encoding/binary"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// past is a prefix that has gone through the model.
type past struct {
	tokens []int
	seq    *sequence // the cached keys and values, in the end of all tokens
	logits []float32 // [V], after the last token; nil until then
}

// blockKey names a full block within a call: what follows the same block with the same tokens is the same.
type blockKey struct {
	parent *block
	tokens [BlockSize]int
}

// prefill computes the past of every prefix; equal prefixes get the same one. It goes through the prefixes block by block, so
// that a full block that several of them begin with is computed once.
func (m *Model) prefill(ctx context.Context, prefixes [][]int) ([]*past, error) {
	pasts := make([]*past, len(prefixes))
	byTokens := map[string]*past{}
	var open, distinct []*past
	for i, tokens := range prefixes {
		name := spell(tokens)
		if byTokens[name] == nil {
			byTokens[name] = &past{tokens: tokens, seq: m.recall(tokens[:len(tokens)-1])}
			open = append(open, byTokens[name])
		}
		pasts[i] = byTokens[name]
	}
	distinct = open
	known := map[blockKey]*block{}
	for len(open) > 0 {
		var now, later []*past
		computing := map[blockKey]*past{} // full blocks of this round, by who computes them
		for _, p := range open {
			key, shareable := p.next()
			for shareable && known[key] != nil {
				p.take(known[key])
				key, shareable = p.next()
			}
			if shareable && computing[key] != nil {
				later = append(later, p)
				continue
			}
			if shareable {
				computing[key] = p
			}
			now = append(now, p)
		}
		err := m.parallel(ctx, len(now), func(ctx context.Context, s *stepper, i int) error {
			return s.advance(ctx, now[i])
		})
		if err != nil {
			return nil, err
		}
		for key, p := range computing {
			known[key] = p.seq.blocks[len(p.seq.blocks)-1]
		}
		open = later
		for _, p := range now {
			if p.logits == nil {
				open = append(open, p)
			}
		}
	}
	for _, p := range distinct {
		m.cache.insert(p.seq)
	}
	return pasts, nil
}

// next names the block that p needs next. Only a full block before the last token can be shared: the last token must be
// computed anyhow, for its logits.
func (p *past) next() (key blockKey, shareable bool) {
	i := p.seq.len() / BlockSize
	if (i+1)*BlockSize >= len(p.tokens) {
		return key, false
	}
	copy(key.tokens[:], p.tokens[i*BlockSize:])
	if i > 0 {
		key.parent = p.seq.blocks[i-1]
	}
	return key, true
}

// take appends a full block that somebody else has computed, in place of what p has of it.
func (p *past) take(b *block) {
	i := p.seq.len() / BlockSize
	p.seq.blocks = append(p.seq.blocks[:i], b)
}

// advance computes p up to the end of its next block, or to its last token and the logits there.
func (s *stepper) advance(ctx context.Context, p *past) error {
	n := p.seq.len()
	end := min((n/BlockSize+1)*BlockSize, len(p.tokens))
	for j, token := range p.tokens[n:end] {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.push(p.seq, token, n+j == len(p.tokens)-1)
	}
	if end == len(p.tokens) {
		p.logits = append([]float32(nil), s.next()...)
	}
	return nil
}

// recall returns what the cache has of the past of tokens, as a sequence that can be continued.
func (m *Model) recall(tokens []int) *sequence {
	whole, last, n := m.cache.lookup(tokens)
	seq := &sequence{blocks: whole}
	if n > 0 {
		seq.blocks = append(seq.blocks, m.copyBlock(last, n))
	}
	return seq
}

// parallel calls do(0) … do(n−1) from the model's goroutines, each with its own stepper, and waits for all of them.
// The first error cancels the rest.
func (m *Model) parallel(ctx context.Context, n int, do func(ctx context.Context, s *stepper, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	var taken atomic.Int64
	for range min(m.workers, n) {
		group.Go(func() error {
			s := m.newStepper()
			defer func() { m.computed.Add(s.pushed) }()
			for i := int(taken.Add(1)) - 1; i < n; i = int(taken.Add(1)) - 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := do(ctx, s, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// spell turns tokens into a map key.
func spell(tokens []int) string {
	b := make([]byte, 0, 4*len(tokens))
	for _, id := range tokens {
		b = binary.LittleEndian.AppendUint32(b, uint32(id))
	}
	return string(b)
}
