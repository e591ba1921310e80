package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"searchrl/checkpoint"
	"searchrl/tinyworld"
	"searchrl/tinyworld/warmstart"
)

// warmstartCmd makes the embedded base policy again.
type warmstartCmd struct {
	Level    string `default:"standard" enum:"standard,hard" help:"Level of the embedded world: standard or hard."`
	Seed     uint64 `default:"${warmstartSeed}" help:"Determines everything random; the default is that of the embedded policy."`
	Strength string `default:"medium" enum:"medium,weak" help:"How good the habits are: medium, or weak (standard level)."`
	From     string `placeholder:"DIR" help:"Hugging Face folder of a policy of the embedded world to which only the review phase is given."`
	Out      string `placeholder:"DIR" help:"New folder for the policy (default: runs/warmstart-LEVEL)."`

	backendFlags `group:"Computation"`
}

// warmstartSeed is the default of --seed: that of the embedded policy.
func warmstartSeed() string { return fmt.Sprint(warmstart.DefaultOptions(tinyworld.Standard).Seed) }

func (c *warmstartCmd) Help() string {
	return "It first imitates mostly good demonstrations, until the policy can search, read and copy, then for a short while " +
		"a mixture in which good habits are rare, then a reviewer's decisions on drafts: the policy that reinforcement learning " +
		"starts from. Takes some minutes."
}

// warmed is the JSON document of warmstart.
type warmed struct {
	Level   string   `json:"level"`
	Seed    uint64   `json:"seed"`
	Backend string   `json:"backend"`
	EM      *float64 `json:"em"` // greedy, on a few unseen questions, at the end
	Seconds float64  `json:"seconds"`
	Folder  string   `json:"folder"`
}

// make runs the phases.
func (c *warmstartCmd) make(ctx context.Context, engine *engine, options warmstart.Options, progress func(warmstart.Progress)) (checkpoint.Config, checkpoint.Weights, error) {
	if c.From == "" {
		made, err := warmstart.Run(ctx, engine.backend, options, nil, progress)
		if err != nil {
			return checkpoint.Config{}, nil, err
		}
		return made.Config, made.Base, nil
	}
	base, err := policyFlags{Model: c.From}.base()
	if err != nil {
		return checkpoint.Config{}, nil, err
	}
	config, weights, err := warmstart.Adopt(options.Level, base.Config, base.Weights, base.Tokenizer, rand.New(rand.NewPCG(c.Seed, 0)))
	if err != nil {
		return config, nil, unusable(fmt.Errorf("model folder %s: %w", c.From, err))
	}
	weights, err = warmstart.AddReview(ctx, engine.backend, options, config, weights, progress)
	return config, weights, err
}

// Run makes the policy and writes it as a Hugging Face folder.
func (c *warmstartCmd) Run(ctx context.Context, con *console) error {
	out := c.Out
	if out == "" {
		out = filepath.Join("runs", "warmstart-"+c.Level)
	}
	if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
		return unusable(fmt.Errorf("folder %s: it is there already; name a new one with --out", out))
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return unusable(fmt.Errorf("folder %s: %w", out, err))
	}
	options := warmstart.DefaultOptions(tinyworld.Level(c.Level))
	options.Seed = c.Seed
	if c.Strength == "weak" {
		if options.Level != tinyworld.Standard {
			return unusable(fmt.Errorf("--strength weak goes with --level standard, not %s", c.Level))
		}
		options.Habits.Mixture = warmstart.Habits(options.Level, warmstart.Weak)
	}
	files, err := tinyworld.TokenizerFiles(options.Level)
	if err != nil {
		return err
	}
	engine, err := c.open(con)
	if err != nil {
		return err
	}
	defer engine.close()

	start := time.Now()
	result := warmed{Level: c.Level, Seed: c.Seed, Backend: string(engine.backend.Kind()), Folder: out}
	total, done := options.Review.Steps, 0
	if c.From == "" {
		total += options.Skill.Steps + options.Habits.Steps
	}
	bar := con.startBar("warm start", total)
	config, weights, err := c.make(ctx, engine, options, func(p warmstart.Progress) {
		done++
		bar.set(done, "%s %d/%d  loss %.3f", p.Phase, p.Step, p.Steps, p.Loss)
		if !math.IsNaN(p.EM) {
			con.note("%s %d/%d: loss %.3f, EM %.2f", p.Phase, p.Step, p.Steps, p.Loss, p.EM)
			result.EM = &p.EM
		}
	})
	bar.stop()
	if err != nil {
		return err
	}
	if err := checkpoint.Save(out, config, weights, checkpoint.WithTokenizer(files)); err != nil {
		return err
	}
	result.Seconds = time.Since(start).Seconds()
	fmt.Fprintf(con.text(), "base policy: %s\n", out)
	return con.document(result)
}
