// Package ppo is Search-R1 trained by PPO: whole trajectories rewarded by the match of their answer, as in package searchr1, but
// with a critic's values for a baseline instead of the mean of a group.
//
// # Equations
//
//	R = EM(answer, a*) ∈ {0, 1}                at the last token that the policy sampled; no answer: 0
//	A_j = Σ_l (γλ)^l δ_{j+l}                   generalised advantages over the policy's own tokens (package gae)
//	A_j ← (A_j − mean A)/√(var A + 1e-8)       over all of a step's sampled tokens, if whitened
//	L_V = mean_j ½ max((V_j − G_j)², (clip(V_j) − G_j)²),  G_j = A_j + V_j before whitening (grpo.ValueLoss)
//
// The policy's loss is the clipped surrogate of package grpo. The critic is a network of its own that starts as a copy of the
// base policy with a value head of zeros (package model).
//
// Source: Jin et al., Search-R1 (arXiv 2503.09516), PPO of §3.1 and its released trainer: γ = λ = 1, whitened, value clip 0.5.
// PPO is Schulman et al. (2017), GAE Schulman et al. (2016).
//
// Limiting case: with a frozen critic of zeros, γ = λ = 1 and no whitening every token has the raw reward R: REINFORCE
// without a baseline, bit for bit.
//
// Departures, each with its reason:
//
//   - The KL divergence from the base policy is a term of the loss here (grpo.Surrogate, off by default), as in the GRPO variants,
//     where the released trainer subtracts it from the rewards. One mechanism for all methods keeps them comparable.
//   - GAE and whitening run over the policy's own tokens only; see package gae for what goes wrong otherwise.
//   - Only the response is graded, as in package searchr1. The released reward reads the prompt too, whose two example answers
//     make a rollout without an answer count as if it had answered "Beijing".
//   - Group trajectories a question (5), where the source samples one of each of 512 questions. A critic needs no group. But so
//     every method of a comparison gets the same questions with the same number of samples, and a prompt is computed once.
package ppo
