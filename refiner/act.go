package refiner

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"searchrl/qa"
	"searchrl/rollout"
)

// Act implements grpo.Actor: one draft a question, accepted if α ≥ τ, else cut where π_h is highest (greedy) or as it is
// drawn from π_h, and continued. A method with a Reviewer leaves its drafts as they are: nobody knows the answers here.
//
// A decision that the threshold made is in the tree as a segment that was not sampled. One number is drawn from rng for each
// question, and what is sampled for the question depends on it alone.
func (m Method) Act(ctx context.Context, env *rollout.Env, questions []qa.Question, sampling rollout.Sampling, rng *rand.Rand) ([]*rollout.Tree, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	first, streams := rollout.Streams(len(questions), rng)
	trees, err := env.Rollout(ctx, questions, 1, sampling, first)
	if err != nil || m.Reviewer != nil || m.Rounds == 0 {
		return trees, err
	}
	if err := m.knows(env); err != nil {
		return nil, err
	}
	suffix := sampling
	switch m.Suffix {
	case Greedy:
		suffix = rollout.Sampling{}
	case Sampled:
		suffix = m.Sampling
	}
	attempts := drafts(trees, streams)
	for r := 0; r < m.Rounds && slices.ContainsFunc(attempts, (*attempt).open); r++ {
		if err := m.decide(ctx, env, attempts, sampling); err != nil {
			return nil, fmt.Errorf("search-r2: %w", err)
		}
		if err := revise(ctx, env, attempts, suffix); err != nil {
			return nil, fmt.Errorf("search-r2: %w", err)
		}
	}
	finish(trees, attempts)
	return trees, nil
}

// decide reviews the open attempts and decides by the policy's logits.
func (m Method) decide(ctx context.Context, env *rollout.Env, attempts []*attempt, sampling rollout.Sampling) error {
	reviewed, err := review(env, attempts)
	if err != nil {
		return err
	}
	odds, err := env.Odds(ctx, reviews(reviewed))
	if err != nil {
		return err
	}
	for i, a := range reviewed {
		r := &a.rounds[len(a.rounds)-1]
		r.odds = &odds[i]
		if len(odds[i].Cut) > 0 && odds[i].Accept < m.Threshold {
			r.ruling = rollout.Ruling{Keep: choose(odds[i].Cut, sampling, a.seeds)}
		}
		tokens := env.DecisionTokens(r.ruling)
		r.decision = a.tree.Add(rollout.Segment{
			Parent: r.review, Kind: rollout.Decision, Tokens: tokens, Text: env.Tokenizer.Decode(tokens), Value: r.ruling.String(),
		})
	}
	return nil
}

// choose returns where to cut: the likeliest place, the first of several, or one drawn from π_h.
func choose(cut []float64, sampling rollout.Sampling, rng *rand.Rand) int {
	best := 0
	if sampling.Temperature == 0 {
		for c := range cut {
			if cut[c] > cut[best] {
				best = c
			}
		}
		return best
	}
	u := rng.Float64()
	for c, p := range cut {
		if u < p {
			return c
		}
		u -= p
	}
	return len(cut) - 1
}
