package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"searchrl/judge"
	"searchrl/judge/remote"
	"searchrl/judge/tinyjudge"
	"searchrl/tinyworld"
)

// judgeFlags say who judges steps, for methods that ask a judge.
type judgeFlags struct {
	Judge       string  `default:"auto" enum:"auto,tinyworld,em,f1,openai,openai+em" help:"Who scores steps: the embedded world's exact judge (tinyworld, the default), answers alone by exact match (em) or F1 (f1), a model behind an OpenAI-compatible server (openai; address, model and key from ${judge_variables}), the same with answers by exact match (openai+em)."`
	JudgeCache  string  `placeholder:"DIR" help:"Folder that keeps what the server judged, for this run and others."`
	JudgePlain  bool    `help:"Send the server no JSON schema for its replies, if it refuses requests with one (400)."`
	JudgeErrors float64 `default:"0.1" help:"Share of the server's judgements that may fail before training stops."`
	JudgeNoise  float64 `default:"0" help:"Probability with which a score is replaced by a random one, to study noise."`
}

// judgeVariables names the environment variables, for help texts.
const judgeVariables = remote.URLVariable + ", " + remote.ModelVariable + ", " + remote.KeyVariable

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
	switch {
	case f.Judge == "openai" || f.Judge == "openai+em":
		return f.remote()
	case f.JudgeCache != "":
		return nil, unusable(fmt.Errorf("--judge-cache: it keeps what a server judged, and --judge %s asks none; expected openai or openai+em", f.Judge))
	case f.Judge == "em" || f.Judge == "f1":
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

// remote makes a judge that asks a server.
func (f judgeFlags) remote() (judge.Judge, error) {
	options, err := remote.FromEnvironment(os.Getenv)
	if err != nil {
		return nil, unusable(err)
	}
	options.CacheDir, options.MaxErrorShare = f.JudgeCache, f.JudgeErrors
	options.PlainReplies, options.SkipAnswers = f.JudgePlain, f.Judge == "openai+em"
	steps, err := remote.New(options)
	if err != nil {
		return nil, unusable(err)
	}
	if !options.SkipAnswers {
		return steps, nil
	}
	answers, err := judge.NewAnswers(judge.EM)
	if err != nil {
		return nil, err
	}
	return judge.Combine(steps, answers)
}
