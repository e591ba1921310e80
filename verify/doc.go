// Package verify holds what this project claims about its estimators and losses, and checks it in four layers that cannot
// flake:
//
//  1. Exact: small tree-shaped decision processes with rational probabilities and rewards are enumerated in big.Rat;
//     expectation and variance of each estimator are exact, and claims are checked with zero tolerance (packages exact, bound).
//  2. Kernel: the float64 code that trains, against the exact oracle or a slow, obvious twin (package kernel).
//  3. Sampled: the real code path, estimator against estimator, by a sequential betting test whose false-alarm rate is set
//     and whose power is shown on a planted violation (package sampled).
//  4. Planted faults: every known way to get these functions wrong, as a mutant that a named check must catch.
//
// This package holds the types that the layers share. The test of a package checks its own claims and mutants, by package
// verifytest; package suite puts those of all packages together for the command.
package verify
