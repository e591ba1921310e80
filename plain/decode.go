package plain

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"searchrl/rollout"
	"searchrl/sampling"
	"searchrl/tokenizer"
)

var _ rollout.Policy = (*Model)(nil)

// errDiverged is what sampling from a distribution with NaNs gives.
var errDiverged = errors.New("the model's logits are not finite; its weights have diverged")

// Generate implements [rollout.Policy]. A request that could run past the model's positions is an error.
func (m *Model) Generate(ctx context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	type sample struct{ request, n int }
	var samples []sample
	prefixes := make([][]int, len(reqs))
	out := make([][]rollout.Completion, len(reqs))
	for i := range reqs {
		if err := m.checkGenerate(&reqs[i]); err != nil {
			return nil, fmt.Errorf("plain: generate: request %d: %w", i, err)
		}
		prefixes[i] = reqs[i].Prefix
		out[i] = make([]rollout.Completion, reqs[i].N)
		for n := range reqs[i].N {
			samples = append(samples, sample{i, n})
		}
	}
	pasts, err := m.prefill(ctx, prefixes)
	if err != nil {
		return nil, fmt.Errorf("plain: generate: %w", err)
	}
	err = m.parallel(ctx, len(samples), func(ctx context.Context, s *stepper, j int) (err error) {
		i, n := samples[j].request, samples[j].n
		out[i][n], err = s.sample(ctx, &reqs[i], n, pasts[i])
		if err != nil {
			return fmt.Errorf("request %d, sample %d: %w", i, n, err)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("plain: generate: %w", err)
	}
	return out, nil
}

func (m *Model) checkGenerate(r *rollout.GenerateRequest) error {
	if err := m.checkTokens(r.Prefix); err != nil {
		return fmt.Errorf("prefix: %w", err)
	}
	switch {
	case r.N < 1:
		return fmt.Errorf("%d samples, want at least 1", r.N)
	case r.MaxTokens < 1:
		return fmt.Errorf("at most %d new tokens, want at least 1", r.MaxTokens)
	case len(r.Stop) > 0 && m.tok == nil:
		return errors.New("stop texts need a tokenizer, and the model was made without one")
	case r.MaxTokens > m.cfg.MaxPositions: // the sum could overflow
		return m.checkLength(r.MaxTokens)
	}
	if err := sampling.Validate(r.Sampling); err != nil {
		return err
	}
	if _, err := sampling.NewStops(r.Stop); err != nil {
		return err
	}
	return m.checkLength(len(r.Prefix) + r.MaxTokens)
}

// sample draws sample n of request r.
func (s *stepper) sample(ctx context.Context, r *rollout.GenerateRequest, n int, p *past) (rollout.Completion, error) {
	sampler, err := sampling.New(r.Sampling)
	if err != nil {
		return rollout.Completion{}, err
	}
	stops, err := sampling.NewStops(r.Stop)
	if err != nil {
		return rollout.Completion{}, err
	}
	var text *tokenizer.Stream
	if len(r.Stop) > 0 {
		text = s.m.tok.Stream()
	}
	rng := sampling.Stream(r.Seed, n)
	seq := s.m.fork(p.seq, p.seq.len())
	logits := p.logits
	room := min(r.MaxTokens, 2*BlockSize) // most samples stop long before a generous limit
	c := rollout.Completion{Tokens: make([]int, 0, room), LogProbs: make([]float64, 0, room)}
	for {
		if err := ctx.Err(); err != nil {
			return rollout.Completion{}, err
		}
		id, logprob := sampler.Draw(logits, rng)
		if math.IsNaN(logprob) {
			return rollout.Completion{}, errDiverged
		}
		c.Tokens = append(c.Tokens, id)
		c.LogProbs = append(c.LogProbs, logprob)
		if text != nil {
			c.Stop = stops.Push(text.Push(id))
		}
		if c.Stop == "" && slices.Contains(s.m.eos, id) {
			c.Stop = rollout.EndOfSequence
		}
		if c.Stop != "" || len(c.Tokens) == r.MaxTokens {
			s.m.cache.insert(seq)
			return c, nil
		}
		s.push(seq, id, true)
		logits = s.next()
	}
}
