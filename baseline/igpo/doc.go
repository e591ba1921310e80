// Package igpo is IGPO, information gain-based policy optimisation: each turn is rewarded with what it adds to the probability that
// the policy itself gives to the gold answer, and the last turn with the F1 of the answer.
//
// # Equations
//
// i = 1…G are the trajectories of a question, t = 1…T_i the turns of one, τ_t the prefix after turn t with what the environment
// returned, τ_0 the prompt, a* the gold answer.
//
//	p_t = exp( mean_j log π_old(a*_j | τ_t, OPENING, a*_<j) )        package likelihood
//	g_t = p_t − p_{t−1}                        t = 1…T−1             the turn's reward
//	o   = F1(answer, a*)                       at turn T             0 without an answer
//	z   = (reward − mean)/(std + ε)            among all g of the question's group, and among its G o: each kind for itself
//	A_t = Σ_{k≥t} γ^{k−t} z_k                                        for every token that the policy sampled in turn t
//
// p is a number of the behaviour policy, teacher-forced; no gradient goes through it. It is computed for the whole batch in one
// call, and τ_0 once for all trajectories of a question.
//
// # Limiting cases
//
//   - Turns that tell nothing (p constant) and γ = 1: GRPO with F1 as the reward, to the bit.
//   - The sum of a trajectory's g_t is p_{T−1} − p_0: they telescope, so before normalisation and with γ = 1 the turns' rewards are
//     worth what was known at the end less what was known at the beginning, whatever the way. Normalising subtracts the mean from
//     every turn, so after it a trajectory's sum does depend on the number of its turns: a turn that adds less than the group's
//     mean counts as a loss.
//
// What IG-Search changes: it compares with the same turn after documents of other questions (a counterfactual) in place of the
// turn before, and keeps the outcome and the gain apart.
//
// # Source
//
// IGPO ("Information Gain-based Policy Optimization", arXiv 2510.14967) and its released code. The paper's own text could not be
// read when this was written, so equations have no numbers; the order of operations, normalise and then discount, is the
// paper's as its authors confirmed it, against the first public code, which discounted and then centred (issue 5).
//
// Departures, each with its reason:
//
//   - The group of g holds the turns of all trajectories of a question, whatever their index; a trajectory with more turns has more
//     of a say in its mean.
//   - A group of equal rewards has z = 0 (package grpo).
//   - The opening after which a* is scored is the protocol's forced answer: the embedded policy gives no answer without a thought.
//   - Of several gold answers the first is scored, as in the code. The best of them at each turn would be biased upwards.
package igpo
