package plain

import (
	"context"
	"errors"
	"fmt"
	"math"

	"searchrl/rollout"
	"searchrl/sampling"
)

// Score implements [rollout.Policy].
func (m *Model) Score(ctx context.Context, reqs []rollout.ScoreRequest) ([][][]float64, error) {
	type target struct{ request, m int }
	var targets []target
	prefixes := make([][]int, len(reqs))
	out := make([][][]float64, len(reqs))
	for i, r := range reqs {
		if err := m.checkScore(&reqs[i]); err != nil {
			return nil, fmt.Errorf("plain: score: request %d: %w", i, err)
		}
		prefixes[i] = r.Prefix
		out[i] = make([][]float64, len(r.Targets))
		for j := range r.Targets {
			targets = append(targets, target{i, j})
		}
	}
	pasts, err := m.prefill(ctx, prefixes)
	if err != nil {
		return nil, fmt.Errorf("plain: score: %w", err)
	}
	err = m.parallel(ctx, len(targets), func(ctx context.Context, s *stepper, k int) (err error) {
		i, j := targets[k].request, targets[k].m
		out[i][j], err = s.score(ctx, pasts[i], reqs[i].Targets[j])
		if err != nil {
			return fmt.Errorf("request %d, target %d: %w", i, j, err)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("plain: score: %w", err)
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

// score returns the log-probability of each token of target after the past.
func (s *stepper) score(ctx context.Context, p *past, target []int) ([]float64, error) {
	seq := s.m.fork(p.seq, p.seq.len())
	logits := p.logits
	out := make([]float64, len(target))
	for j, id := range target {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if j > 0 {
			s.push(seq, target[j-1])
			logits = s.next()
		}
		if out[j] = sampling.LogProb(logits, id); math.IsNaN(out[j]) {
			return nil, errDiverged
		}
	}
	return out, nil
}
