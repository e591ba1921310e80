package main

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"searchrl/judge"
	"searchrl/judge/tinyjudge"
	"searchrl/tinyworld"
)

// judgeFlags say who judges steps, for methods that ask a judge.
type judgeFlags struct {
	Judge      string  `default:"auto" enum:"auto,tinyworld,em,f1" help:"Who scores steps: the embedded world's exact judge (tinyworld), the answer alone by exact match (em) or F1 (f1), or what suits the questions (auto)."`
	JudgeNoise float64 `default:"0" help:"Probability with which a score is replaced by a random one, to study noise."`
}

// noiseSeed draws the judge's noise: the same in every run, as a judge's errors would be.
const noiseSeed = 1

// judge makes the judge of the task's training questions.
func (f judgeFlags) judge(task taskFlags) (judge.Judge, error) {
	j, err := f.exact(task)
	if err != nil || f.JudgeNoise == 0 {
		return j, err
	}
	noisy, err := judge.NewNoise(j, f.JudgeNoise, rand.New(rand.NewPCG(noiseSeed, 0)))
	if err != nil {
		return nil, unusable(fmt.Errorf("--judge-noise: %w", err))
	}
	return noisy, nil
}

// exact makes the judge without its noise.
func (f judgeFlags) exact(task taskFlags) (judge.Judge, error) {
	if f.Judge == "em" || f.Judge == "f1" {
		return judge.NewAnswers(judge.Metric(f.Judge))
	}
	own, err := task.own()
	if err != nil {
		return nil, err
	}
	if own {
		return nil, unusable(errors.New("--judge: the exact judge knows the embedded world alone; for questions of one's own name another"))
	}
	world, err := tinyworld.New(tinyworld.Level(task.Level), tinyworld.Seed(tinyworld.Train, 0))
	if err != nil {
		return nil, fmt.Errorf("drawing the judge's world: %w", err)
	}
	return tinyjudge.New(world), nil
}
