package model

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"searchrl/rollout"
	"searchrl/sampling"
	"searchrl/tokenizer"
)

// errDiverged is what sampling from a distribution with NaNs gives.
var errDiverged = errors.New("the model's logits are not finite; its weights have diverged")

// sample is one continuation while it grows.
type sample struct {
	request *rollout.GenerateRequest
	prefix  []int32 // places of the prefix in the packed row
	row     int     // of the decoding batch
	sampler *sampling.Sampler
	stops   *sampling.Stops
	text    *tokenizer.Stream
	rng     *rand.Rand
	out     *rollout.Completion
}

func (m *Model) newSample(r *rollout.GenerateRequest, n int, out *rollout.Completion) (*sample, error) {
	sampler, err := sampling.New(r.Sampling)
	if err != nil {
		return nil, err
	}
	stops, err := sampling.NewStops(r.Stop)
	if err != nil {
		return nil, err
	}
	s := &sample{request: r, sampler: sampler, stops: stops, rng: sampling.Stream(r.Seed, n), out: out}
	if len(r.Stop) > 0 {
		s.text = m.tok.Stream()
	}
	return s, nil
}

// draw draws the next token from its logits on the host.
func (s *sample) draw(logits []float32) (id int, logProb float64) {
	return s.sampler.Draw(logits, s.rng)
}

// chance returns the number from the sample's stream that decides the next token; greedy decoding takes none.
func (s *sample) chance() float64 {
	if s.request.Sampling.Temperature == 0 {
		return 0
	}
	return s.rng.Float64()
}

// add appends a token and reports whether the sample is complete.
func (s *sample) add(id int, logProb float64, eos []int) (done bool, err error) {
	if math.IsNaN(logProb) || math.IsInf(logProb, 0) {
		return false, errDiverged
	}
	s.out.Tokens, s.out.LogProbs = append(s.out.Tokens, id), append(s.out.LogProbs, logProb)
	if s.text != nil {
		s.out.Stop = s.stops.Push(s.text.Push(id))
	}
	if s.out.Stop == "" && slices.Contains(eos, id) {
		s.out.Stop = rollout.EndOfSequence
	}
	return s.out.Stop != "" || len(s.out.Tokens) == s.request.MaxTokens, nil
}
