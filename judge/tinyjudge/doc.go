// Package tinyjudge is the exact judge of tinyworld: it knows which fact a question needs next, so what it says about a
// thought or a query is not an opinion.
//
// # State
//
// A question is a chain of facts (tinyworld.Chain). A fact is known once a document that was shown states it, whenever
// that was: a fact found by luck before it was needed counts. Only facts that hold in the judge's world count, so no
// text in the documents, the thoughts or the queries can tell the judge anything. The targets of a step are the first
// fact of the chain that is not known; in a comparison, either of the two ages that is missing; and on the hard level
// the register that would show two or more of the next facts at once.
//
// # Scores
//
// Words are compared as sets, without case, punctuation and words such as "the", "of" and "I need".
//
//	         +1                        0                                        −1
//	thought  names a target and        names a target among other words; a      everything else, as "I know the
//	         nothing else              fact of the chain that is known          answer." too early
//	                                   already; only the target's relation or
//	                                   only words of its entity
//	query    names a target and        names a target among other words; only   relation without entity (it finds the same
//	         nothing else              the target's entity, or its relation     passages for all), another relation or
//	                                   with a part of its name                  entity, a query searched for before, any
//	                                                                            query when all is known
//	answer   right (exact match)                                                wrong
//
// When everything is known, the thought "I know the answer." scores +1 and one that names a fact of the chain 0. Before
// an answer a thought scores +1 if it says "I know the answer." and everything is known, else −1.
//
// The scheme is that of the study behind tinyworld, in our words. It looks one step ahead only: on the hard level, where
// asking precisely for the next fact is not always the best step, it does not say which of two precise queries is better.
package tinyjudge
