// Package mrsearch is MR-Search: several attempts at a question in one context. After each attempt, right or wrong, the
// environment asks for another one, which can read all that came before; so the policy can learn to use an attempt to make the
// next one better. An attempt is compared with the attempts of the same number of the question's other trajectories.
//
// # Equations
//
// i = 1…G are the trajectories of a question, n = 1…N the attempts of one, r_{i,n} the exact match of attempt n's answer.
//
//	baseline   a_{i,n} = r_{i,n} − mean of r_{j,n} over j ≠ i        leave-one-out, same question and same n; no deviation
//	credit     A_{i,n} = Σ_{m≥n} γ^{m−n} a_{i,m}                     for every token that the policy sampled in attempt n; γ = 1
//
// The baseline does not depend on trajectory i, so given what it did up to and in attempt n the expectation of A_{i,n} is exactly that
// of its return to go less the return's mean: there is no factor (1 − 1/G), as there is where the mean includes i.
//
// Options, all off in the source's runs: shaping, r_n + κ(r_n − r_{n−1}) in place of r_n for n ≥ 2; and a penalty for repeating
// oneself, r_N − λ(1 − d/N) with d the number of different answers (equal after normalisation; an attempt without an answer gives
// the empty one).
//
// # The context
//
//	prompt  attempt 1  REFLECTION  attempt 2  REFLECTION … attempt N
//
// Each attempt has the protocol's turns to itself. The tokens of all attempts together have N times the protocol's budget, or as
// many as the policy has positions for. An attempt for which no room is left is not made: the answer before it stands, and so does
// its reward. Reflections and
// documents are the environment's and are not trained. The trajectory is the whole path, its answer that of the last attempt, and
// its counts of turns and searches are those of all attempts: at test, too, the policy makes N attempts ([Method.Act]), so it has N
// times the budget of methods that make one, which a comparison has to state.
//
// # Limiting cases
//
//   - N = 1 is Search-R1 with mean-only advantages times G/(G − 1), to the bit.
//   - γ = 0: every attempt stands for itself.
//
// # Source
//
// MR-Search (meta-reinforcement learning with self-reflection for agentic search; released code, advantage "grpo_prm_step") as
// described in notes on that code: the paper's own text could not be read when this was written, so equations have no numbers.
//
// Departures from the released code, each with its reason:
//
//   - The reflection puts the question again, by the protocol's own prompt, unless [Method.Reflection] says otherwise. There a
//     user's turn asks in words to examine the answer and improve it. The embedded policy knows no such words, but knows what to
//     do with a question; for a policy that reads instructions give it some.
//   - The context is not cut on the left, which can lose the question (package rollout).
//   - No top-p 0.95 while training: it biases the ratio.
//   - How different answers are counted for the penalty is our reading.
package mrsearch
