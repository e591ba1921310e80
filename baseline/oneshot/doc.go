// Package oneshot has the two points of comparison that need no training and no agent loop: answering at once, and answering
// after one search for the question as it stands. They show what the base policy knows by heart and what a search engine alone
// adds, so that what a trained agent gains can be told from both.
//
// # Equations
//
//	direct   a ~ π(· | x, OPEN)             OPEN is the opening of an answer that the environment wrote
//	rag      a ~ π(· | x, D(x), OPEN)       D(x) are the protocol's TopK documents for the query x
//
// Both force the answer: the environment inserts the opening of the protocol's forced answer (rollout.Protocol.ForcedAnswer), the
// policy writes the rest. So a trajectory has one turn, direct none and rag one search, and what the policy samples is the
// answer alone.
//
// Source: the rows "direct inference" and "RAG" in the tables of Search-R1 (Jin et al., arXiv 2503.09516) and of the papers after
// it. Departures, each with its reason:
//
//   - They prompt an instruction-tuned model with a text of their own for each row. Ours is the policy at hand under the protocol
//     at hand, with its prompt: the same weights are compared, and a policy without instructions can take part.
//   - The answer is forced, not asked for, so the policy does not reason before it (the papers have chain of thought as a row of
//     its own). The embedded world's opening holds the thought that its policy writes before every answer, "I know the answer.":
//     without it 71 % of what its base policy writes after the tag alone is no answer.
package oneshot
