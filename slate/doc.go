// Package slate is SLATE: step-level advantages from truncated exploration. At each decision point k candidates for the next
// step are sampled from one prefix; a judge scores each candidate's thought and its query or answer; the candidates'
// advantages come from these k immediate rewards; one candidate's search is executed and becomes the next prefix.
//
// # Equations
//
// τ_<t is the prefix before turn t = 1…B; j = 1…k a candidate; s ∈ {−1, 0, 1} a judge's score.
//
//	search step   r_t^(j) = s_thought + s_query                       Eq. 3   in [−2, 2]
//	answer step   r_t^(j) = s_thought + s_answer + λ(B−t)/B           Eq. 4   λ = 0.1
//	invalid step  r_t^(j) = −2, the lowest that a step can have       ours
//	advantage     A_t^(j) = (r_t^(j) − mean r_t) / (std r_t + ε)      Eq. 5   0 for a dead group; package estimator
//	next prefix   j ~ softmax(A_t/η)                                          η = 0.7
//	objective     J = mean over tokens of min(ρ A, clip(ρ) A)         Eq. 7   of all k candidates, on their own tokens
//
// A query is judged before it is executed, so a decision point costs one retrieval, not k: T for a question. The prefix is
// one request with N = k to the policy, so it is computed once. Everything that was sampled is in the tree: the candidates
// that were not selected are leaves there with advantages of their own, and the trajectory is the selected path. Its reward
// R is the exact match of its answer, which is reported and trains nothing.
//
// # Rules
//
//   - The turn t counts from 1, as in DESIGN's notation: an answer in the last turn earns no bonus, nor does a forced answer
//     after it. The released code counts from 0, which gives every answer λ/B more.
//   - An invalid candidate is not judged. It may be selected like any other; the protocol then says what happens.
//   - A forced answer has no thought of its own, so it has no thought's score.
//   - A component that could not be judged is masked: it counts as the mean of its kind (thoughts, or queries and answers)
//     over the group's other candidates, so that it moves nobody's advantage in either direction, and as 0 if none of them
//     has one. A candidate of which nothing could be judged is left out of the group: it gets no advantage, does not count
//     in the means, and is not selected unless all are like it.
//   - A group without signal (one candidate, equal rewards) has advantages 0 and selects uniformly.
//   - Scores outside [−1, 1] are an error, as is a judge that answers for another number of steps.
//
// # Weights
//
// Package grpo weighs the loss. Its token mean, the default, gives every sampled token of every candidate of every decision
// point the same weight: a group counts by the tokens of its candidates. Its step mean gives every candidate the same
// weight and its tokens equal shares, which is Eq. 7 up to the weight of a question (which we do not divide by its number
// of steps). The sequence mean knows only the selected paths: it is not for this method.
//
// # Source
//
// SLATE, "Step-Level Advantage estimation for Truncated Exploration" (Samarinas, Chang and Zamani, arXiv 2602.23440). The
// numbers of equations are those that its released code (algoprog/SLATE) names; the paper's own text could not be read.
//
// Our one addition is [Method.Baseline]: with [Zero] the loss gets estimator.Absolute in place of Eq. 5, so that the best of k
// bad candidates is not reinforced. It is an option to study that with, not what the paper does.
//
// Departures from the released code, each with its reason:
//
//   - The advantages reach the loss. There they are stored and nothing reads them.
//   - A failed judge call masks a component. There it scores 0.
//   - All gold aliases go to the judge. There the first one does.
//   - A search goes to the searcher as the searcher expects it. There its request is refused, and every search finds nothing.
//   - What the environment wrote (forced tags) is not trained. There it is.
//   - A candidate is sampled in one go by the policy alone. There the choice between searching and answering is drawn by
//     comparing two scored tags, so that the tokens are not samples of the policy they are trained as.
//   - Budgets of a step are budgets of a step. There 500 tokens are shared by all steps and documents.
//
// # Ablations
//
// [Method.Sampling] and [Method.Reward] switch off one half of the method each: whole trajectories with the dense rewards
// ([Full]), and truncated groups with the outcome alone ([Outcome]). [Completed] values each candidate by completing it, as
// VinePPO does (Kazemnejad et al., 2024): unbiased for the outcome, at many times the tokens.
package slate
