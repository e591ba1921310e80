package model

import (
	"context"
	"errors"
	"fmt"

	"searchrl/accel"
	"searchrl/plain"
	"searchrl/rollout"
	"searchrl/sampling"
)

// plainParameters is the size up to which package plain decodes by default where the backend computes on the processor.
// Measured on 2 cores (BenchmarkGenerate; the table is in the package comment).
const plainParameters = 1_000_000

// Generate implements rollout.Policy with the decoder that Options.Decoder names. Sampled log-probabilities agree with
// those of Score to float32 rounding, whichever decoder it is.
func (m *Model) Generate(ctx context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	for i := range reqs {
		if err := m.checkGenerate(&reqs[i]); err != nil {
			return nil, fmt.Errorf("model: generate: request %d: %w", i, err)
		}
	}
	if m.decoder == DecoderPlain {
		host, err := m.onHost()
		if err != nil {
			return nil, err
		}
		return host.Generate(ctx, reqs)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return nil, errClosed
	}
	out, err := m.decode(ctx, reqs)
	if err != nil {
		return nil, fmt.Errorf("model: generate: %w", err)
	}
	return out, nil
}

// Decoder says what samples: DecoderPlain or DecoderCompiled.
func (m *Model) Decoder() string { return m.decoder }

// chooseDecoder resolves DecoderAuto.
func chooseDecoder(option string, b *accel.Backend, parameters int) string {
	switch {
	case option == DecoderPlain || option == DecoderCompiled:
		return option
	case b.IsCPU() && parameters <= plainParameters, b.Kind() == accel.Go:
		return DecoderPlain
	}
	return DecoderCompiled
}

// onHost returns the plain decoder of the current weights. They are copied from the device when it is first asked for after
// a change, not after every step.
func (m *Model) onHost() (*plain.Model, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	m.hostMu.Lock()
	defer m.hostMu.Unlock()
	if m.host != nil && m.hostVersion == m.version && !m.closed {
		return m.host, nil
	}
	w, err := m.download()
	if err != nil {
		return nil, err
	}
	host, err := plain.New(m.cfg, w, m.tok)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	m.host, m.hostVersion = host, m.version
	return host, nil
}

func (m *Model) checkGenerate(r *rollout.GenerateRequest) error {
	if len(r.Prefix) == 0 {
		return errors.New("the prefix is empty")
	}
	for j, id := range r.Prefix {
		if id < 0 || id >= m.cfg.VocabSize {
			return fmt.Errorf("prefix token %d is %d, expected 0 to %d", j, id, m.cfg.VocabSize-1)
		}
	}
	switch {
	case r.N < 1:
		return fmt.Errorf("%d samples, expected at least 1", r.N)
	case r.MaxTokens < 1:
		return fmt.Errorf("at most %d new tokens, expected at least 1", r.MaxTokens)
	case len(r.Prefix) > m.cfg.MaxPositions || r.MaxTokens > m.cfg.MaxPositions-len(r.Prefix):
		return fmt.Errorf("a prefix of %d and %d new tokens exceed the model's %d positions", len(r.Prefix), r.MaxTokens, m.cfg.MaxPositions)
	case len(r.Stop) > 0 && m.tok == nil:
		return errors.New("stop texts need a tokenizer, and the model was made without one")
	}
	if err := sampling.Validate(r.Sampling); err != nil {
		return err
	}
	_, err := sampling.NewStops(r.Stop)
	return err
}
