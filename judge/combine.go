package judge

import (
	"context"
	"errors"
	"fmt"
)

// combined is the judge that Combine makes.
type combined struct{ steps, answers Judge }

// Combine makes a judge that takes the scores of thoughts and queries from one judge and those of answers from another.
// The first is shown the steps that end in an answer too, for their thoughts; what it says of the answer is dropped.
func Combine(thoughtsAndQueries, answers Judge) (Judge, error) {
	if thoughtsAndQueries == nil || answers == nil {
		return nil, errors.New("judge: combining needs two judges")
	}
	return &combined{steps: thoughtsAndQueries, answers: answers}, nil
}

// Name implements Judge.
func (c *combined) Name() string { return c.steps.Name() + "+" + c.answers.Name() }

// Close closes both judges.
func (c *combined) Close() error { return errors.Join(Close(c.steps), Close(c.answers)) }

// Judge implements Judge.
func (c *combined) Judge(ctx context.Context, steps []Step) ([]Verdict, error) {
	verdicts, err := ask(ctx, c.steps, steps)
	if err != nil {
		return nil, err
	}
	var where []int
	var ends []Step
	for i, step := range steps {
		if step.IsAnswer {
			where, ends = append(where, i), append(ends, step)
		}
	}
	if len(ends) == 0 {
		return verdicts, nil
	}
	answered, err := ask(ctx, c.answers, ends)
	if err != nil {
		return nil, err
	}
	for n, i := range where {
		verdicts[i].Action = answered[n].Action
	}
	return verdicts, nil
}

// ask calls a judge and checks what it says.
func ask(ctx context.Context, j Judge, steps []Step) ([]Verdict, error) {
	verdicts, err := j.Judge(ctx, steps)
	if err != nil {
		return nil, err
	}
	if err := Check(verdicts, len(steps)); err != nil {
		return nil, fmt.Errorf("judge %s: %w", j.Name(), err)
	}
	return verdicts, nil
}

// Check reports the first thing that no judge may return for n steps: another number of verdicts, or a known value that is
// not −1, 0 or 1 (NaN included).
func Check(verdicts []Verdict, n int) error {
	if len(verdicts) != n {
		return fmt.Errorf("%d verdicts for %d steps", len(verdicts), n)
	}
	for i, v := range verdicts {
		for _, c := range []struct {
			name  string
			score Score
		}{{"thought", v.Thought}, {"action", v.Action}} {
			if x := c.score.Value; c.score.Known && x != -1 && x != 0 && x != 1 {
				return fmt.Errorf("step %d: %s scored %v, expected −1, 0 or 1", i, c.name, x)
			}
		}
	}
	return nil
}
