// Package kernel holds the functions that decide what is trained and how hard against slow, obvious twins: the float64 code
// itself, not a copy of it.
//
// [Kernels] has them as values, [Real] puts in those that train. A [Check] draws random cases and compares the kernels with
// an oracle that was written apart from them: rational numbers and 160-bit floats for values (within 1e-12, relative to the
// terms of a sum), token-by-token loops for what is trained, central differences for gradients. It also tries the
// invariances: the order of a group, padding with tokens of weight 0, a common shift of rewards. Cases are drawn so that
// no draw is ill-conditioned (rewards lie on grids, tokens within rounding of a clip bound are passed over). Hence a check
// of correct code fails for no seed: its false-alarm rate is 0.
//
// # Planted faults
//
// [Mutants] has every way to get these functions wrong that we know of, each with the check that must catch it: wrong
// baselines, n for n−1, retrieved tokens trained, shared prefixes counted twice, the clip on the wrong side, groups mixed over
// questions, the selected candidate trained alone, and so on. A mutant that lives shows a check that is missing. To add one,
// add a [fault] to the list it belongs to; to add a function, add it to [Kernels] with a check and its faults.
package kernel
