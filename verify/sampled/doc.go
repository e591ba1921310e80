// Package sampled tests the variance bound on samples from the real code path, by a sequential test that cannot flake: its
// false-alarm rate is a setting, and what it would have found is shown beside it.
//
// # The test
//
// [Process] bets on E[Z] > 0 for bounded Z. Under H0: E[Z] ≤ 0 its wealth reaches 1/α with a probability of α at most,
// however long one looks (Ville); under H1 it grows exponentially. For the bound, with X an advantage of the truncated
// estimator at a random step, Y one of the full estimator, and two independent draws of each,
//
//	Z = (X − X')²/2 − (Y − Y')²/(2T)      E[Z] = Var(X) − Var(Y)/T
//
// both averaged over the members of a group of k. The bounds of Z follow from the range of the rewards: a group of
// mean-centred values in a range of width w has a squared deviation of at most k·w²/4.
//
// Hence H0 is the theorem and an alarm is a violation. No alarm is not a proof: it says that a violation as large as the one
// whose detection is shown (the power in the evidence) is not there. For that each check also runs on a planted violation,
// and a claim is broken, too, if that is not found.
//
// Against a process whose exact ratio is known (package exact), E[Y²] − R·E[X²] = 0 is tested from both sides, which also
// sees what makes the ratio too large, such as a prefix that is not shared where it should be.
//
// # The transformer
//
// With the transformer as the policy nothing is known exactly, and the theorem's assumption, that the total covariance of
// step rewards is not negative, need not hold. So the claim is about what was measured: ratio and covariance with intervals.
// One thing needs no assumption, by the law of total variance: a shared prefix does not increase the variance of a step's
// advantage. If the bound itself is violated there the claim is broken, not the theorem: it is about one policy. An observation
// here is the mean square of a group's advantages, which add up to 0, in place of half a squared difference of two groups.
//
// Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting" (2024); the bound is our
// reconstruction of SLATE's theorem (docs/theory.md).
package sampled
