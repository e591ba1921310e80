package evaluate

import (
	"context"
	"fmt"
	"math/rand/v2"

	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/rollout"
)

// Result is how one question went.
type Result struct {
	ID       string      `json:"id"`
	Question string      `json:"question"`
	Hops     int         `json:"hops,omitempty"` // facts to combine, 0 if unknown
	Gold     []string    `json:"golden_answers"`
	Answer   string      `json:"answer"` // "" if none was given
	End      rollout.End `json:"end"`
	EM       float64     `json:"em"` // 0 or 1
	F1       float64     `json:"f1"` // in [0, 1]
	Searches int         `json:"searches"`
	Turns    int         `json:"turns"`
	Invalid  int         `json:"invalid"`        // invalid actions
	Sampled  int         `json:"sampled_tokens"` // for the question, discarded ones included
}

// Options of an evaluation.
type Options struct {
	// Sampling is the distribution to decode from; the zero value is greedy.
	Sampling rollout.Sampling
	// Batch is the number of questions in flight at a time; 0 means 64. It changes speed and memory only.
	Batch int
	// Actor answers the questions; nil means the plain agent loop.
	Actor grpo.Actor
	// Observe, if set, sees the questions' results and trees after each batch. An error ends the evaluation.
	Observe func(results []Result, trees []*rollout.Tree) error
}

// defaultBatch keeps progress flowing while batched decoders stay busy.
const defaultBatch = 64

// Run lets env's policy answer each question once and returns the results in the order of the questions. When the context
// ends it returns the results so far with the error.
func Run(ctx context.Context, env *rollout.Env, questions []qa.Question, options Options, rng *rand.Rand) ([]Result, error) {
	batch := options.Batch
	if batch <= 0 {
		batch = defaultBatch
	}
	results := make([]Result, 0, len(questions))
	for len(results) < len(questions) {
		part := questions[len(results):min(len(results)+batch, len(questions))]
		trees, err := options.answer(ctx, env, part, rng)
		if err != nil {
			return results, fmt.Errorf("evaluating questions %d to %d of %d: %w",
				len(results)+1, len(results)+len(part), len(questions), err)
		}
		if len(trees) != len(part) {
			return results, fmt.Errorf("evaluating questions %d to %d: %d trees, expected %d", len(results)+1, len(results)+len(part), len(trees), len(part))
		}
		graded := make([]Result, len(trees))
		for i, tree := range trees {
			if len(tree.Trajectories) != 1 {
				return results, fmt.Errorf("evaluating question %q: %d trajectories, expected 1", tree.Question.ID, len(tree.Trajectories))
			}
			graded[i] = Grade(tree, 0)
		}
		results = append(results, graded...)
		if options.Observe != nil {
			if err := options.Observe(graded, trees); err != nil {
				return results, err
			}
		}
	}
	return results, nil
}

// answer lets the actor, or the plain agent loop, answer each question once.
func (o Options) answer(ctx context.Context, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
	if o.Actor != nil {
		return o.Actor.Act(ctx, env, questions, o.Sampling, rng)
	}
	return env.Rollout(ctx, questions, 1, o.Sampling, rng)
}

// Grade returns how trajectory i of tree went. A trajectory without an answer has exact match and F1 0. The
// sampled tokens are those of the whole tree.
func Grade(tree *rollout.Tree, i int) Result {
	trajectory := tree.Trajectories[i]
	r := Result{
		ID: tree.Question.ID, Question: tree.Question.Text, Hops: tree.Question.Hops, Gold: tree.Question.Answers,
		Answer: trajectory.Answer, End: trajectory.End,
		Searches: trajectory.Searches, Turns: trajectory.Turns, Invalid: trajectory.Invalid,
		Sampled: tree.Total().Sampled,
	}
	if trajectory.End == rollout.Answered {
		r.EM = qa.ExactMatch(trajectory.Answer, tree.Question.Answers)
		r.F1 = qa.F1(trajectory.Answer, tree.Question.Answers)
	}
	return r
}

// ExactMatch returns the share of the trajectories of trees whose answer is right, and 0 where there are none: the exact
// match of a training step, whatever reward the method gives.
func ExactMatch(trees []*rollout.Tree) float64 {
	right, n := 0.0, 0
	for _, tree := range trees {
		for i := range tree.Trajectories {
			right += Grade(tree, i).EM
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return right / float64(n)
}
