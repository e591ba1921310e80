package warmstart

import (
	"context"
	"fmt"
	"math/rand/v2"

	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tinyworld"
	"searchrl/tokenizer"
)

// School holds what demonstrations are made with: the worlds of the warm start, each with its searcher. It is safe for
// concurrent use.
type School struct {
	level     tinyworld.Level
	tokenizer *tokenizer.Tokenizer
	protocol  rollout.Protocol
	classes   []class
}

type class struct {
	world    *tinyworld.World
	searcher retrieval.Searcher
}

// NewSchool opens the first n worlds of the warm start.
func NewSchool(level tinyworld.Level, n int) (*School, error) {
	if n < 1 {
		return nil, fmt.Errorf("warm start: %d worlds, expected 1 or more", n)
	}
	tok, err := tinyworld.Tokenizer(level)
	if err != nil {
		return nil, err
	}
	s := &School{level: level, tokenizer: tok, protocol: tinyworld.Protocol(level)}
	for i := range n {
		world, err := tinyworld.New(level, tinyworld.Seed(tinyworld.WarmStart, i))
		if err != nil {
			return nil, err
		}
		searcher, err := retrieval.NewBM25(world.Documents())
		if err != nil {
			return nil, fmt.Errorf("warm start: indexing world %d: %w", i, err)
		}
		s.classes = append(s.classes, class{world, searcher})
	}
	return s, nil
}

// Demonstrations makes n of them by the mixture, each in a world drawn from rng. They come out of the same agent loop,
// parser and searcher as the rollouts of a trained policy, so the two cannot differ by a token.
func (s *School) Demonstrations(ctx context.Context, rng *rand.Rand, n int, m Mixture) ([]*rollout.Tree, error) {
	trees, _, err := s.demonstrate(ctx, rng, n, m)
	return trees, err
}

// demonstrate is Demonstrations with the world of each.
func (s *School) demonstrate(ctx context.Context, rng *rand.Rand, n int, m Mixture) ([]*rollout.Tree, []class, error) {
	trees, worlds := make([]*rollout.Tree, n), make([]class, n)
	for i := range trees {
		c := s.classes[rng.IntN(len(s.classes))]
		decide, question := Demonstrator(c.world, m), qa.Question{}
		if rng.Float64() < m.ClosedBook {
			decide, question = ClosedBook(c.world), c.world.QuestionOfHops(rng, closedBookHops(rng))
		} else {
			question = c.world.Questions(rng, 1)[0]
		}
		env := rollout.Env{
			Policy:    tinyworld.NewAgent(s.tokenizer, decide),
			Searcher:  c.searcher,
			Tokenizer: s.tokenizer,
			Protocol:  s.protocol,
		}
		made, err := env.Rollout(ctx, []qa.Question{question}, 1, rollout.Sampling{Temperature: 1}, rng)
		if err != nil {
			return nil, nil, fmt.Errorf("demonstrating %q: %w", question.Text, err)
		}
		trees[i], worlds[i] = made[0], c
	}
	return trees, worlds, nil
}

// closedBookHops draws the number of facts of a question that is answered from memory: one mostly, since facts must be
// remembered before they can be combined.
func closedBookHops(rng *rand.Rand) int {
	switch u := rng.Float64(); {
	case u < .6:
		return 1
	case u < .9:
		return 2
	}
	return 3
}

// Lesson makes an imitation batch: every token that a demonstration's policy wrote counts the same.
func Lesson(trees []*rollout.Tree) grpo.Batch {
	batch := grpo.Batch{Trees: trees}
	for t, tree := range trees {
		for s := range tree.Segments {
			if !tree.Segments[s].Sampled() {
				continue
			}
			for j := range tree.Segments[s].Tokens {
				batch.Targets = append(batch.Targets, grpo.Target{Tree: t, Segment: s, Index: j})
			}
		}
	}
	for j := range batch.Targets {
		batch.Targets[j].Weight = 1 / float64(len(batch.Targets))
	}
	return batch
}
