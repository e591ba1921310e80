// Package mixture checks what is said of Search-R2's smoothed mixture policy on processes that can be enumerated, in rational
// numbers: the law of one round of revision, the decomposition of what it is worth,
//
//	ΔJ = Cov(α, R − J_trim) + (1 − E α) · Σ_c Cov(π_h(c), G_c),   G_c = V(ŷ_1:c) − R(ŷ),
//
// what more rounds add to it, that its conditions are sufficient but not necessary, and which gradient the joint training
// follows when the part of a draft that was cut off is trained, or not.
//
// The refiner here is a table: an acceptance probability and a law of cuts for every trajectory ([Case]).
//
// What fails is shown by the simplest cases of two first steps and outcomes 0 and 1; testdata holds them as golden files.
package mixture
