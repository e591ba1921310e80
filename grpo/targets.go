package grpo

import (
	"fmt"

	"searchrl/rollout"
)

// Aggregation says how the tokens of a batch share the loss.
type Aggregation string

const (
	// TokenMean gives every trained token of the batch the same weight, so long trajectories count for more.
	TokenMean Aggregation = "token-mean"
	// SequenceMean gives every trajectory the same weight and its tokens equal shares of it (the GRPO paper). A token
	// that several trajectories share gets a share from each.
	SequenceMean Aggregation = "sequence-mean"
	// StepMean gives every step of the batch the same weight and its tokens equal shares of it, whether a trajectory
	// goes through it or not: SLATE's mean over the candidates of a decision point. A step is an action with what was
	// refined and thought before it, or a decision.
	StepMean Aggregation = "step-mean"
)

// Targets lists the trained tokens of a forest with their weights, which add up to 1: all tokens with an advantage, a zero
// one included. Old log-probabilities are those under the behaviour policy; reference ones are left at 0.
func Targets(trees []*rollout.Tree, how Aggregation) ([]Target, error) {
	var targets []Target
	for i, tree := range trees {
		weights, err := segmentWeights(tree, how)
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		for s := range tree.Segments {
			segment := &tree.Segments[s]
			for j := range segment.Advantages {
				targets = append(targets, Target{
					Tree: i, Segment: s, Index: j,
					Advantage:  segment.Advantages[j],
					OldLogProb: segment.LogProbs[j],
					Weight:     weights[s],
				})
			}
		}
	}
	total := 0.0
	for _, t := range targets {
		total += t.Weight
	}
	if total > 0 {
		for j := range targets {
			targets[j].Weight /= total
		}
	}
	return targets, nil
}

// segmentWeights returns the weight of each token of each segment before the batch is normalised.
func segmentWeights(tree *rollout.Tree, how Aggregation) ([]float64, error) {
	if err := tree.Validate(); err != nil {
		return nil, err
	}
	weights := make([]float64, len(tree.Segments))
	switch how {
	case TokenMean:
		for s := range weights {
			weights[s] = 1
		}
	case SequenceMean:
		for _, trajectory := range tree.Trajectories {
			path := tree.Path(trajectory.Leaf)
			n := 0
			for _, s := range path {
				n += len(tree.Segments[s].Advantages)
			}
			for _, s := range path {
				if n > 0 {
					weights[s] += 1 / float64(n)
				}
			}
		}
	case StepMean:
		weighSteps(tree, weights)
	default:
		return nil, fmt.Errorf("aggregation %q, expected %s, %s or %s", how, TokenMean, SequenceMean, StepMean)
	}
	return weights, nil
}

// weighSteps sets the weights of StepMean.
func weighSteps(tree *rollout.Tree, weights []float64) {
	for last := range tree.Segments {
		switch tree.Segments[last].Kind {
		case rollout.Query, rollout.Answer, rollout.Invalid, rollout.Decision:
		default:
			continue
		}
		step, n := []int{last}, len(tree.Segments[last].Advantages)
		for s := tree.Segments[last].Parent; s >= 0; s = tree.Segments[s].Parent {
			if kind := tree.Segments[s].Kind; kind != rollout.Think && kind != rollout.Refine {
				break
			}
			step, n = append(step, s), n+len(tree.Segments[s].Advantages)
		}
		for _, s := range step {
			if n > 0 {
				weights[s] += 1 / float64(n)
			}
		}
	}
}

// moving drops the targets whose loss does not depend on the policy: advantage 0 where there is neither a KL nor an
// entropy term, and weight 0. Weights stay as they are, so the loss and its gradient do too.
func moving(targets []Target, s Surrogate) []Target {
	kept := targets[:0:0]
	for _, t := range targets {
		if t.Weight != 0 && (t.Advantage != 0 || s.KLCoef != 0 || s.EntropyCoef != 0) {
			kept = append(kept, t)
		}
	}
	return kept
}

// SetAdvantage gives every token of each sampled segment on the path to leaf the advantage a.
// Segments shared with a path that was set before get the last value: use it where paths share no sampled segment.
func SetAdvantage(tree *rollout.Tree, leaf int, a float64) {
	for _, s := range tree.Path(leaf) {
		SetSegmentAdvantage(&tree.Segments[s], a)
	}
}

// SetStepAdvantage gives every token that the policy sampled in one step of a path (see rollout.Tree.Steps) the advantage a.
func SetStepAdvantage(tree *rollout.Tree, step rollout.StepSpan, a float64) {
	for s := step.Action; s >= step.First; s = tree.Segments[s].Parent {
		SetSegmentAdvantage(&tree.Segments[s], a)
	}
}

// SetSegmentAdvantage gives every token of a segment the advantage a, if the policy sampled it; nothing otherwise.
func SetSegmentAdvantage(segment *rollout.Segment, a float64) {
	if !segment.Sampled() {
		return
	}
	segment.Advantages = make([]float64, len(segment.Tokens))
	for j := range segment.Advantages {
		segment.Advantages[j] = a
	}
}
