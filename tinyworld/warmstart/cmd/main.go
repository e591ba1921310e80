// Command cmd makes a level's base policy: go run ./tinyworld/warmstart/cmd -level standard -out tinyworld/base/standard
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"searchrl/accel"
	"searchrl/checkpoint"
	"searchrl/plain"
	"searchrl/rollout"
	"searchrl/tinyworld"
	"searchrl/tinyworld/warmstart"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "warmstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	level := flag.String("level", string(tinyworld.Standard), "level of the world: standard or hard")
	seed := flag.Uint64("seed", 1, "seed of the demonstrations and the first weights")
	out := flag.String("out", "", "folder to write the base policy to; the skilled policy goes to its subfolder named by -keep")
	keep := flag.String("keep", "", "folder to write the policy to as it is after the skill phase")
	skilled := flag.String("skilled", "", "folder of a skilled policy, to redo the habit phase only")
	spec := flag.String("backend", "auto", "compute backend")
	flag.Parse()
	if *out == "" {
		return fmt.Errorf("-out is missing: a folder for the base policy")
	}
	backend, err := accel.Open(*spec)
	if err != nil {
		return err
	}
	defer backend.Close()
	o := warmstart.DefaultOptions(tinyworld.Level(*level))
	o.Seed = *seed
	var start checkpoint.Weights
	if *skilled != "" {
		if _, start, err = checkpoint.Load(os.DirFS(*skilled)); err != nil {
			return err
		}
	}
	begin := time.Now()
	made, err := warmstart.Run(ctx, backend, o, start, func(p warmstart.Progress) {
		if !math.IsNaN(p.EM) || p.Step%25 == 0 || p.Step < 5 {
			fmt.Fprintf(os.Stderr, "%6.1fs  %s %d/%d  loss %.4f  EM %.2f\n", time.Since(begin).Seconds(), p.Phase, p.Step, p.Steps, p.Loss, p.EM)
		}
	})
	if err != nil {
		return err
	}
	files, err := tinyworld.TokenizerFiles(o.Level)
	if err != nil {
		return err
	}
	if *keep != "" {
		if err := checkpoint.Save(filepath.Clean(*keep), made.Config, made.Skilled, checkpoint.WithTokenizer(files)); err != nil {
			return err
		}
	}
	if err := checkpoint.Save(filepath.Clean(*out), made.Config, made.Base, checkpoint.WithTokenizer(files)); err != nil {
		return err
	}
	return examine(ctx, o.Level, made)
}

// examine prints how the base policy does on the test world.
func examine(ctx context.Context, level tinyworld.Level, made *warmstart.Result) error {
	world, err := tinyworld.New(level, tinyworld.Seed(tinyworld.Test, 0))
	if err != nil {
		return err
	}
	tok, err := tinyworld.Tokenizer(level)
	if err != nil {
		return err
	}
	for _, policy := range []struct {
		name    string
		weights checkpoint.Weights
	}{{"skilled", made.Skilled}, {"base", made.Base}} {
		m, err := plain.New(made.Config, policy.weights, tok)
		if err != nil {
			return err
		}
		for _, sampling := range []rollout.Sampling{{}, {Temperature: 1}} {
			r, err := tinyworld.Examine(ctx, world, m, 600, 1, sampling)
			if err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "%s, temperature %g: EM %.3f, answered %.3f, invalid %.3f, turns %.2f, searches %.2f, sampled tokens %.1f (%.1f a step), all tokens %.1f\n",
				policy.name, sampling.Temperature, r.EM, r.Answered, r.Invalid, r.Turns, r.Searches, r.SampledTokens, r.SampledStepTokens, r.Tokens)
		}
	}
	return nil
}
