package judge

import (
	"context"
	"fmt"

	"searchrl/qa"
)

// Metric is what [Answers] compares answers by.
type Metric string

// The metrics.
const (
	// EM scores an answer 1 if it equals an accepted one after normalisation, else −1.
	EM Metric = "em"
	// F1 scores an answer 1 if it has the same words as an accepted one (token F1 is 1), 0 if it shares some (0 < F1 < 1),
	// else −1: the released rubric's "same core information, partial, wrong", without a model.
	F1 Metric = "f1"
)

// Answers judges answers by comparing them with every accepted one of the question. Thoughts and queries are unknown to
// it; see [Combine].
type Answers struct{ metric Metric }

var _ Judge = (*Answers)(nil)

// NewAnswers makes a judge of answers. It is an error if metric is neither EM nor F1.
func NewAnswers(metric Metric) (*Answers, error) {
	if metric != EM && metric != F1 {
		return nil, fmt.Errorf("judge: metric %q, expected %q or %q", metric, EM, F1)
	}
	return &Answers{metric: metric}, nil
}

// Name implements Judge.
func (a *Answers) Name() string { return string(a.metric) }

// Judge implements Judge. The only error is that of a cancelled context. A question without accepted answers leaves the
// answer unknown; an empty answer is wrong.
func (a *Answers) Judge(ctx context.Context, steps []Step) ([]Verdict, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("judging answers: %w", err)
	}
	verdicts := make([]Verdict, len(steps))
	for i, step := range steps {
		silent := Score{Source: a.Name(), Reason: "this judge looks at answers only"}
		verdicts[i] = Verdict{Thought: silent, Action: silent}
		if step.IsAnswer {
			verdicts[i].Action = a.answer(step)
		}
	}
	return verdicts, nil
}

func (a *Answers) answer(step Step) Score {
	if len(step.Question.Answers) == 0 {
		return Score{Source: a.Name(), Reason: fmt.Sprintf("question %q has no accepted answer to compare with", step.Question.ID)}
	}
	if step.Answer == "" {
		return Score{Value: -1, Known: true, Source: a.Name(), Reason: "no answer"}
	}
	match := qa.ExactMatch(step.Answer, step.Question.Answers)
	if a.metric == F1 {
		match = max(match, qa.F1(step.Answer, step.Question.Answers))
	}
	s := Score{Value: -1, Known: true, Source: a.Name(), Reason: fmt.Sprintf("%s %.3g", a.metric, match)}
	switch {
	case match >= 1:
		s.Value = 1
	case match > 0:
		s.Value = 0
	}
	return s
}
