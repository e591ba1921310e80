// Package searchr1 is Search-R1 trained by GRPO: the trajectory-level baseline that every other method here is compared
// with. For each question a group of G whole trajectories is sampled, a trajectory's reward is the exact match of its
// answer, and each sampled token gets the trajectory's group-relative advantage.
//
// # Equations
//
//	R_i = EM(answer_i, a*) ∈ {0, 1}            no answer: 0
//	A_j = (R_i − mean R)/(std R + ε)           for every token j that the policy sampled in trajectory i
//
// Source: Jin et al., "Search-R1: Training LLMs to Reason and Leverage Search Engines with Reinforcement Learning"
// (arXiv 2503.09516), reward of §3.4 (exact match only, no format reward), GRPO of §3.1.
//
// Departures from the released code, each with its reason:
//
//   - Only the response is graded. The released reward reads the prompt too, whose two example answers make a rollout
//     without an answer count as if it had answered "Beijing".
//   - Sampled ids are trained as sampled (see packages grpo and rollout).
//   - A group of equal rewards has advantage 0, a group of one too.
//   - A search asked for in the last turn is not executed and the trajectory ends without an answer, unless the protocol
//     forces one.
package searchr1
