package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"searchrl/comparison"
	"searchrl/experiment"
	"searchrl/grpo"
	"searchrl/runfolder"
)

// compareCmd trains several methods and compares them.
type compareCmd struct {
	Methods  []string `default:"search-r1" placeholder:"A,B,..." help:"Methods: ${methods}."`
	Variants []string `name:"variant" sep:"none" placeholder:"NAME=METHOD FLAG..." help:"One more contender: a method with flags of its own, in quotes, as 'strong=ig-search --ig-alpha 1'; the other flags are those of all. May be repeated."`
	Seeds    int      `default:"5" help:"Runs of each method, from seeds FIRST-SEED, FIRST-SEED+1, ..."`
	First    uint64   `name:"first-seed" default:"0" help:"The first seed."`
	Budget   string   `default:"steps=20" help:"When a run ends: steps=N, tokens=N sampled tokens, or seconds=N of training steps."`
	Baseline string   `placeholder:"METHOD" help:"What the others are compared with (default: the first method)."`

	taskFlags     `group:"Task"`
	methodFlags   `group:"Method"`
	trainingFlags `group:"Training"`
	backendFlags  `group:"Computation"`

	EvaluateEvery  int     `default:"5" help:"Evaluate each so many steps, for the learning curves; 0 only at the end."`
	GradientsEvery int     `default:"2" help:"Measure the gradient's variance each so many steps, which takes two more passes; 0 never."`
	Probes         int     `default:"3" help:"Questions whose token trees the report shows, at the beginning, in the middle and at the end of the first seed's runs; a method's judge is asked about them, too."`
	Parallel       int     `default:"1" help:"Runs at a time. Their step times and memory are then not those of a run alone."`
	Memory         float64 `default:"0" placeholder:"GIB" help:"With --parallel: no more runs at a time than fit into so much memory, judged by the first, which goes alone; 0 is no limit."`
	Out            string  `placeholder:"DIR" help:"Folder for the runs and the table; one that was begun with the same settings is continued (default: runs/compare-TIME)."`
}

func (c *compareCmd) Help() string {
	return "Each method starts from the same policy and gets, for the same seed, the same questions in the same order; they " +
		"are evaluated on the same unseen questions. Results are paired by seed and question, with 95 % intervals. Stopped in " +
		"whatever way, the same command with the same --out goes on with the runs that were not finished."
}

// Run trains all and prints the table.
func (c *compareCmd) Run(ctx context.Context, con *console) (err error) {
	contenders, err := c.contenders()
	if err != nil {
		return err
	}
	budget, err := c.check(names(contenders))
	if err != nil {
		return unusable(err)
	}
	config, err := c.config(c.Temperature, c.First)
	if err != nil {
		return err
	}
	task, err := c.task()
	if err != nil {
		return err
	}
	if err := c.enough(task); err != nil {
		return err
	}
	engine, err := c.open(con)
	if err != nil {
		return err
	}
	defer engine.close()
	compared := experiment.Comparison{
		Task: task, Contenders: contenders, Config: config, Budget: budget, Backend: string(engine.backend.Kind()),
		EvaluateEvery: c.EvaluateEvery, GradientsEvery: c.GradientsEvery, Probes: c.Probes,
		Parallel: c.Parallel, Memory: int64(c.Memory * (1 << 30)), Open: engine.learners(task.Base, config),
	}
	for i := range c.Seeds {
		compared.Seeds = append(compared.Seeds, c.First+uint64(i))
	}
	settings, err := c.settings(&compared)
	if err != nil {
		return err
	}
	compared.Folder, err = runfolder.Open(c.folder(), settings, map[string]any{
		"started": time.Now().UTC().Format(time.RFC3339), "machine": machine(), "backend": engine.backend.Info(), "parallel": c.Parallel,
	})
	if err != nil {
		return unusable(err)
	}
	defer func() { err = errors.Join(err, compared.Folder.Close()) }()
	con.note("folder: %s%s", compared.Folder.Dir(), map[bool]string{true: ", begun before"}[compared.Folder.Resumed()])

	view := newCompareView(con, &compared)
	compared.Observe = view.observe
	err = compared.Run(ctx)
	view.bar.stop()
	if err != nil {
		if ctx.Err() != nil {
			con.note("to go on: the same command with --out %s", compared.Folder.Dir())
		}
		return err
	}
	return c.conclude(con, &compared, settings)
}

// check parses the budget and refuses what cannot be run.
func (c *compareCmd) check(names []string) (experiment.Budget, error) {
	budget, err := experiment.ParseBudget(c.Budget)
	switch {
	case len(names) == 0:
		return budget, errors.New("--methods names no method, expected one or more")
	case c.Seeds < 1:
		return budget, fmt.Errorf("--seeds is %d, expected 1 or more", c.Seeds)
	case err != nil:
		return budget, fmt.Errorf("--budget: %w", err)
	case c.EvaluateEvery < 0 || c.GradientsEvery < 0 || c.Probes < 0:
		return budget, errors.New("--evaluate-every, --gradients-every and --probes must not be negative")
	case c.Parallel < 1:
		return budget, fmt.Errorf("--parallel is %d, expected 1 or more", c.Parallel)
	case c.Parallel > 1 && budget.Seconds > 0:
		return budget, errors.New("--parallel with a budget of seconds: runs side by side slow each other down, expected --parallel 1")
	case !(c.Memory >= 0 && c.Memory < 1<<30):
		return budget, fmt.Errorf("--memory is %v, expected a number of GiB from 0", c.Memory)
	case c.Baseline == "":
		c.Baseline = names[0]
	case !slices.Contains(names, c.Baseline):
		return budget, fmt.Errorf("--baseline is %q, expected one of the contenders: %s", c.Baseline, strings.Join(names, ", "))
	}
	return budget, nil
}

// conclude computes the table from the folder, writes it and shows it.
func (c *compareCmd) conclude(con *console, compared *experiment.Comparison, settings any) error {
	data, err := comparison.Read(compared.Folder.Dir(), names(compared.Contenders), compared.Seeds)
	if err != nil {
		return err
	}
	table, err := comparison.NewTable(data, c.Baseline)
	if err != nil {
		return err
	}
	if err := compared.Folder.WriteJSON(runfolder.ResultFile, table); err != nil {
		return err
	}
	if err := compared.Folder.Write(comparison.TableFile, table.WriteCSV); err != nil {
		return err
	}
	if err := compared.Folder.Write(comparison.MarkdownFile, table.WriteMarkdown); err != nil {
		return err
	}
	info, err := pageInfo(compared.Task, compared.Budget.String(), settings)
	if err != nil {
		return err
	}
	page, err := comparison.Page(table, data, info)
	if err != nil {
		return err
	}
	if err := compared.Folder.Write(comparison.PageFile, page.Write); err != nil {
		return err
	}
	showTable(con.text(), compared, table)
	fmt.Fprintf(con.text(), "\nReport: %s\n", compared.Folder.Path(comparison.PageFile))
	return con.document(table)
}

func (c *compareCmd) folder() string {
	if c.Out != "" {
		return c.Out
	}
	return filepath.Join("runs", "compare-"+time.Now().Format("20060102-150405"))
}

func (c *compareCmd) contenders() ([]experiment.Contender, error) {
	entrants, err := c.entrants()
	if err != nil {
		return nil, unusable(err)
	}
	var contenders []experiment.Contender
	for _, e := range entrants {
		if err := e.flags.fits(e.method, grpo.Aggregation(c.Aggregation)); err != nil {
			return nil, err
		}
		method, err := newMethod(e.method, e.flags, c.taskFlags) // only to see that it can be made
		if err != nil {
			return nil, err
		}
		if err := errors.Join(c.suits(method, c.Probes), grpo.Release(method)); err != nil {
			return nil, err
		}
		contenders = append(contenders, experiment.Contender{Name: e.name, Make: func() (grpo.Method, error) {
			return newMethod(e.method, e.flags, c.taskFlags)
		}})
	}
	return contenders, nil
}

func names(contenders []experiment.Contender) []string {
	var names []string
	for _, c := range contenders {
		names = append(names, c.Name)
	}
	return names
}
