package judge

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
)

// Noise is a judge that errs: it replaces each known score of another judge, with a given probability, by −1, 0 or 1 with
// equal probability (which can be what it was). So the score is wrong with two thirds of that probability, and its error
// is independent of everything but the step's content: the same step gets the same score, in whatever order and company
// it is judged. Identical candidates therefore stay equal.
type Noise struct {
	judge Judge
	p     float64
	seed  uint64
}

var _ Judge = (*Noise)(nil)

// NewNoise wraps a judge. p is the probability of a replacement, in [0, 1]; rng is drawn from once, here.
func NewNoise(judge Judge, p float64, rng *rand.Rand) (*Noise, error) {
	switch {
	case judge == nil || rng == nil:
		return nil, errors.New("judge: noise needs a judge and a source of randomness")
	case !(p >= 0 && p <= 1):
		return nil, fmt.Errorf("judge: noise with probability %v, expected 0 to 1", p)
	}
	return &Noise{judge: judge, p: p, seed: rng.Uint64()}, nil
}

// Name implements Judge.
func (n *Noise) Name() string { return fmt.Sprintf("%s, %g noise", n.judge.Name(), n.p) }

// Close closes the judge within.
func (n *Noise) Close() error { return Close(n.judge) }

// Judge implements Judge.
func (n *Noise) Judge(ctx context.Context, steps []Step) ([]Verdict, error) {
	verdicts, err := ask(ctx, n.judge, steps)
	if err != nil {
		return nil, err
	}
	for i, step := range steps {
		rng := rand.New(rand.NewPCG(n.seed, fingerprint(step)))
		n.disturb(&verdicts[i].Thought, rng)
		n.disturb(&verdicts[i].Action, rng)
	}
	return verdicts, nil
}

// disturb draws twice whatever happens, so that a component's noise does not depend on the other's.
func (n *Noise) disturb(s *Score, rng *rand.Rand) {
	replace, value := rng.Float64() < n.p, float64(rng.IntN(3)-1)
	if !s.Known || !replace {
		return
	}
	s.Reason = fmt.Sprintf("noise in place of %+g: %s", s.Value, s.Reason)
	s.Value = value
	s.Source = "noise over " + s.Source
}

// fingerprint is a number that steps share only if their texts do. Each text is quoted, so that no two ways to divide the
// same letters look alike; the documents' scores are left out.
func fingerprint(step Step) uint64 {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %q %q %v", step.Question.ID, step.Question.Text, step.Question.Answers, step.Thought, step.Query,
		step.Answer, step.IsAnswer)
	for _, past := range step.Past {
		fmt.Fprintf(h, "\n%q %q", past.Thought, past.Query)
		for _, d := range past.Documents {
			fmt.Fprintf(h, " (%q %q %q)", d.ID, d.Title, d.Text)
		}
	}
	return binary.LittleEndian.Uint64(h.Sum(nil))
}
