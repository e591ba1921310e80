// Package warmstart makes the base policies of package tinyworld: it plays the part of the pre-training that a large model
// comes with. Every behaviour is in a base policy, and the good ones are not yet preferred.
//
// A base policy imitates demonstrations, in two phases. The skill phase shows good steps mostly, so that the policy learns the
// format, to copy from documents, to keep track of a chain, and, from demonstrations that answer at once, a part of the
// canonical edition. The short habit phase then replaces good steps by habits that depend on the relation: some relations are
// searched well, some by a query that is too vague, some for the wrong entity ([Habits]).
//
// Demonstrations come out of the same agent loop, parser and searcher as the rollouts of a trained policy
// ([School.Demonstrations]), so their tokens are those that a policy which behaves so would sample. Only the tokens of the
// policy are imitated, never the prompt or the documents ([Lesson]).
//
//	result, err := warmstart.Run(ctx, backend, warmstart.DefaultOptions(tinyworld.Standard), nil, progress)
//	err = checkpoint.Save(dir, result.Config, result.Base, checkpoint.WithTokenizer(files))
//
// The mixtures are our own, calibrated so that plain GRPO gains much in 20 steps and leaves head-room; docs/tinyworld.md has
// the figures.
package warmstart
