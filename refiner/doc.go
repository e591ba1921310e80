// Package refiner is Search-R2: an actor drafts, a refiner with the same weights accepts the draft or cuts it after a step, and
// the actor continues from what was kept. All of it is trained together, by GRPO on the reward of the final trajectory.
//
// # Roles and equations
//
// One policy π_θ has three roles. ŷ is a draft, c = 0 … n−1 the number of its steps that are kept, y the final trajectory.
//
//	actor           ŷ ~ π_l(·|x),  suffix ~ π_l(·|x, ŷ_1:c)
//	discriminator   α(ŷ) = π_d(accept|ŷ)
//	trimmer         π_h(c|ŷ)
//	mixture         q(y) = α(y) π_l(y) + Σ_{ŷ,c} (1−α(ŷ)) π_l(ŷ) π_h(c|ŷ) 1[y_1:c = ŷ_1:c] π_l(y_>c|x, y_1:c)
//	reward          R = EM · (1 + (1/M) Σ_i u_i)                                        [Hybrid]
//	gain            ΔJ = A_prec + V_inter · S_trim                                      [Estimate]
//
// The tree of one draft and its revision (c = 1):
//
//	prompt ─ step 1 ┬ step 2 ─ step 3 ─ REVIEW ─ decision "revise 2"
//	                └ step 2' ─ step 3' ─ …
//
// The decision reads the draft and a review that the environment inserts (rollout.Review), on a branch of its own. The suffix
// is sampled after exactly the question and the kept steps with their documents, which are not found again, with the turns and
// tokens that are left; it sees neither the review nor what was cut off.
//
// # What is trained
//
// The likelihood of what was sampled has four factors: draft, decision, suffix, and the kept prefix once, as part of the draft.
// Each may get the group advantage of the final trajectory. [Discarded] says what happens to the part of the draft that was cut
// off: only training it, too (All), gives an unbiased gradient; verify/mixture computes the bias of the others exactly.
// [Method.Gain] credits decisions with R(final) − R(draft) instead. [Method.Frozen] leaves them out.
//
// # Rules
//
//   - A decision that cannot be read accepts the draft, and is counted; so does a draft that leaves no room for a review.
//   - In training decisions are sampled. When questions are answered, a draft is accepted if α ≥ τ, by the logits.
//   - Searches are assessed (u_i) in right trajectories only, since only they are paid. What could not be assessed is left out of
//     the mean; no search at all counts as 0.
//   - With several rounds a revised trajectory is reviewed again; an accepted one is not.
//   - Package grpo's sequence mean knows only the final trajectories, so decisions would have no weight: it is not for this
//     method.
//
// # Source
//
// "Search-R2: Enhancing Search-Integrated Reasoning via Actor-Refiner Collaboration". We know the algorithm, the reward, the
// mixture, the decomposition and the ablations from notes made of the paper, not from its text or code. Reconstructed by us:
// the form of review and decision, τ, the treatment of what was cut off, the decision's credit, M = 0, and the judge's rubric.
package refiner
