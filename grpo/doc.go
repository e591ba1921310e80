// Package grpo holds what every method of this project shares once trajectories have rewards: group-relative
// advantages, the clipped surrogate with its KL estimators, and the training loop.
//
// # Equations
//
// For a question x the behaviour policy π_old samples a group of G trajectories with rewards R_1 … R_G. The advantage of
// trajectory i is its reward relative to its group (Shao et al., DeepSeekMath, 2024, §4.1; Search-R1, Jin et al., 2025):
//
//	A_i = (R_i − mean R) / (std R + ε)
//
// and each token j of the trajectory that the policy sampled has A_j = A_i. The loss that is minimised is
//
//	L = Σ_j w_j · ( − min(ρ_j A_j, clip(ρ_j, 1−ε_low, 1+ε_high) A_j) + β·kl_j − c·H_j ),   ρ_j = π_θ(j)/π_old(j)
//
// with weights w_j that add up to one (see [Aggregation]).
//
// # Methods with a critic
//
// Where advantages rest on a value function (PPO: package gae) instead of a group, the method is a [CriticMethod] and the
// learner a [Critic], too. The trainer hands the one to the other:
//
//	NewTrainer    method = method.WithCritic(learner)
//	Collect       the method asks for Values and sets, beside Advantages, Values and Returns of the segments it sampled
//	Update        each mini-batch: the critic's Fit on those, then the policy's Step on the advantages
//
// The critic's state belongs to the learner, hence to one run; its settings are in [Config]. A critic at learning rate 0 whose
// values are 0 leaves the policy's training bit for bit what it would be without one.
//
// # Departures from the sources, and why
//
//   - A group without variance, a group of one included, has advantage 0. Search-R1's code gives a group of one mean 0
//     and standard deviation 1, so that its raw reward becomes the advantage.
//   - Tokens are the ids that were sampled. Search-R1's code decodes, cuts and tokenises again each turn, so what it
//     trains can differ from what it sampled.
//   - The loss mask is not an array beside the tokens: only a segment with behaviour log-probabilities can have
//     advantages (rollout.Segment), so retrieved text cannot be trained by mistake.
//   - Tokens whose loss is constant (advantage 0, no KL, no entropy term) are left out of the pass over the transformer.
//     Their weight is not given to others, so the loss and its gradient are those of the full sum.
//
// # What the package is allowed to know
//
// Nothing of tensors, files or time: slices of float64 go in and come out, a [Learner] does the heavy work, and random
// streams come from the seed in [Config]. That is what lets the same code run against a policy whose trajectories can
// all be enumerated.
package grpo
