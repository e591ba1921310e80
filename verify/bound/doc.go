// Package bound states the theorem on the variance of truncated advantages, where it is tight, and where it fails, as claims
// that are checked on enumerated decision processes in rational numbers (package exact), with zero tolerance.
//
// # The theorem
//
// SLATE's abstract (arXiv 2602.23440) says that sampling k continuations of one step from a shared prefix reduces the
// variance of advantage estimates by up to a factor T against sampling whole trajectories, for dense step rewards. The
// theorem's own text could not be read; the following is our reconstruction. Let z_1 … z_k be independent, then
// Var(z_1 − z̄) = (1 − 1/k) Var(z). Hence, mean-centred and with prefixes from the policy,
//
//	V_full   = (1 − 1/k) Var(G)                     estimator.Full
//	V_togo,t = (1 − 1/k) Var(G_t)                   estimator.RewardToGo
//	V_t      = (1 − 1/k) E[Var(r_t | τ_<t)]         estimator.Truncated
//
// and by the law of total variance
//
//	V_full − Σ_t V_t = (1 − 1/k) ( Σ_{s≠s'} Cov(r_s, r_s')  +  Σ_t Var(E[r_t | τ_<t]) ).
//
// So V_full ≥ T·mean_t V_t where the total covariance of the step rewards is not negative, with equality exactly where it
// is 0 and no prefix changes the expected reward of its next step. docs/theory.md has the proof and says what the theorem
// does not promise.
//
// # The claims
//
// [Claims] returns them all. A claim whose status should be verify.Limit names a failure of the bound, or of what one might
// read into it, and its check shows that failure on a process that is shrunk as far as it goes.
//
// [ClaimsOf] checks other estimators than those of package estimator: broken ones, which [Mutants] plants.
package bound
