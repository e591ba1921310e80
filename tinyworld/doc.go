// Package tinyworld is the embedded default: a small generated encyclopaedia, questions about it that take several searches,
// and a language model of 10^5 parameters that begins to answer them. With it a search agent can be trained in a minute on
// two processor cores, by the very code that trains a large one.
//
// # World
//
// A world is one edition of the encyclopaedia, drawn from a seed: 60 persons, 30 cities, 30 companies and ten functional
// relations (every person has exactly one boss). All worlds share the names; the facts are drawn anew, except that each
// world keeps a fact of a fixed canonical edition with probability [Persistence]. So a policy that was trained on many worlds
// remembers an older edition, as a pre-trained model does, and must search to be sure; and what it learns by heart in the
// training world is wrong in the test world. Splits are by world ([Seed]), not by name: in a model this small the embedding
// of a name that was held out would be untrained, which would mix "cannot copy an unknown name" with "does not search well".
//
// The standard level has one fact a passage and chains of two to four facts:
//
//	passage    The boss of Okafor is Lindqvist.
//	question   Who is the boss of the founder of the rival of Tarnby?
//
// The hard level leaves head-room for the strongest method. Names are of two words that several names share; passages
// hold one to three facts; some questions compare ("the older of Ada Okafor and Hugo Moreau"); chains have up to five
// facts, but there are four turns only. Long chains can be answered in time through registers, passages that follow
// three relations in a row ("Register of Acme Steel: owned by …, which is led by …, who was born in …"). So the best next
// step by itself, asking precisely for the next fact, is not always the best step ([World.Greedy] against [World.Oracle]).
//
// # Use
//
//	world, err := tinyworld.New(tinyworld.Standard, tinyworld.Seed(tinyworld.Test, 0))
//	index, err := retrieval.NewBM25(world.Documents())
//	questions := world.Questions(rng, 300)
//	files, err := tinyworld.Base(tinyworld.Standard) // an ordinary Hugging Face folder
//
// The world knows what a judge needs: [World.Facts] gives the facts that a question's chain goes through, [Next] the one
// that is needed next given what was read, [World.Supports] what a passage states. [Agent] makes rollout policies of rules,
// such as the oracle that the figures of a policy are compared with.
//
// Package warmstart makes the base policies. The world and the calibration of the warm start are our own.
package tinyworld
