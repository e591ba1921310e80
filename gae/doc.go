// Package gae turns rewards and a critic's values into advantages: generalised advantage estimation (Schulman et al., 2016) over
// the policy's own tokens.
//
// # Equations
//
// A trajectory's tokens that the policy sampled, in order, are j = 0 … n−1; r_j is the reward at token j and V_j the critic's
// value of what comes before it.
//
//	δ_j = r_j + γ V_{j+1} − V_j,  V_n = 0              TD error
//	A_j = Σ_{l≥0} (γλ)^l δ_{j+l} = δ_j + γλ A_{j+1}    advantage, Eq. 16
//	G_j = A_j + V_j                                    what the critic learns: the λ-return
//
// Limiting cases: λ = 0 gives the TD errors; λ = 1 gives Σ_l γ^l r_{j+l} − V_j, whatever V is, so that the policy
// gradient is unbiased for γ = 1; with V = 0, γ = λ = 1 and one reward R at the end it is R for every token, exactly: REINFORCE. For λ < 1 a wrong
// critic biases the gradient (package verify/critic shows both).
//
// # Which tokens count
//
// What the environment inserted (documents, notices, forced tags) is no action. [Estimator.Assign] leaves it out before it
// counts: j+1 is the next token that the policy sampled, and V_{j+1}, valued behind the documents, knows them. Two things
// follow that go wrong where GAE runs over all tokens with a mask afterwards:
//
//   - The reward of a trajectory that ends with documents or a notice lands on the last sampled token, not on a token that
//     is masked and never trained.
//   - Credit does not decay by (γλ)^n across a block of n inserted tokens, so a longer passage is not a longer time.
//
// The mean and the deviation of the whitening are over sampled tokens, too.
//
// # The end
//
// Nothing is bootstrapped: V_n = 0 however the trajectory ended, the spent budgets included. They are part of the task (a
// policy that does not answer in time earns nothing), not a horizon that cuts off what would have gone on.
package gae
