package experiment

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"searchrl/evaluate"
	"searchrl/grpo"
	"searchrl/interval"
	"searchrl/runfolder"
)

// Contender is a method to compare, under the name it appears with.
type Contender struct {
	Name   string
	Method grpo.Method
}

// Comparison trains each contender from the same base policy on the same questions, once a seed. A seed gives every
// contender the same questions in the same order, so their results are paired by seed.
type Comparison struct {
	Task       *Task
	Contenders []Contender
	Seeds      []uint64
	Config     grpo.Config // its seed is replaced
	Budget     Budget
	Backend    string
	// Dir gets one run folder a run, NAME/seed-N; "" writes nothing.
	Dir string
	// Open returns a learner that holds the base policy, with what releases it, and a scorer of the base policy if the
	// settings need one.
	Open func(ctx context.Context) (Learner, grpo.Scorer, func(), error)
	// Observe, if set, is told of every run's events; run counts from 0 over all runs.
	Observe func(run int, contender Contender, seed uint64, e Event)
}

// Figures are what a comparison says of one method. Steps, tokens and times are means over seeds.
type Figures struct {
	EM             []float64         `json:"em"` // greedy, on the test questions, after training; one a seed
	EMMean         float64           `json:"em_mean"`
	EMCI           interval.Interval `json:"em_ci"` // Student's t over seeds, within [0, 1]; null for one seed
	Steps          float64           `json:"steps"`
	SampledTokens  float64           `json:"sampled_tokens"`
	ComputedTokens float64           `json:"computed_tokens"`
	StepSeconds    float64           `json:"step_seconds"`
}

// Difference is the mean of EM(A) − EM(B) over seeds, paired by seed, with Student's t interval within [−1, 1] (null for
// one seed).
type Difference struct {
	A    string            `json:"a"`
	B    string            `json:"b"`
	Mean float64           `json:"mean"`
	CI   interval.Interval `json:"ci"`
}

// Table is the outcome of a comparison.
type Table struct {
	Methods     map[string]Figures `json:"methods"`
	Differences []Difference       `json:"differences"` // of all pairs, a named before b
}

// Runs is the number of runs.
func (c *Comparison) Runs() int { return len(c.Contenders) * len(c.Seeds) }

// Compare runs all of it, seed by seed, so that a comparison that is interrupted has complete pairs. It returns the table
// and the runs' results by contender and seed.
func (c *Comparison) Compare(ctx context.Context) (*Table, map[string][]*Result, error) {
	results := make(map[string][]*Result, len(c.Contenders))
	for _, contender := range c.Contenders {
		if _, twice := results[contender.Name]; twice {
			return nil, nil, fmt.Errorf("method %q is named twice", contender.Name)
		}
		results[contender.Name] = nil
	}
	var before []evaluate.Result // of the base policy: the same for all runs
	number := 0
	for _, seed := range c.Seeds {
		for _, contender := range c.Contenders {
			result, evaluated, err := c.run(ctx, number, contender, seed, before)
			if err != nil {
				return nil, results, fmt.Errorf("%s, seed %d: %w", contender.Name, seed, err)
			}
			before = evaluated
			results[contender.Name] = append(results[contender.Name], result)
			number++
		}
	}
	table, err := c.table(results)
	return table, results, err
}

// run trains one contender from one seed.
func (c *Comparison) run(ctx context.Context, number int, contender Contender, seed uint64, before []evaluate.Result) (result *Result, evaluated []evaluate.Result, err error) {
	learner, reference, release, err := c.Open(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	config := c.Config
	config.Seed = seed
	run := Run{Task: c.Task, Method: contender.Method, Config: config, Budget: c.Budget, Before: before, Backend: c.Backend}
	if c.Observe != nil {
		run.Observe = func(e Event) { c.Observe(number, contender, seed, e) }
	}
	if c.Dir != "" {
		folder, err := runfolder.Create(filepath.Join(c.Dir, contender.Name, fmt.Sprintf("seed-%d", seed)), config)
		if err != nil {
			return nil, nil, err
		}
		defer func() { err = errors.Join(err, folder.Close()) }()
		run.Folder = folder
	}
	result, err = run.Train(ctx, learner, reference)
	return result, run.Before, err
}

// table computes the figures of a comparison whose runs have all ended.
func (c *Comparison) table(results map[string][]*Result) (*Table, error) {
	table := &Table{Methods: make(map[string]Figures, len(c.Contenders)), Differences: []Difference{}}
	for _, contender := range c.Contenders {
		f := Figures{}
		for _, r := range results[contender.Name] {
			f.EM = append(f.EM, *r.EMAfter)
			f.Steps += float64(r.Steps)
			f.SampledTokens += float64(r.SampledTokens)
			f.ComputedTokens += float64(r.ComputedTokens)
			f.StepSeconds += r.StepSeconds
		}
		n := float64(len(f.EM))
		f.Steps, f.SampledTokens, f.ComputedTokens, f.StepSeconds = f.Steps/n, f.SampledTokens/n, f.ComputedTokens/n, f.StepSeconds/n
		f.EMMean, f.EMCI = interval.Mean(f.EM)
		f.EMCI = f.EMCI.Clamp(0, 1)
		table.Methods[contender.Name] = f
	}
	for i, a := range c.Contenders {
		for _, b := range c.Contenders[i+1:] {
			mean, ci, err := interval.Paired(table.Methods[a.Name].EM, table.Methods[b.Name].EM)
			if err != nil {
				return nil, err
			}
			table.Differences = append(table.Differences, Difference{A: a.Name, B: b.Name, Mean: mean, CI: ci.Clamp(-1, 1)})
		}
	}
	return table, nil
}
