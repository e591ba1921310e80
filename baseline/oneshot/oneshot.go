package oneshot

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"

	"searchrl/baseline/searchr1"
	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/rollout"
)

// Direct answers at once; it implements grpo.Untrained.
type Direct struct{}

// RAG answers after one search for the question; it implements grpo.Untrained.
type RAG struct{}

// Name returns "direct".
func (Direct) Name() string { return "direct" }

// Name returns "rag".
func (RAG) Name() string { return "rag" }

// Untrained implements grpo.Untrained.
func (Direct) Untrained() {}

// Untrained implements grpo.Untrained.
func (RAG) Untrained() {}

// Collect is an error: there is nothing to train.
func (d Direct) Collect(context.Context, *rollout.Env, []qa.Question, *rand.Rand) ([]*rollout.Tree, grpo.Metrics, error) {
	return nil, nil, untrained(d)
}

// Collect is an error: there is nothing to train.
func (r RAG) Collect(context.Context, *rollout.Env, []qa.Question, *rand.Rand) ([]*rollout.Tree, grpo.Metrics, error) {
	return nil, nil, untrained(r)
}

func untrained(m grpo.Untrained) error {
	return fmt.Errorf("%s only answers, there is nothing to train; expected a method that samples trajectories", m.Name())
}

// Act answers each question at once (see grpo.Actor). One number is drawn from rng for each question.
func (Direct) Act(ctx context.Context, env *rollout.Env, questions []qa.Question, sampling rollout.Sampling, rng *rand.Rand) ([]*rollout.Tree, error) {
	trees, err := start(env, questions)
	if err != nil {
		return nil, err
	}
	return trees, answer(ctx, env, trees, sampling, rng)
}

// Act searches for each question once and then answers (see grpo.Actor). All searches are one call to the searcher. One number
// is drawn from rng for each question.
func (RAG) Act(ctx context.Context, env *rollout.Env, questions []qa.Question, sampling rollout.Sampling, rng *rand.Rand) ([]*rollout.Tree, error) {
	trees, err := start(env, questions)
	if err != nil {
		return nil, err
	}
	queries := make([]string, len(questions))
	for i, question := range questions {
		queries[i] = question.Text
	}
	found, err := env.Search(ctx, queries)
	if err != nil {
		return nil, err
	}
	for i, tree := range trees {
		documents := env.Documents(found[i])
		documents.Parent = 0
		tree.Add(documents)
	}
	return trees, answer(ctx, env, trees, sampling, rng)
}

// start begins the questions' trees.
func start(env *rollout.Env, questions []qa.Question) ([]*rollout.Tree, error) {
	trees := make([]*rollout.Tree, len(questions))
	for i, question := range questions {
		var err error
		if trees[i], err = env.Start(question); err != nil {
			return nil, err
		}
	}
	return trees, nil
}

// answer forces an answer after the last segment of each tree and finishes the tree's only trajectory. One whose prefix leaves
// no room for a token ends without an answer.
func answer(ctx context.Context, env *rollout.Env, trees []*rollout.Tree, sampling rollout.Sampling, rng *rand.Rand) error {
	opening := cmp.Or(env.Protocol.ForcedAnswer, env.Protocol.Tags.Answer.Open())
	var reqs []rollout.StepRequest
	for _, tree := range trees {
		leaf, seed := env.Open(tree, len(tree.Segments)-1, opening), rng.Uint64()
		if len(tree.PathTokens(leaf)) >= env.Protocol.MaxTokens {
			tree.Finish(leaf, rollout.OutOfTokens)
			continue
		}
		reqs = append(reqs, rollout.StepRequest{Tree: tree, Leaf: leaf, N: 1, Sampling: sampling, Seed: seed})
	}
	sampled, err := env.Sample(ctx, reqs)
	if err != nil {
		return err
	}
	for i, req := range reqs {
		leaf := req.Tree.Attach(req.Leaf, sampled[i][0])
		end := rollout.InvalidAction
		if req.Tree.Segments[leaf].Kind == rollout.Answer {
			end = rollout.Answered
		}
		req.Tree.Finish(leaf, end)
		req.Tree.Trajectories[0].Reward = searchr1.Outcome(req.Tree, 0)
	}
	return nil
}
