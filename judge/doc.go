// Package judge scores the candidate steps of a search agent: the thought, and the query or the answer, each bad (−1),
// middling (0) or good (1). SLATE turns such scores into step rewards (package slate).
//
// # Judges
//
//	judge/tinyjudge   the exact judge of tinyworld: it knows which fact a question needs next
//	[Answers]         compares answers with all accepted ones by exact match or token F1; knows nothing of thoughts and queries
//	judge/remote      a language model behind an OpenAI-compatible server
//	judge/rubric      what that model is asked, and how its replies are read
//	[Combine]         one judge for thoughts and queries, another for answers
//	[Noise]           a judge that errs: each score is replaced at random with a given probability, to study what that does
//
// # Unknown is not 0
//
// A component that could not be judged has [Score].Known false. Whoever uses the score has to leave the component out and
// to count it; 0 is a judgement. (SLATE's released code scores a failed call 0, which moves the mean of its group.)
//
// # Steps are data
//
// A [Step] holds what an agent wrote and read as separate texts. No judge here looks for instructions, tags or scores in
// them; what a trajectory says can change how good it is, but not how it is graded.
//
// Sources: the three components, their scale and the rule that a query is judged before retrieval are SLATE's as released
// (github.com/algoprog/SLATE); interfaces, rubrics and the noise model are ours.
package judge
