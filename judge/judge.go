package judge

import (
	"context"
	"io"

	"searchrl/qa"
	"searchrl/retrieval"
)

// Step is one candidate step to be judged, given as data: what the agent is asked, the structured steps before it, and
// its own thought and action. A query is judged before it is executed, so a Step holds nothing of what it would find.
type Step struct {
	// Question is what the trajectory is to answer. Its answers (all aliases) are the judge's reference.
	Question qa.Question
	// Past are the finished steps before the candidate, the oldest first.
	Past []Past
	// Thought is the candidate's reasoning, without tags; "" if it has none.
	Thought string
	// Query is the candidate's search query. It is read only if IsAnswer is false.
	Query string
	// Answer is the candidate's final answer. It is read only if IsAnswer is true.
	Answer string
	// IsAnswer says which of the two actions the candidate takes.
	IsAnswer bool
}

// Past is one finished step of the prefix: what was thought, what was searched for, and what was shown of what was found.
type Past struct {
	Thought, Query string
	Documents      []retrieval.Hit
}

// Score is the judgement of one component of a step.
type Score struct {
	// Value is −1, 0 or 1; 0 if the score is unknown.
	Value float64
	// Known is false where judging failed or where the judge has no opinion: the component is to be masked, which is
	// not the same as a score of 0.
	Known bool
	// Source names the judge that gave the score.
	Source string
	// Reason says in words why.
	Reason string
}

// Verdict is the judgement of one step: of its thought, and of its query or answer.
type Verdict struct {
	Thought, Action Score
}

// Judge scores candidate steps. Implementations are safe for concurrent use.
type Judge interface {
	// Name identifies the judge in records, reports and caches.
	Name() string
	// Judge returns one verdict for each step, in order. A component that could not be judged has Known false, which is
	// no error; an error means that none of the verdicts is to be used and that the run should stop.
	Judge(ctx context.Context, steps []Step) ([]Verdict, error)
}

// Close closes what a judge holds, such as connections to a server: one that holds something is an [io.Closer], and so are
// the judges of this package that ask others. It is no error to close one that holds nothing, or none (nil).
func Close(j Judge) error {
	if closer, ok := j.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}
