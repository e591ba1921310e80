// Package gigpo is GiGPO, group-in-group policy optimisation: whole trajectories are compared as in GRPO, and in addition the
// steps that start from the same observation are compared with each other, at no cost in sampling.
//
// # Equations
//
// i = 1…G are the trajectories of a question, t = 1…T_i the steps of one, r_t the rewards of its steps (here the exact match
// of the answer at the last step, 0 before), o_t the observation that step t starts from: the question at t = 1, then the block
// of documents (or the notice) that the environment returned.
//
//	episode   R_i = Σ_t r_{i,t}                 A^E_i = (R_i − mean R)/F                    Eq. 3
//	return    R_{i,t} = Σ_{s≥t} γ^{s−t} r_{i,s}                                             Eq. 5   γ = 0.95
//	anchor    G(o) = {(i,t) : o_{i,t} = o}, within one question                             Eq. 6
//	step      A^S_{i,t} = (R_{i,t} − mean over G(o_{i,t}))/F                                 Eq. 7
//	both      A_{i,t} = A^E_i + ω A^S_{i,t}, for every token that the policy sampled in it  Eq. 8   ω = 1
//
// F is the group's standard deviation, or 1 (grpo.Normalisation). An anchor's group may hold steps of different index, and two
// steps of one trajectory that came by twice.
//
// # Limiting cases
//
//   - ω = 0 is Search-R1 (package searchr1), to the bit.
//   - Where no two steps of a question start from equal documents, the only anchor that is shared is the question: A^S is 0 but
//     for the first steps.
//   - γ = 1 and T_i = 1 for all i: A^S = A^E.
//
// # What is to be expected of it
//
// The mean of an anchor's group is a baseline. Where equal observations mean equal values, A^S with F = 1 is Q − V up to the factor
// 1 − 1/n, n the size of the group (package verify/credit enumerates it). An observation does not hold the question's history,
// so the same documents after different steps share a group whose members do not have the same value: the baseline is then off by
// the difference, which does not depend on the step's own action and so does not turn the gradient. It does where one
// trajectory is in a group twice: then the baseline holds what the action itself brought about.
//
// # Source
//
// GiGPO (Feng et al., "Group-in-Group Policy Optimization for LLM Agent Training", arXiv 2505.10978) and its released code
// (core_gigpo.py, langfengQ/verl-agent). Numbers of equations are those of the code's comments.
//
// Departures from the released code, each with its reason:
//
//   - Each trajectory counts once in the mean and the deviation of Eq. 3. There it counts once for each of its steps by default,
//     so long trajectories move the baseline more; [Method.PerStep] does that.
//   - A group without variance, a group of one included, has advantage 0 at both levels (package grpo). There the only trajectory
//     of a question keeps its raw reward.
//   - A step is trained in the context it was sampled in. There each step is a sample of its own with a shortened history as its
//     prompt: the thoughts before are dropped.
//   - No penalty for invalid actions (0.01 there): the embedded world ends a trajectory at one.
package gigpo
