// Package rubric is what a language model is asked about a step, and how its reply is read: rubric prompts for the components
// thought, query and answer, and for what a search found, and a parser that takes nothing but a judgement for one. It does no
// I/O; package judge/remote asks.
//
//	p, err := rubric.New(rubric.Query, step, 1000)
//	// p.System and p.User go to the model, rubric.Schema(p.Component) with them
//	reply, err := rubric.ParseReply(p.Component, text)
//
// # What a trajectory says cannot change how it is judged
//
// The step is data: one line of JSON, in which no text can end its string, between two marks that no text can contain ([New]).
// The reply is read strictly ([ParseReply]): a model that was talked into anything but one object with a score and a reason has
// not judged. What no format can prevent is a model that obeys a text in the step and says so in the right form; the
// instructions tell it not to.
//
// # Source
//
// The rubrics are our own. What they look at is what SLATE's released ones do (github.com/algoprog/SLATE), with the scale of −1, 0
// and 1; the one for evidence is Search-R2's process reward (useful, and not redundant), on 0 and 1.
package rubric
