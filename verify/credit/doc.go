// Package credit checks how GiGPO, MR-Search and IGPO assign credit: which steps are compared with which, what a step answers for,
// and in which order sums and normalisations are taken.
//
// Like package kernel it compares the functions that train with obvious twins, within 1e-12 of the terms that a value is the sum
// of, on random cases drawn on grids, so that it fails for no seed if the code is right. [Rules] has the functions as values, [Real]
// puts in those that train, and [Mutants] plants the faults that each check must catch.
//
// What the advantages are estimates of is said exactly: the functions themselves run on every group of two trajectories of small
// processes, on rewards for which float64 is exact, and the expectations are rational numbers. Two claims are about limits: GiGPO
// where a trajectory comes back to an observation, IGPO where normalisation meets trajectories of different length.
package credit
