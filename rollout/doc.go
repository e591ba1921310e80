// Package rollout holds the token tree, the protocol between agent and environment, and the agent loop over any policy
// and any searcher.
//
// # The tree
//
// Every method of this project samples, scores and trains sequences that share prefixes, so the central type is a [Tree]
// of segments. A [Segment] is a run of tokens with one parent and one [Kind]; a [Trajectory] is a path from the root to a
// leaf. For one question and G = 2 trajectories it looks like this:
//
//	prompt ┬ think ─ query ─ DOCUMENTS ─ think ─ answer
//	       └ think ─ query ─ DOCUMENTS ─ think ─ query ─ DOCUMENTS ─ answer
//
// What the policy sampled has the log-probability of each token under the behaviour policy; what the environment
// inserted (in capitals, and the prompt) has none, and that is the whole loss mask: a token that was not sampled cannot
// have an advantage. Sampled tokens are never decoded, cut and encoded again, as Search-R1's loop does every turn: the
// ids that were sampled are the ids that are trained.
//
// # The protocol
//
// A step is a thought and one action, a query or an answer ([Protocol.ParseStep]):
//
//	<think> … </think> <search> … </search>        the environment answers with <information> … </information>
//	<think> … </think> <answer> … </answer>        the trajectory is over
//
// [Protocol] holds the tags, the templates and the budgets. What is no valid step counts as a turn, and gets a notice or
// ends the trajectory. Source of the tags, the loop and the notice: Search-R1 (arXiv 2503.09516, §3.2–3.3, and its
// released code); the prompts and the notice are in our own words.
//
// Where we depart from the released code, and why:
//
//   - Documents cannot leave their block. Theirs are pasted between the tags as they are, so a passage that holds
//     </information><answer>x</answer> escapes. Ours are encoded without special tokens, shielded ([Tags.Shield]) and,
//     above all, never parsed: actions are read from sampled tokens only.
//   - A block of documents is cut before its closing tag, each for itself; theirs is cut batch-wide and can lose it.
//   - Generation stops at a closing tag and the first complete action must be the only one. Theirs takes the first
//     </search> of a whole generation, even after </answer>.
//   - A search whose documents no step can read is not executed ([Fail]); with [ForceAnswer] it is, since the forced
//     answer reads them.
//   - The context is never cut on the left, which can lose the question: a trajectory without room for another token
//     ends [OutOfTokens].
//   - A search that fails is an error of the call, not an empty block of documents.
//
// # The loop and its pieces
//
// [Env.Rollout] samples G trajectories of each question. It is made of pieces from which other shapes of tree are made:
//
//	Env.Start      a tree with the prompt as its root
//	Env.Sample     N candidate steps from each of several leaves, in one call of the policy; nothing is attached
//	Tree.Attach    puts a candidate into the tree
//	Env.Observe    the environment's move at each of several leaves: documents, notice, forced answer, or the end
//	Tree.Finish    declares a path a trajectory
//	Env.Continue   the plain loop from any leaf, with what is left of its budgets
//	Env.Reflect    a request for another attempt after the end of one, with turns of its own
//
// SLATE samples k candidates of one step, attaches all, and lets Observe execute the winner's search only. Search-R2
// cuts after step c and continues from [Tree.Steps](leaf)[c-1].Last. IG-Search attaches [Env.Documents] of other
// questions' hits beside the real ones, to score the answer after each.
//
// # What the package is allowed to know
//
// No tensors, files, clock or global randomness, and no goroutines of its own: a policy, a searcher and a *rand.Rand come
// in. One number is drawn from the random stream for each question or leaf, so a question's samples do not depend on
// what else is in the call.
package rollout
