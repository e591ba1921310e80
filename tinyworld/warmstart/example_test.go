package warmstart_test

import (
	"context"
	"fmt"
	"math"

	"searchrl/accel"
	"searchrl/checkpoint"
	"searchrl/tinyworld"
	"searchrl/tinyworld/warmstart"
)

// A policy that starts from worse habits than the embedded ones, written to a folder that --model takes: a good step in ten for the
// relations that it searches well, in fifty for the others. It takes minutes, so it is not run as a test.
func ExampleRun() {
	options := warmstart.DefaultOptions(tinyworld.Standard)
	options.Skill.Steps, options.Habits.Steps, options.Review.Steps = 250, 120, 0
	options.Habits.Mixture = warmstart.Habits(options.Level, warmstart.Strength{GoodKnown: .10, GoodUnknown: .02, Premature: .05})
	backend, err := accel.OpenWith("auto", accel.Options{})
	if err != nil {
		panic(err)
	}
	defer backend.Close()
	made, err := warmstart.Run(context.Background(), backend, options, nil, func(p warmstart.Progress) {
		if !math.IsNaN(p.EM) {
			fmt.Printf("%s %d: loss %.3f, EM %.2f\n", p.Phase, p.Step, p.Loss, p.EM)
		}
	})
	if err != nil {
		panic(err)
	}
	files, err := tinyworld.TokenizerFiles(options.Level)
	if err != nil {
		panic(err)
	}
	if err := checkpoint.Save("weaker", made.Config, made.Base, checkpoint.WithTokenizer(files)); err != nil {
		panic(err)
	}
}
