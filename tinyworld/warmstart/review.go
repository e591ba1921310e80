package warmstart

import (
	"context"
	"fmt"
	"math/rand/v2"

	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/rollout"
)

// Review is the third part of the warm start: imitation of a reviewer who knows the facts but is not reliable. Half of the
// drafts are sampled from the base policy itself, so that it sees what it will have to review; the others are demonstrations
// of Mixture, since a weak policy has hardly a draft that is right.
type Review struct {
	Phase
	// Noise is the share of decisions that are drawn uniformly from all possible ones.
	Noise float64
}

// reviews makes the lessons of the review phase for a policy, which is asked for n drafts a lesson. The policy imitates the
// decisions on all drafts and, on its own drafts, itself: that keeps the actor as it was.
func (s *School) reviews(ctx context.Context, policy rollout.Policy, rng *rand.Rand, n int, r Review) (grpo.Batch, error) {
	own, worlds, err := s.drafts(ctx, policy, rng, n)
	if err != nil {
		return grpo.Batch{}, err
	}
	shown, shownWorlds, err := s.demonstrate(ctx, rng, n, r.Mixture)
	if err != nil {
		return grpo.Batch{}, err
	}
	themselves := Lesson(own)
	var reviewed []*rollout.Tree
	var decisions []int
	worlds = append(worlds, shownWorlds...)
	for i, tree := range append(own, shown...) {
		decision, err := s.decide(worlds[i], tree, rng, r.Noise)
		if err != nil {
			return grpo.Batch{}, fmt.Errorf("reviewing a draft of %q: %w", tree.Question.Text, err)
		}
		reviewed, decisions = append(reviewed, tree), append(decisions, decision)
	}
	return reviewLesson(reviewed, decisions, themselves), nil
}

// drafts samples one trajectory of n questions each, at temperature 1, in worlds drawn from rng.
func (s *School) drafts(ctx context.Context, policy rollout.Policy, rng *rand.Rand, n int) ([]*rollout.Tree, []class, error) {
	const perWorld = 8 // questions that are sampled in one call
	var trees []*rollout.Tree
	var worlds []class
	for len(trees) < n {
		c := s.classes[rng.IntN(len(s.classes))]
		env := rollout.Env{Policy: policy, Searcher: c.searcher, Tokenizer: s.tokenizer, Protocol: s.protocol}
		questions := c.world.Questions(rng, min(perWorld, n-len(trees)))
		sampled, err := env.Rollout(ctx, questions, 1, rollout.Sampling{Temperature: 1}, rng)
		if err != nil {
			return nil, nil, fmt.Errorf("sampling drafts: %w", err)
		}
		for _, tree := range sampled {
			trees, worlds = append(trees, tree), append(worlds, c)
		}
	}
	return trees, worlds, nil
}

// decide appends the review and a reviewer's decision to a tree of one draft and returns the decision's segment.
func (s *School) decide(c class, tree *rollout.Tree, rng *rand.Rand, noise float64) (int, error) {
	env := rollout.Env{Searcher: c.searcher, Tokenizer: s.tokenizer, Protocol: s.protocol}
	draft := tree.Trajectories[0]
	ruling := rollout.Ruling{Accept: true}
	if qa.ExactMatch(draft.Answer, tree.Question.Answers) != 1 {
		keep, ok, err := c.world.Flaw(tree, draft.Leaf)
		if err != nil {
			return 0, err
		}
		ruling = rollout.Ruling{Accept: !ok, Keep: keep}
	}
	if rng.Float64() < noise {
		all := rollout.Rulings(len(tree.Steps(draft.Leaf)))
		ruling = all[rng.IntN(len(all))]
	}
	review, ok, err := env.Review(tree, draft.Leaf)
	if err != nil {
		return 0, err
	}
	if !ok {
		return rollout.NoParent, nil
	}
	tokens := env.DecisionTokens(ruling)
	return tree.Add(rollout.Segment{
		Parent: review, Kind: rollout.Decision, Tokens: tokens, Text: s.tokenizer.Decode(tokens), Value: ruling.String(),
		LogProbs: make([]float64, len(tokens)),
	}), nil
}

// reviewLesson gives the decisions' tokens one half of the weight and those of the policy's own drafts the other.
func reviewLesson(trees []*rollout.Tree, decisions []int, drafts grpo.Batch) grpo.Batch {
	batch := grpo.Batch{Trees: trees}
	for t, s := range decisions {
		if s == rollout.NoParent {
			continue // no room for a review
		}
		for j := range trees[t].Segments[s].Tokens {
			batch.Targets = append(batch.Targets, grpo.Target{Tree: t, Segment: s, Index: j})
		}
	}
	for j := range batch.Targets {
		batch.Targets[j].Weight = .5 / float64(len(batch.Targets))
	}
	for _, target := range drafts.Targets {
		target.Weight /= 2
		batch.Targets = append(batch.Targets, target)
	}
	return batch
}
