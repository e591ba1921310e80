package judge

import (
	"context"
	"fmt"
	"strings"

	"searchrl/qa"
	"searchrl/retrieval"
)

// Retrieval is one executed search of a trajectory, to be judged by what it found.
type Retrieval struct {
	// Question is what the trajectory is to answer; its answers and supporting passages are the reference.
	Question qa.Question
	// Past are the steps before the search, the oldest first.
	Past []Past
	// Query is what was searched for.
	Query string
	// Documents are what was found, as it was shown.
	Documents []retrieval.Hit
}

// Assessor scores retrieved sets: 1 if a set gives clues to the answer that the sets before it did not give, else 0. It is
// u_i in Search-R2's process reward (paper: "useful and not redundant", judged by a language model). Implementations are safe
// for concurrent use.
type Assessor interface {
	// Name identifies the assessor in records and reports.
	Name() string
	// Assess returns one score for each retrieved set, in order, with Value 0 or 1. As for a Judge, what could not be judged
	// has Known false, which is no error.
	Assess(ctx context.Context, sets []Retrieval) ([]Score, error)
}

// Density assesses retrieved sets without a judge: a set scores 1 if one of its passages holds an accepted answer or is a
// supporting passage of the question, and no earlier set has shown that passage. It is our reconstruction of "information
// density": what pays is evidence that is new, repeats do not.
//
// A set without a supporting passage is unknown for a question that names none and has no answer.
type Density struct{}

var _ Assessor = Density{}

// Name implements Assessor.
func (Density) Name() string { return "density" }

// Assess implements Assessor. The only error is that of a cancelled context.
func (Density) Assess(ctx context.Context, sets []Retrieval) ([]Score, error) {
	scores := make([]Score, len(sets))
	for i, set := range sets {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("assessing retrieved sets: %w", err)
		}
		scores[i] = set.density()
	}
	return scores, nil
}

func (r *Retrieval) density() Score {
	s := Score{Source: Density{}.Name()}
	if len(r.Question.Answers) == 0 && len(r.Question.Supporting) == 0 {
		s.Reason = fmt.Sprintf("question %q has neither answers nor supporting passages to look for", r.Question.ID)
		return s
	}
	s.Known, s.Reason = true, "no evidence"
	seen := map[string]bool{}
	for _, past := range r.Past {
		for _, d := range past.Documents {
			seen[d.ID] = true
		}
	}
	for _, d := range r.Documents {
		switch why := r.evidence(d); {
		case why == "":
		case seen[d.ID]:
			s.Reason = fmt.Sprintf("evidence that was shown before: passage %q", d.ID)
		default:
			s.Value, s.Reason = 1, why
			return s
		}
	}
	return s
}

// evidence says why a passage is evidence, or "".
func (r *Retrieval) evidence(d retrieval.Hit) string {
	title := qa.Normalize(d.Title)
	for _, support := range r.Question.Supporting {
		if support.ID != "" && support.ID == d.ID || support.ID == "" && title != "" && qa.Normalize(support.Title) == title {
			return fmt.Sprintf("a supporting passage: %q", d.ID)
		}
	}
	text := " " + qa.Normalize(d.Title+" "+d.Text) + " "
	for _, answer := range r.Question.Answers {
		if words := qa.Normalize(answer); words != "" && strings.Contains(text, " "+words+" ") {
			return fmt.Sprintf("passage %q holds the answer", d.ID)
		}
	}
	return ""
}
