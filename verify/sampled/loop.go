package sampled

import (
	"context"
	"fmt"
	"math/rand/v2"

	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/rollout"
	"searchrl/verify/kernel"
)

// Judge gives the immediate reward of a step: prefix is the path up to its decision point, step the sampled segments.
type Judge func(prefix []int, step []rollout.Segment) (float64, error)

// loop draws from a policy by the agent loop, as the methods do.
type loop struct {
	ctx       context.Context
	env       *rollout.Env
	questions []qa.Question
	judge     Judge
	k, t      int
	reward    float64 // width of a step's reward
	kernels   kernel.Kernels
}

func (s *loop) steps() int     { return s.t }
func (s *loop) width() float64 { return s.reward }

// draw samples, for each group, k whole trajectories of a question, and at each decision point of the first one k−1 more
// candidates. The first trajectory's own step is the k-th: it is a draw from the policy at the same prefix, independent of
// the others, and the prefix is a draw from the policy's own distribution of prefixes.
func (s *loop) draw(rng *rand.Rand, n int) ([]group, error) {
	asked := make([]qa.Question, n)
	for i := range asked {
		asked[i] = s.questions[rng.IntN(len(s.questions))]
	}
	sampling := rollout.Sampling{Temperature: 1}
	trees, err := s.env.Rollout(s.ctx, asked, s.k, sampling, rng)
	if err != nil {
		return nil, fmt.Errorf("sampling whole trajectories: %w", err)
	}
	rewards := make([][][]float64, n) // [group][trajectory][step]
	candidates := make([][][]float64, n)
	var reqs []rollout.StepRequest
	var of [][2]int
	for i, tree := range trees {
		rewards[i], candidates[i] = make([][]float64, s.k), make([][]float64, s.t)
		for j, trajectory := range tree.Trajectories {
			for t, point := range decisions(tree, trajectory.Leaf) {
				if t >= s.t {
					return nil, fmt.Errorf("a trajectory of more than %d steps", s.t)
				}
				r, err := s.judge(tree.PathTokens(point.prefix), point.step)
				if err != nil {
					return nil, err
				}
				rewards[i][j] = append(rewards[i][j], r)
				if j == 0 && s.k > 1 {
					candidates[i][t] = append(candidates[i][t], r)
					reqs = append(reqs, rollout.StepRequest{Tree: tree, Leaf: point.prefix, N: s.k - 1, Sampling: sampling, Seed: rng.Uint64()})
					of = append(of, [2]int{i, t})
				}
			}
		}
	}
	sampled, err := s.env.Sample(s.ctx, reqs)
	if err != nil {
		return nil, fmt.Errorf("sampling candidates: %w", err)
	}
	for q, at := range of {
		prefix := reqs[q].Tree.PathTokens(reqs[q].Leaf)
		for _, c := range sampled[q] {
			r, err := s.judge(prefix, c.Segments)
			if err != nil {
				return nil, err
			}
			candidates[at[0]][at[1]] = append(candidates[at[0]][at[1]], r)
		}
	}
	out := make([]group, n)
	for i := range out {
		g := group{full: at(s.kernels.Full(rewards[i], grpo.MeanOnly), 0)}
		for t := range s.t {
			column := make([]float64, s.k)
			for j, row := range rewards[i] {
				if t < len(row) {
					column[j] = row[t]
				}
			}
			if candidates[i][t] == nil { // the trajectory had ended
				candidates[i][t] = make([]float64, s.k)
			}
			g.truncated = append(g.truncated, s.kernels.Truncated(candidates[i][t], grpo.MeanOnly))
			g.unshared = append(g.unshared, s.kernels.Truncated(column, grpo.MeanOnly))
		}
		out[i] = g
	}
	return out, nil
}

// decision is a decision point on a path, and the step that was taken there.
type decision struct {
	prefix int
	step   []rollout.Segment
}

// decisions lists a path's decision points.
func decisions(tree *rollout.Tree, leaf int) []decision {
	var out []decision
	var step []rollout.Segment
	for _, s := range tree.Path(leaf) {
		segment := tree.Segments[s]
		if !segment.Sampled() {
			continue
		}
		if len(step) == 0 {
			out = append(out, decision{prefix: segment.Parent})
		}
		step = append(step, segment)
		switch segment.Kind {
		case rollout.Query, rollout.Answer, rollout.Invalid:
			out[len(out)-1].step, step = step, nil
		}
	}
	return out
}
