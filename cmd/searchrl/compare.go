package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"time"

	"searchrl/experiment"
	"searchrl/grpo"
	"searchrl/runfolder"
)

// compareCmd trains several methods and compares them.
type compareCmd struct {
	Methods []string `default:"search-r1" placeholder:"A,B,..." help:"Methods: ${methods}."`
	Seeds   int      `default:"5" help:"Runs of each method, from seeds FIRST-SEED, FIRST-SEED+1, ..."`
	First   uint64   `name:"first-seed" default:"0" help:"The first seed."`
	Budget  string   `default:"steps=20" help:"When a run ends: steps=N, or tokens=N sampled tokens."`

	taskFlags     `group:"Task"`
	methodFlags   `group:"Method"`
	trainingFlags `group:"Training"`
	backendFlags  `group:"Computation"`

	Out string `placeholder:"DIR" help:"Folder for the runs and the table, new or empty (default: runs/compare-TIME)."`
}

func (c *compareCmd) Help() string {
	return "Each method starts from the same policy and gets, for the same seed, the same questions in the same order; they " +
		"are evaluated on the same unseen questions. Results are paired by seed, with 95 % Student t intervals over seeds."
}

// Run trains all and prints the table.
func (c *compareCmd) Run(ctx context.Context, con *console) (err error) {
	if c.Seeds < 1 {
		return unusable(fmt.Errorf("--seeds is %d, expected 1 or more", c.Seeds))
	}
	budget, err := experiment.ParseBudget(c.Budget)
	if err != nil {
		return unusable(fmt.Errorf("--budget: %w", err))
	}
	contenders, err := c.contenders()
	if err != nil {
		return err
	}
	config, err := c.config(c.Temperature, c.First)
	if err != nil {
		return err
	}
	task, err := c.task()
	if err != nil {
		return err
	}
	engine, err := c.open(con)
	if err != nil {
		return err
	}
	defer engine.close()
	folder, err := runfolder.Create(c.folder(), map[string]any{
		"program": version(), "started": time.Now().UTC().Format(time.RFC3339), "methods": c.Methods, "method_flags": c.methodFlags,
		"training": config, "seeds": c.Seeds, "first_seed": c.First, "budget": budget, "task": task.Name, "base": task.Base.Name,
		"backend": engine.backend.Info(),
	})
	if err != nil {
		return unusable(err)
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	con.note("folder: %s", folder.Dir())

	comparison := experiment.Comparison{
		Task: task, Contenders: contenders, Config: config, Budget: budget,
		Backend: string(engine.backend.Kind()), Dir: filepath.Join(folder.Dir(), "runs"), Open: engine.learners(task.Base, config),
	}
	for i := range c.Seeds {
		comparison.Seeds = append(comparison.Seeds, c.First+uint64(i))
	}
	view := newCompareView(con, &comparison)
	comparison.Observe = view.observe
	table, results, err := comparison.Compare(ctx)
	view.bar.stop()
	if err != nil {
		return err
	}
	if err := folder.WriteResult(table); err != nil {
		return err
	}
	showTable(con.text(), &comparison, table, results)
	return con.document(table)
}

func (c *compareCmd) folder() string {
	if c.Out != "" {
		return c.Out
	}
	return filepath.Join("runs", "compare-"+time.Now().Format("20060102-150405"))
}

func (c *compareCmd) contenders() ([]experiment.Contender, error) {
	var contenders []experiment.Contender
	seen := map[string]bool{}
	for _, name := range c.Methods {
		if seen[name] {
			return nil, unusable(fmt.Errorf("--methods names %s twice", name))
		}
		seen[name] = true
		if err := c.fits(name, grpo.Aggregation(c.Aggregation)); err != nil {
			return nil, err
		}
		method, err := newMethod(name, c.methodFlags, c.taskFlags)
		if err != nil {
			return nil, err
		}
		contenders = append(contenders, experiment.Contender{Name: name, Method: method})
	}
	return contenders, nil
}

// compareView shows one progress over all runs.
type compareView struct {
	con   *console
	bar   *bar
	total int
}

func newCompareView(con *console, c *experiment.Comparison) *compareView {
	return &compareView{con: con, bar: con.startBar("", c.Runs()*1000), total: c.Runs()}
}

func (v *compareView) observe(run int, contender experiment.Contender, seed uint64, e experiment.Event) {
	name := fmt.Sprintf("run %d/%d, %s seed %d:", run+1, v.total, contender.Name, seed)
	switch {
	case e.Done == 0 && e.Step == nil: // it begins
	case e.Phase == experiment.Training:
		v.bar.set(run*1000+e.Done*99/100, "%s %s", name, stepText(e.Step, 0))
	case e.Phase == experiment.After && e.Done == e.Total:
		v.con.note("%s EM %.3f %v", name, e.Figures.EM, e.Figures.EMCI)
		v.bar.set((run+1)*1000, "%s", name)
	case e.Phase == experiment.Before:
		v.bar.set(run*1000, "evaluating the base policy: EM %.3f", e.Figures.EM)
	}
}

// showTable prints the comparison.
func showTable(w io.Writer, c *experiment.Comparison, table *experiment.Table, results map[string][]*experiment.Result) {
	fmt.Fprintf(w, "\nGreedy exact match on %d unseen questions of %s; %d seeds, budget %v; means over seeds, 95 %% intervals.\n\n",
		len(c.Task.Test.Questions), c.Task.Name, len(c.Seeds), c.Budget)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "method\tEM\tby seed\tsteps\tsampled\tcomputed\ts/step")
	first := results[c.Contenders[0].Name][0]
	fmt.Fprintf(t, "(base policy)\t%.3f\t\t\t\t\t\n", *first.EMBefore)
	for _, contender := range c.Contenders {
		f := table.Methods[contender.Name]
		fmt.Fprintf(t, "%s\t%.3f %v\t%s\t%.4g\t%s\t%s\t%.2f\n", contender.Name, f.EMMean, f.EMCI, perSeed(f.EM), f.Steps,
			thousands(int(f.SampledTokens)), thousands(int(f.ComputedTokens)), f.StepSeconds)
	}
	_ = t.Flush()
	if len(table.Differences) == 0 {
		return
	}
	fmt.Fprintln(w, "\nDifferences in EM, paired by seed:")
	t = tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, d := range table.Differences {
		verdict := ""
		if d.CI.Known() && d.CI.Contains(0) {
			verdict = "could be chance"
		}
		fmt.Fprintf(t, "  %s − %s\t%+.3f %v\t%s\n", d.A, d.B, d.Mean, d.CI, verdict)
	}
	_ = t.Flush()
}

func perSeed(values []float64) string {
	text := ""
	for i, v := range values {
		if i > 0 {
			text += " "
		}
		text += fmt.Sprintf("%.3f", v)
	}
	return text
}
