package rollout

import (
	"context"
	"fmt"
	"math/rand/v2"

	"searchrl/qa"
)

// Rollout samples G trajectories of each question, branching at the question: result[i] is the tree of question i, its
// trajectories in the order in which they were sampled. All questions advance together, one step at a time, so that the
// policy and the searcher work on full batches.
//
// One number is drawn from rng for each question, and the question's samples depend on it alone, not on which other
// questions are in the call.
func (e *Env) Rollout(ctx context.Context, questions []qa.Question, g int, sampling Sampling, rng *rand.Rand) ([]*Tree, error) {
	trees := make([]*Tree, len(questions))
	roots := make([]Leaf, len(questions))
	for i, question := range questions {
		var err error
		if trees[i], err = e.Start(question); err != nil {
			return nil, err
		}
		roots[i] = Leaf{Tree: trees[i]}
	}
	if _, err := e.Continue(ctx, roots, g, sampling, rng); err != nil {
		return nil, err
	}
	return trees, nil
}

// path is one trajectory under way.
type path struct {
	Leaf
	end   End
	seeds *rand.Rand
}

// Continue samples n trajectories from each leaf with what is left of its budgets and appends them to the leaf's tree:
// result[i][j] is the index in Trajectories of the j-th one from leaf i. A leaf may be the root, the end of a step, or a
// query whose search is still to be executed; one where nothing can follow gives n trajectories that end there.
//
// One number is drawn from rng for each leaf (see [Env.Rollout]). After an error the trees hold the steps so far, and
// no new trajectories.
func (e *Env) Continue(ctx context.Context, from []Leaf, n int, sampling Sampling, rng *rand.Rand) ([][]int, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	if n < 1 {
		return nil, fmt.Errorf("continuing: %d trajectories a leaf, expected 1 or more", n)
	}
	paths, err := e.branch(ctx, from, n, sampling, rng)
	if err != nil {
		return nil, err
	}
	for running := unfinished(paths); len(running) > 0; running = unfinished(running) {
		if err := e.advance(ctx, running, sampling); err != nil {
			return nil, err
		}
	}
	out := make([][]int, len(from))
	for i, p := range paths {
		out[i/n] = append(out[i/n], p.Tree.Finish(p.Segment, p.end))
	}
	return out, nil
}

// branch takes the step in which the n trajectories of each leaf part.
func (e *Env) branch(ctx context.Context, from []Leaf, n int, sampling Sampling, rng *rand.Rand) ([]*path, error) {
	observed, err := e.Observe(ctx, from)
	if err != nil {
		return nil, err
	}
	var paths []*path
	var open []int
	var reqs []StepRequest
	for i, leaf := range from {
		seed := rng.Uint64()
		for j := range n {
			seeds := rand.New(rand.NewPCG(^seed, uint64(j))) // not (seed, j): sample j of the first step draws from that
			paths = append(paths, &path{Leaf{leaf.Tree, observed[i].Leaf}, observed[i].End, seeds})
		}
		if observed[i].End == "" {
			open = append(open, i)
			reqs = append(reqs, StepRequest{Tree: leaf.Tree, Leaf: observed[i].Leaf, N: n, Sampling: sampling, Seed: seed})
		}
	}
	sampled, err := e.Sample(ctx, reqs)
	if err != nil {
		return nil, err
	}
	for k, i := range open {
		for j, candidate := range sampled[k] {
			p := paths[i*n+j]
			p.Segment = p.Tree.Attach(p.Segment, candidate)
		}
	}
	return paths, nil
}

// advance lets the environment and then the policy move once on each path.
func (e *Env) advance(ctx context.Context, paths []*path, sampling Sampling) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	leaves := make([]Leaf, len(paths))
	for i, p := range paths {
		leaves[i] = p.Leaf
	}
	observed, err := e.Observe(ctx, leaves)
	if err != nil {
		return err
	}
	var reqs []StepRequest
	for i, p := range paths {
		p.Segment, p.end = observed[i].Leaf, observed[i].End
		if p.end == "" {
			reqs = append(reqs, StepRequest{Tree: p.Tree, Leaf: p.Segment, N: 1, Sampling: sampling, Seed: p.seeds.Uint64()})
		}
	}
	sampled, err := e.Sample(ctx, reqs)
	if err != nil {
		return err
	}
	for i, p := range unfinished(paths) {
		p.Segment = p.Tree.Attach(p.Segment, sampled[i][0])
	}
	return nil
}

func unfinished(paths []*path) []*path {
	var out []*path
	for _, p := range paths {
		if p.end == "" {
			out = append(out, p)
		}
	}
	return out
}
