// Package comparison says what a set of runs shows about the methods that were run: figures with intervals, who differs
// from the baseline and how sure that is, learning curves, and the same by the number of facts that a question combines.
//
// [Read] reads what experiment.Comparison left in its folder, [NewTable] computes. So a comparison that was stopped and
// taken up again is computed from the same files as an unbroken one, and old folders can be read again.
//
// # Intervals
//
// All are 95 %. A figure of one method is a mean over seeds, with Student's t interval over seeds: it covers the choice of
// the seed and holds for the questions that were asked. The difference to the baseline is taken over pairs of the same
// seed and the same question, and its interval covers the choice of both (interval.Crossed). Its p-values in exact match are
// corrected for the number of methods (interval.Holm); other figures have intervals, each by itself, and are not tested.
//
// # The gradient's noise
//
// gradient_variance estimates tr Cov(g), the variance of a training step's gradient summed over its components, from the
// norms of the gradient and of its two halves by questions (grpo.GradientNoise). It depends on how the method scales its
// advantages. gradient_noise is free of that scale: the mean variance over the mean of |g|², which is the share of the
// squared gradient that is chance; near 1, a step is nearly all noise.
package comparison
