package kernel

import (
	"math"

	"searchrl/grpo"
	"searchrl/rollout"
)

// path calls f with each segment from leaf to the root.
func path(tree *rollout.Tree, leaf int, f func(s int, segment *rollout.Segment)) {
	for s := leaf; s >= 0; s = tree.Segments[s].Parent {
		f(s, &tree.Segments[s])
	}
}

// retarget edits what the real function returns.
func retarget(edit func(trees []*rollout.Tree, how grpo.Aggregation, targets []grpo.Target) []grpo.Target) func(*Kernels) {
	return func(k *Kernels) {
		k.Targets = func(trees []*rollout.Tree, how grpo.Aggregation) ([]grpo.Target, error) {
			targets, err := grpo.Targets(trees, how)
			if err != nil {
				return nil, err
			}
			return edit(trees, how, targets), nil
		}
	}
}

// each edits every target.
func each(edit func(trees []*rollout.Tree, t *grpo.Target)) func(*Kernels) {
	return retarget(func(trees []*rollout.Tree, _ grpo.Aggregation, targets []grpo.Target) []grpo.Target {
		for i := range targets {
			edit(trees, &targets[i])
		}
		return targets
	})
}

// keep drops the targets that it says no to.
func keep(yes func(trees []*rollout.Tree, t grpo.Target) bool) func(*Kernels) {
	return retarget(func(trees []*rollout.Tree, _ grpo.Aggregation, targets []grpo.Target) []grpo.Target {
		var out []grpo.Target
		for _, t := range targets {
			if yes(trees, t) {
				out = append(out, t)
			}
		}
		return normalised(out)
	})
}

// aggregating aggregates in another way than it is told to.
func aggregating(instead map[grpo.Aggregation]grpo.Aggregation) func(*Kernels) {
	return func(k *Kernels) {
		k.Targets = func(trees []*rollout.Tree, how grpo.Aggregation) ([]grpo.Target, error) {
			if other, ok := instead[how]; ok {
				how = other
			}
			return grpo.Targets(trees, how)
		}
	}
}

// stepping changes the weights of the step mean: w is the right one.
func stepping(weight func(tree *rollout.Tree, segment int, w float64) float64) func(*Kernels) {
	return retarget(func(trees []*rollout.Tree, how grpo.Aggregation, targets []grpo.Target) []grpo.Target {
		if how != grpo.StepMean {
			return targets
		}
		for i, t := range targets {
			targets[i].Weight = weight(trees[t.Tree], t.Segment, t.Weight)
		}
		return normalised(targets)
	})
}

func normalised(targets []grpo.Target) []grpo.Target {
	total := 0.0
	for _, t := range targets {
		total += t.Weight
	}
	for i := range targets {
		if total > 0 {
			targets[i].Weight /= total
		}
	}
	return targets
}

// inserted makes targets of the tokens that the environment inserted, with the advantage of the segment before or after.
func inserted(kind func(rollout.Kind) bool) func(*Kernels) {
	return retarget(func(trees []*rollout.Tree, _ grpo.Aggregation, targets []grpo.Target) []grpo.Target {
		for i, tree := range trees {
			for s, segment := range tree.Segments {
				for j := range segment.Tokens {
					if !segment.Sampled() && kind(segment.Kind) {
						targets = append(targets, grpo.Target{Tree: i, Segment: s, Index: j, Advantage: 1, OldLogProb: -1, Weight: 1 / float64(len(targets)+1)})
					}
				}
			}
		}
		return normalised(targets)
	})
}

// assigning is a wrong SetAdvantage: which segments get what.
func assigning(f func(tree *rollout.Tree, leaf int, a float64)) func(*Kernels) {
	return func(k *Kernels) { k.SetAdvantage = f }
}

// rebatch edits the batch of an optimiser step.
func rebatch(edit func(b *grpo.Batch, s grpo.Surrogate)) func(*Kernels) {
	return func(k *Kernels) {
		k.Batch = func(trees []*rollout.Tree, how grpo.Aggregation, s grpo.Surrogate, reference grpo.Scorer) (grpo.Batch, error) {
			b, err := batch(trees, how, s, reference)
			edit(&b, s)
			return b, err
		}
	}
}

func targetFaults() []planted {
	return []planted{
		{setAdvantage, []fault{
			{"assign/documents-trained", "the documents on the path are trained", assigning(func(tree *rollout.Tree, leaf int, a float64) {
				path(tree, leaf, func(_ int, s *rollout.Segment) {
					if s.Kind == rollout.Documents {
						s.LogProbs = constant(-1, len(s.Tokens))
					}
				})
				grpo.SetAdvantage(tree, leaf, a)
			})},
			{"assign/openings-trained", "tags that the environment wrote are trained", assigning(func(tree *rollout.Tree, leaf int, a float64) {
				path(tree, leaf, func(_ int, s *rollout.Segment) {
					if s.Kind == rollout.Opening {
						s.LogProbs = constant(-1, len(s.Tokens))
					}
				})
				grpo.SetAdvantage(tree, leaf, a)
			})},
			{"assign/leaf-only", "only the last segment is trained", assigning(func(tree *rollout.Tree, leaf int, a float64) {
				if s := &tree.Segments[leaf]; s.Sampled() {
					s.Advantages = constant(a, len(s.Tokens))
				}
			})},
			{"assign/whole-tree", "all branches get the trajectory's advantage", assigning(func(tree *rollout.Tree, _ int, a float64) {
				for i := range tree.Segments {
					if s := &tree.Segments[i]; s.Sampled() {
						s.Advantages = constant(a, len(s.Tokens))
					}
				}
			})},
			{"assign/split-over-tokens", "the tokens of a segment share the advantage", assigning(func(tree *rollout.Tree, leaf int, a float64) {
				grpo.SetAdvantage(tree, leaf, a)
				path(tree, leaf, func(_ int, s *rollout.Segment) {
					for j := range s.Advantages {
						s.Advantages[j] = a / float64(len(s.Tokens))
					}
				})
			})},
			{"assign/last-token-only", "the advantage is on a segment's last token alone", assigning(func(tree *rollout.Tree, leaf int, a float64) {
				grpo.SetAdvantage(tree, leaf, a)
				path(tree, leaf, func(_ int, s *rollout.Segment) {
					for j := 0; j+1 < len(s.Advantages); j++ {
						s.Advantages[j] = 0
					}
				})
			})},
			{"assign/added", "the advantage is added to the one set before", assigning(func(tree *rollout.Tree, leaf int, a float64) {
				before := make([][]float64, len(tree.Segments))
				for i := range tree.Segments {
					before[i] = tree.Segments[i].Advantages
				}
				grpo.SetAdvantage(tree, leaf, a)
				path(tree, leaf, func(i int, s *rollout.Segment) {
					for j := range s.Advantages {
						if before[i] != nil {
							s.Advantages[j] += before[i][j]
						}
					}
				})
			})},
		}},
		{targetWeights, []fault{
			{"targets/documents-trained", "retrieved tokens are trained", inserted(func(k rollout.Kind) bool { return k == rollout.Documents })},
			{"targets/prompt-trained", "the prompt is trained", inserted(func(k rollout.Kind) bool { return k == rollout.Prompt })},
			{"targets/weights-not-normalised", "the weights add up to the number of tokens", retarget(func(_ []*rollout.Tree, _ grpo.Aggregation, ts []grpo.Target) []grpo.Target {
				for i := range ts {
					ts[i].Weight *= float64(len(ts))
				}
				return ts
			})},
			{"targets/sequence-for-token-mean", "the two aggregations are swapped", aggregating(map[grpo.Aggregation]grpo.Aggregation{
				grpo.TokenMean: grpo.SequenceMean, grpo.SequenceMean: grpo.TokenMean})},
			{"targets/token-for-step-mean", "the step mean gives every token the same weight", aggregating(map[grpo.Aggregation]grpo.Aggregation{
				grpo.StepMean: grpo.TokenMean})},
			{"targets/sequence-for-step-mean", "the step mean leaves out steps on no trajectory", aggregating(map[grpo.Aggregation]grpo.Aggregation{
				grpo.StepMean: grpo.SequenceMean})},
			{"targets/step-mean-by-segment", "in the step mean thought and action weigh the same, whatever their lengths", stepping(func(tree *rollout.Tree, s int, _ float64) float64 {
				return 1 / float64(len(tree.Segments[s].Advantages))
			})},
			{"targets/step-mean-not-divided", "in the step mean a step weighs as much as it has tokens", stepping(func(_ *rollout.Tree, _ int, w float64) float64 {
				if w > 0 {
					return 1
				}
				return 0
			})},
			{"targets/step-mean-action-alone", "the step mean leaves the thoughts out", stepping(func(tree *rollout.Tree, s int, w float64) float64 {
				if tree.Segments[s].Kind == rollout.Think {
					return 0
				}
				return w
			})},
			{"targets/mean-of-trees", "each tree weighs the same, however many tokens it has", retarget(func(trees []*rollout.Tree, _ grpo.Aggregation, ts []grpo.Target) []grpo.Target {
				of := make([]float64, len(trees))
				for _, t := range ts {
					of[t.Tree] += t.Weight
				}
				for i := range ts {
					if w := of[ts[i].Tree]; w > 0 {
						ts[i].Weight /= w
					}
				}
				return normalised(ts)
			})},
			{"targets/prefix-counted-twice", "a shared token is a target once for each trajectory", retarget(func(trees []*rollout.Tree, _ grpo.Aggregation, ts []grpo.Target) []grpo.Target {
				out := ts
				for _, t := range ts {
					n := 0
					for _, trajectory := range trees[t.Tree].Trajectories {
						path(trees[t.Tree], trajectory.Leaf, func(s int, _ *rollout.Segment) {
							if s == t.Segment {
								n++
							}
						})
					}
					for range n - 1 {
						out = append(out, t)
					}
				}
				return normalised(out)
			})},
			{"targets/prefix-weight-doubled", "a shared token weighs as much as the trajectories that share it, in the token mean, too", retarget(func(trees []*rollout.Tree, how grpo.Aggregation, ts []grpo.Target) []grpo.Target {
				for i, t := range ts {
					n := 0
					for _, trajectory := range trees[t.Tree].Trajectories {
						path(trees[t.Tree], trajectory.Leaf, func(s int, _ *rollout.Segment) {
							if s == t.Segment {
								n++
							}
						})
					}
					if how == grpo.TokenMean {
						ts[i].Weight *= float64(max(n, 1))
					}
				}
				return normalised(ts)
			})},
			{"targets/zero-advantages-dropped", "tokens with advantage 0 give their weight to others", keep(func(_ []*rollout.Tree, t grpo.Target) bool { return t.Advantage != 0 })},
			{"targets/last-token-dropped", "the token that ends a segment is not trained", keep(func(trees []*rollout.Tree, t grpo.Target) bool {
				return t.Index+1 < len(trees[t.Tree].Segments[t.Segment].Tokens)
			})},
			{"targets/first-token-dropped", "a segment's first token is not trained", keep(func(_ []*rollout.Tree, t grpo.Target) bool { return t.Index > 0 })},
			{"targets/old-log-prob-shifted", "a token has the old log-probability of its neighbour", each(func(trees []*rollout.Tree, t *grpo.Target) {
				lps := trees[t.Tree].Segments[t.Segment].LogProbs
				t.OldLogProb = lps[(t.Index+1)%len(lps)]
			})},
			{"targets/old-probability", "the old probability for its logarithm", each(func(_ []*rollout.Tree, t *grpo.Target) { t.OldLogProb = math.Exp(t.OldLogProb) })},
			{"targets/advantage-of-the-first-token", "all tokens of a segment have the first one's advantage", each(func(trees []*rollout.Tree, t *grpo.Target) {
				t.Advantage = trees[t.Tree].Segments[t.Segment].Advantages[0]
			})},
			{"targets/index-shifted", "a target is the token after the one that was sampled", each(func(_ []*rollout.Tree, t *grpo.Target) { t.Index++ })},
		}},
		{trainedBatch, []fault{
			{"batch/weights-renormalised", "the tokens that move share the weight of those that do not", rebatch(func(b *grpo.Batch, _ grpo.Surrogate) { normalised(b.Targets) })},
			{"batch/kl-of-moving-tokens-only", "tokens with advantage 0 are left out although they have a KL term", rebatch(func(b *grpo.Batch, _ grpo.Surrogate) {
				var kept []grpo.Target
				for _, t := range b.Targets {
					if t.Advantage != 0 {
						kept = append(kept, t)
					}
				}
				b.Targets = kept
			})},
			{"batch/reference-shifted", "a token has the reference log-probability of its neighbour", rebatch(func(b *grpo.Batch, _ grpo.Surrogate) {
				ts := append([]grpo.Target(nil), b.Targets...)
				for j := range ts {
					b.Targets[j].RefLogProb = ts[(j+1)%len(ts)].RefLogProb
				}
			})},
			{"batch/reference-is-old", "the reference is the behaviour policy", rebatch(func(b *grpo.Batch, _ grpo.Surrogate) {
				for j := range b.Targets {
					b.Targets[j].RefLogProb = b.Targets[j].OldLogProb
				}
			})},
			{"batch/half", "half of the tokens are left out", rebatch(func(b *grpo.Batch, _ grpo.Surrogate) { b.Targets = b.Targets[len(b.Targets)/2:] })},
		}},
	}
}
