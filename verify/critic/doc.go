// Package critic checks the methods that have one, PPO and StepSearch: generalised advantages, what they are assigned to, the
// value loss, and StepSearch's rewards.
//
// The functions that train are values in [Kernels], so that a check can be run on them and on versions with a planted fault
// ([Mutants]). Most checks compare them with slow, obvious twins, written apart from them: a double sum for the recursion, a
// walk over all tokens of a path for the tree, words counted again and again for TF-IDF. They draw cases in which nothing is
// ill-conditioned, so their false-alarm rate is 0.
//
// Two claims are exact: processes are enumerated, the critic's values and the rewards are multiples of a power of two, and
// γ and λ are 0, 1/2 or 1, so the float64 code makes no rounding errors and its numbers are put into rational expectations.
package critic
