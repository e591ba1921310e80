package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"text/tabwriter"
	"time"

	"searchrl/accel"
	"searchrl/baseline/searchr1"
	"searchrl/experiment"
	"searchrl/grpo"
	"searchrl/model"
	"searchrl/rollout"
	"searchrl/tinyworld"
)

// benchPolicyCmd does the same work on several backends in turns.
type benchPolicyCmd struct {
	Level     string   `default:"standard" enum:"standard,hard" help:"Level of the embedded world whose policy is measured."`
	Backends  []string `placeholder:"NAME" help:"Backends to compare (${backends}); the first is what the others are measured by. Without it, go and all that are installed."`
	Decoder   string   `default:"auto" enum:"auto,plain,compiled" help:"What samples: plain Go, the compiled program, or the faster of the two (auto)."`
	Questions int      `default:"12" help:"Questions a turn, with 5 trajectories each."`
	Rounds    int      `default:"5" help:"Turns that each backend takes, after one that does not count."`
}

func (c *benchPolicyCmd) Help() string {
	return "Three kinds of work with the embedded policy, as a training step of Search-R1 has them: decode (sample the trajectories), " +
		"score (their log-probabilities), train (one optimiser step). The backends take turns, so that other load meets all alike; " +
		"look at the ratios, which are medians over the rounds."
}

// benchedPolicy is the JSON document of bench policy.
type benchedPolicy struct {
	Level  string        `json:"level"`
	Rounds int           `json:"rounds"`
	Rows   []benchedWork `json:"rows"`
}

// benchedWork is one kind of work on one backend.
type benchedWork struct {
	Work      string  `json:"work"`
	Backend   string  `json:"backend"`
	Tokens    int     `json:"tokens"` // that a turn works on: sampled ones, or those of the trajectories with prompts and documents
	PerSecond float64 `json:"tokens_per_second"`
	Speedup   float64 `json:"speedup"` // over the first backend
}

// benchGroup is the number of trajectories a question.
const benchGroup = 5

// bencher is a policy on one backend.
type bencher struct {
	name  string
	model *model.Model
	env   *rollout.Env
}

// work does one thing on a backend and returns the number of tokens that it took.
type work func(ctx context.Context, b *bencher) (tokens int, err error)

// Run measures and prints the figures.
func (c *benchPolicyCmd) Run(ctx context.Context, con *console) error {
	if c.Rounds < 1 || c.Questions < 1 {
		return unusable(errors.New("--rounds, --questions: expected 1 or more each"))
	}
	part, err := worldPart(c.Level, tinyworld.Train, 0, c.Questions)
	if err != nil {
		return err
	}
	base, err := policyFlags{Level: c.Level}.base()
	if err != nil {
		return err
	}
	task := &experiment.Task{Base: base, Protocol: tinyworld.Protocol(tinyworld.Level(c.Level)), Train: part}
	var benchers []*bencher
	for _, name := range c.backends() {
		engine, err := backendFlags{Backend: name, Decoder: c.Decoder}.open(con)
		if err != nil {
			return err
		}
		defer engine.close()
		m, err := engine.model(base)
		if err != nil {
			return err
		}
		defer m.Close()
		benchers = append(benchers, &bencher{string(engine.backend.Kind()), m, task.Env(m, part)})
	}

	decode := func(ctx context.Context, b *bencher) ([]*rollout.Tree, error) {
		method := searchr1.Method{Group: benchGroup, Sampling: rollout.Sampling{Temperature: 1}, Normalisation: grpo.Standardised}
		trees, _, err := method.Collect(ctx, b.env, part.Questions, rand.New(rand.NewPCG(0, 0)))
		return trees, err
	}
	trees, err := decode(ctx, benchers[0])
	if err != nil {
		return err
	}
	batch := grpo.Batch{Trees: trees}
	if batch.Targets, err = grpo.Targets(trees, grpo.TokenMean); err != nil {
		return err
	}
	sampled := func(trees []*rollout.Tree) (sampled, all int) {
		for _, t := range trees {
			total := t.Total()
			sampled, all = sampled+total.Sampled, all+total.Sampled+total.Inserted
		}
		return sampled, all
	}
	_, all := sampled(trees)
	result := benchedPolicy{Level: c.Level, Rounds: c.Rounds}
	for _, kind := range []struct {
		name string
		do   work
	}{
		{"decode", func(ctx context.Context, b *bencher) (int, error) {
			trees, err := decode(ctx, b)
			tokens, _ := sampled(trees)
			return tokens, err
		}},
		{"score", func(ctx context.Context, b *bencher) (int, error) {
			_, err := b.model.LogProbs(ctx, batch, 1)
			return all, err
		}},
		{"train", func(ctx context.Context, b *bencher) (int, error) {
			// So small a rate leaves the policy as it is, and costs the same.
			_, err := b.model.Step(ctx, batch, grpo.Surrogate{ClipLow: 0.2, ClipHigh: 0.2, KL: grpo.K3, Temperature: 1},
				grpo.AdamW{LearningRate: 1e-12, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, MaxGradNorm: 1})
			return all, err
		}},
	} {
		rows, err := turns(ctx, benchers, c.Rounds, kind.do)
		if err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
		for _, row := range rows {
			row.Work = kind.name
			result.Rows = append(result.Rows, row)
		}
	}
	showPolicy(con.text(), &result)
	return con.document(result)
}

// backends returns the names of what is compared.
func (c *benchPolicyCmd) backends() []string {
	if len(c.Backends) > 0 {
		return c.Backends
	}
	names := []string{string(accel.Go)}
	report := accel.Examine()
	for _, kind := range []accel.Kind{accel.XLACPU, accel.XLACUDA} {
		if report.Ready(kind) {
			names = append(names, string(kind))
		}
	}
	return names
}

// turns lets the backends do the work in turns, once for nothing (programs are compiled then) and then as often as rounds says.
func turns(ctx context.Context, benchers []*bencher, rounds int, do work) ([]benchedWork, error) {
	rates := make([][]float64, len(benchers)) // by backend and round
	rows := make([]benchedWork, len(benchers))
	for round := range rounds + 1 {
		for i, b := range benchers {
			start := time.Now()
			tokens, err := do(ctx, b)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", b.name, err)
			}
			rows[i].Backend, rows[i].Tokens = b.name, tokens
			if round > 0 {
				rates[i] = append(rates[i], float64(tokens)/time.Since(start).Seconds())
			}
		}
	}
	for i := range rows {
		speedups := make([]float64, rounds)
		for round := range speedups {
			speedups[round] = rates[i][round] / rates[0][round]
		}
		rows[i].PerSecond, rows[i].Speedup = median(slices.Clone(rates[i])), median(speedups)
	}
	return rows, nil
}

// median sorts xs, which must not be empty.
func median(xs []float64) float64 {
	slices.Sort(xs)
	return (xs[(len(xs)-1)/2] + xs[len(xs)/2]) / 2
}

// showPolicy prints the figures.
func showPolicy(w io.Writer, r *benchedPolicy) {
	fmt.Fprintf(w, "\nThe embedded policy of the level %s, %d turns each.\n\n", r.Level, r.Rounds)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "work\tbackend\ttokens\ttokens a second\ttimes as fast\t")
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.2f\t\n", row.Work, row.Backend, thousands(row.Tokens), thousands(int(row.PerSecond)), row.Speedup)
	}
	_ = t.Flush()
}
