// Package likelihood says how likely a policy finds a question's gold answer after a prefix, teacher-forced: what would
// happen if it answered now. IG-Search and IGPO make step rewards of it. There is no gradient: these are numbers of the
// behaviour policy.
//
// # Equations
//
//	ℓ(a | C) = Σ_j w_j log π_old(a_j | C, opening, a_<j) / Σ_j w_j        j over the tokens of the answer a
//	w_j = HeadWeight for the first HeadTokens tokens, 1 for the others
//
// A mean over tokens, so that long answers are not unlikely for being long; the first tokens of a name carry most of what
// there is to know, so they weigh more. Dividing by Σ w is the released code's "weights re-normalised to mean 1". An answer
// of at most HeadTokens tokens has the plain mean, as has any answer with HeadWeight 1. exp ℓ with plain means is IGPO's p.
//
// # What is scored
//
// The prefix is continued by an opening, which is not scored, and by the answer's text as the policy would write it: an
// answer's first word takes the space before it into its token. The opening is text of ours, and a policy's answer is likely
// only after an opening that it writes itself: one that always thinks before it answers gives little after a bare answer
// tag. So [Options.Opening] may hold a whole thought. The closing tag is not scored, as in the released code.
//
// A question has several gold answers (aliases); [Options.Score] gives ℓ of each, and who compares contexts must compare
// the same alias: the maximum over aliases on one side and not on the other would be a bias upwards.
//
// # Cost
//
// All contexts of a call go to the policy in one call of Score, which shares whatever they begin with: branches beside each
// other cost their own tokens alone.
//
// Source: IG-Search's README and ig_reward.py (scored suffix, weighted mean, 3 head tokens of weight 3); IGPO (arXiv
// 2510.14967).
package likelihood
