package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"time"

	"searchrl/comparison"
	"searchrl/evaluate"
	"searchrl/experiment"
	"searchrl/grpo"
	"searchrl/interval"
	"searchrl/runfolder"
)

// trainCmd trains one method.
type trainCmd struct {
	Method string `default:"search-r1" placeholder:"NAME" help:"Method: ${methods}."`
	Steps  int    `default:"20" help:"Training steps; 0 only evaluates."`
	Seed   uint64 `default:"0" help:"Determines everything random."`

	taskFlags     `group:"Task"`
	methodFlags   `group:"Method"`
	trainingFlags `group:"Training"`
	backendFlags  `group:"Computation"`

	Out       string `placeholder:"DIR" help:"Run folder: new, empty, or that of a run that was stopped, which goes on if the settings are the same (default: runs/METHOD-TIME)."`
	NoTrees   bool   `help:"Do not keep what was sampled."`
	SaveEvery int    `default:"0" help:"Save a checkpoint each so many steps, beside the last one."`
	EvalEvery int    `default:"0" help:"Evaluate each so many steps."`
	Probes    int    `default:"3" help:"Training questions whose token trees the report shows, at the beginning, in the middle and at the end; a method's judge is asked about them, too."`
	Sampled   bool   `default:"true" negatable:"" help:"Evaluate at the training temperature too."`
}

func (c *trainCmd) Help() string {
	return "Without further flags it trains the embedded policy in the embedded world and ends with its exact match before and " +
		"after, on questions about facts it has never seen. The run folder gets the settings, the metrics, everything that was " +
		"sampled, and the trained policy as a Hugging Face folder. Ctrl-C ends the run early and keeps what was done. The same command " +
		"with --out and its folder goes on with a run that was stopped or killed, as if it had not been; with more --steps, with one that has ended."
}

// Run trains, writes the run folder and shows what was gained.
func (c *trainCmd) Run(ctx context.Context, con *console) (err error) {
	if c.Steps < 0 || c.SaveEvery < 0 || c.EvalEvery < 0 || c.Probes < 0 {
		return unusable(errors.New("--steps, --save-every, --eval-every and --probes must not be negative"))
	}
	method, err := newMethod(c.Method, c.methodFlags, c.taskFlags)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, grpo.Release(method)) }()
	config, err := c.config(c.Temperature, c.Seed)
	if err != nil {
		return err
	}
	if err := c.fits(c.Method, config.Aggregation); err != nil {
		return err
	}
	if err := c.suits(method, c.Probes); err != nil {
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
	settings := c.settings(method, config, task, engine)
	folder, err := runfolder.Continue(c.folder(), settings, "program", "started", "steps", "backend")
	if err != nil {
		return unusable(err)
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	if folder.Ended() && folder.Step() >= c.Steps {
		return unusable(fmt.Errorf("run folder %s: it holds a run that has ended, after %d steps; ask for more --steps to go on with it, or name another folder",
			folder.Dir(), folder.Step()))
	}
	con.note("run folder: %s", folder.Dir())
	if folder.Step() > 0 {
		con.note("going on after step %d", folder.Step())
	}
	learner, reference, release, err := engine.learners(task.Base, config)(ctx)
	if err != nil {
		return err
	}
	defer release()

	view := newRunView(con, c.Method, c.Steps)
	run := experiment.Run{
		Task: task, Method: method, Config: config, Budget: experiment.Budget{Steps: c.Steps}, Folder: folder,
		Trees: !c.NoTrees, KeepState: true, SaveEvery: c.SaveEvery, EvaluateEvery: c.EvalEvery, Probes: c.Probes, Sampled: c.Sampled,
		Backend: string(engine.backend.Kind()), Observe: view.observe,
	}
	result, err := run.Train(ctx, learner, reference)
	view.stop()
	if err == nil || result.Interrupted {
		err = errors.Join(err, c.writePage(folder, task, result, settings))
		showResult(con.text(), result)
		err = errors.Join(err, con.document(result))
	}
	if err != nil && result.Steps > 0 {
		con.note("to go on: the same command with --out %s", folder.Dir())
	}
	return err
}

// writePage writes the report of the run into its folder.
func (c *trainCmd) writePage(folder *runfolder.Folder, task *experiment.Task, result *experiment.Result, settings any) error {
	run, err := comparison.OpenRun(folder.Dir(), result)
	if err != nil {
		return err
	}
	info, err := pageInfo(task, fmt.Sprintf("steps=%d", c.Steps), settings)
	if err != nil {
		return err
	}
	page, err := comparison.RunPage(run, info)
	if err != nil {
		return err
	}
	return runfolder.WriteFile(folder.Path(comparison.PageFile), page.Write)
}

// folder returns the run folder's name: the one given, or a new one made of the method and the time.
func (c *trainCmd) folder() string {
	if c.Out != "" {
		return c.Out
	}
	return filepath.Join("runs", c.Method+"-"+time.Now().Format("20060102-150405"))
}

// settings is what config.json holds: enough to run the same again.
func (c *trainCmd) settings(method grpo.Method, config grpo.Config, task *experiment.Task, engine *engine) map[string]any {
	return map[string]any{
		"program":        version(),
		"started":        time.Now().UTC().Format(time.RFC3339),
		"method":         method.Name(),
		"method_config":  method,
		"training":       config,
		"steps":          c.Steps,
		"task":           task.Name,
		"base":           task.Base.Name,
		"corpus":         c.where(),
		"train_file":     c.QuestionsFile,
		"test_file":      c.TestFile,
		"test_questions": len(task.Test.Questions),
		"protocol":       task.Protocol,
		"backend":        engine.backend.Info(),
		"decoder":        c.Decoder,
	}
}

// runView shows a run's progress.
type runView struct {
	con   *console
	title string
	steps int // planned; 0 if the budget counts something else
	phase experiment.Phase
	bar   *bar
}

func newRunView(con *console, title string, steps int) *runView {
	return &runView{con: con, title: title, steps: steps}
}

// phaseTitles says what a run does in each phase.
var phaseTitles = map[experiment.Phase]string{
	experiment.Before:        "before training, greedy",
	experiment.BeforeSampled: "before training, sampled",
	experiment.Checking:      "on the way, greedy",
	experiment.After:         "after training, greedy",
	experiment.AfterSampled:  "after training, sampled",
}

func (v *runView) observe(e experiment.Event) {
	if v.bar == nil || v.phase != e.Phase {
		v.stop()
		v.phase = e.Phase
		title := phaseTitles[e.Phase]
		if e.Phase == experiment.Training {
			title = v.title
		}
		v.bar = v.con.startBar(title, e.Total)
	}
	switch {
	case e.Done == 0 && e.Step == nil: // it begins
		return
	case e.Phase == experiment.Training:
		text := stepText(e.Step, v.steps)
		v.bar.set(e.Done, "%s", text)
		v.bar.line("%s %s", v.title, text)
		return
	}
	v.bar.set(e.Done, "EM %.3f", e.Figures.EM)
	if e.Done == e.Total {
		v.stop()
		v.con.note("%s: EM %.3f %v on %d questions, %.1f searches a question", phaseTitles[e.Phase], e.Figures.EM, e.Figures.EMCI, e.Total, e.Figures.Searches)
	}
}

func (v *runView) stop() {
	if v.bar != nil {
		v.bar.stop()
		v.bar = nil
	}
}

// stepText is one training step in a line; steps is the number planned, 0 if unknown.
func stepText(s *experiment.Step, steps int) string {
	of := ""
	if steps > 0 {
		of = fmt.Sprintf("/%d", steps)
	}
	return fmt.Sprintf("%d%s  EM %.2f  reward %.2f  searches %.1f  %.0f tokens/s", s.Step, of, s.EM,
		s.Metrics[grpo.MetricReward], s.Metrics[grpo.MetricSearches], float64(s.SampledTokens())/max(s.Seconds(), 1e-9))
}

// showResult prints what a run reached.
func showResult(w io.Writer, r *experiment.Result) {
	style := styled(w)
	fmt.Fprintf(w, "\n%s on %s, backend %s: %d steps, %s tokens sampled, %s\n", style(bold, r.Method), r.Task, r.Backend, r.Steps,
		thousands(r.SampledTokens), time.Duration(r.Seconds*float64(time.Second)).Round(time.Second))
	if r.Before != nil {
		fmt.Fprintf(w, "Exact match on %d unseen questions, with 95 %% intervals:\n\n", r.Before.Questions)
		table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
		fmt.Fprintln(table, "\tbefore\tafter\tgain")
		fmt.Fprintf(table, "  greedy\t%s\t%s\t%s\n", share(r.EMBefore, r.EMBeforeCI), share(r.EMAfter, r.EMAfterCI), signed(r.Gain, r.GainCI))
		if r.SampledBefore != nil {
			fmt.Fprintf(table, "  sampled\t%s\t%s\n", emOf(r.SampledBefore), emOf(r.SampledAfter))
		}
		if r.After != nil {
			for i, before := range r.Before.ByHops {
				if after := r.After.ByHops[i]; before.Hops == after.Hops {
					fmt.Fprintf(table, "  %d hops, greedy\t%s\t%s\n", before.Hops, share(&before.EM, before.EMCI), share(&after.EM, after.EMCI))
				}
			}
		}
		_ = table.Flush()
	}
	if r.Folder != "" && r.Steps > 0 {
		fmt.Fprintf(w, "\nReport: %s\nTo see what it learned: searchrl ask --model %s\n", filepath.Join(r.Folder, comparison.PageFile),
			filepath.Join(r.Folder, runfolder.CheckpointFolder))
	}
}

func emOf(s *evaluate.Summary) string {
	if s == nil {
		return "–"
	}
	return share(&s.EM, s.EMCI)
}

// share formats a share with its interval; "–" if it was not reached.
func share(value *float64, ci interval.Interval) string {
	if value == nil {
		return "–"
	}
	return fmt.Sprintf("%.3f %v", *value, ci)
}

// signed formats a difference with its interval.
func signed(value *float64, ci interval.Interval) string {
	if value == nil {
		return "–"
	}
	return fmt.Sprintf("%+.3f %v", *value, ci)
}

// thousands writes a number with commas.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
