package main

import (
	"errors"
	"fmt"

	"searchrl/judge"
	"searchrl/judge/tinyjudge"
	"searchrl/tinyworld"
)

// judgeFlags say who judges steps, for methods that ask a judge.
type judgeFlags struct {
	Judge string `default:"auto" enum:"auto,tinyworld" help:"Who scores steps: the embedded world's exact judge (tinyworld), or what suits the questions (auto)."`
}

// judge makes the judge of the task's training questions.
func (f judgeFlags) judge(task taskFlags) (judge.Judge, error) {
	own, err := task.own()
	if err != nil {
		return nil, err
	}
	if own {
		return nil, unusable(errors.New("the exact judge knows the embedded world alone; it cannot judge questions of one's own"))
	}
	world, err := tinyworld.New(tinyworld.Level(task.Level), tinyworld.Seed(tinyworld.Train, 0))
	if err != nil {
		return nil, fmt.Errorf("drawing the judge's world: %w", err)
	}
	return tinyjudge.New(world), nil
}
