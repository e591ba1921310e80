// Package estimator turns the step rewards of a group into advantages: by whole trajectories, by their rewards to go, and
// by continuations of one step from a shared prefix. It holds nothing but these functions of rewards, so that the method
// that trains (SLATE) and the checks of its variance (package verify) use the same ones.
//
// # Notation
//
// A trajectory τ has steps t = 1…T with rewards r_t; G = Σ_t r_t is its return and G_t = Σ_{s≥t} r_s its return to go. In
// Go the index of step t is t−1. k is the size of a group. z̄ is the mean of a group's z.
//
//	Full        A_{i,t} = G_i − Ḡ               k whole trajectories          Search-R1, GRPO with dense rewards
//	RewardToGo  A_{i,t} = G_{i,t} − Ḡ_t         k whole trajectories          the usual refinement of it
//	Truncated   A_j     = r^(j) − r̄             k continuations of one prefix SLATE, Eq. 5
//	Absolute    A_j     = r^(j)                 k continuations of one prefix a variant of it, without the group's mean
//
// each divided by the group's standard deviation if standardised (grpo.GroupAdvantages; the root mean square for Absolute).
//
// # Source
//
// SLATE ("Step-Level Advantage estimation for Truncated Exploration", Samarinas, Chang and Zamani, arXiv 2602.23440). Its
// abstract promises a reduction of the advantages' variance by up to a factor T. The text of its theorem could not be read
// when this was written: Eq. 5 and the selection softmax(A/η) are taken from the released code, and the statement about
// variances is our reconstruction. docs/theory.md gives it with its proof and its limits, and package verify/bound checks it:
// with mean-centred advantages and prefixes drawn from the policy,
//
//	Var(Full)       = (1 − 1/k) Var(G)
//	Var(RewardToGo) = (1 − 1/k) Var(G_t)
//	Var(Truncated)  = (1 − 1/k) E[Var(r_t | τ_<t)]
//
// so that T·mean_t Var(Truncated at t) ≤ Var(Full) where the step rewards' total covariance is not negative.
package estimator
