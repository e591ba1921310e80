package experiment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"searchrl/evaluate"
	"searchrl/grpo"
	"searchrl/internal/memory"
	"searchrl/runfolder"
)

// Contender is a method to compare, under the name it appears with.
type Contender struct {
	Name string
	// Make makes the method for one run, so that no run sees what another left in it; it is released after the run.
	Make func() (grpo.Method, error)
}

// Comparison trains each contender from the same base policy on the same questions, once a seed. A seed gives every
// contender the same questions in the same order, so their results are paired by seed; all are evaluated on the same
// questions, so they are paired by question too. What came out is in the folder, for package comparison to read.
type Comparison struct {
	Task       *Task
	Contenders []Contender
	Seeds      []uint64
	Config     grpo.Config // its seed is replaced
	Budget     Budget
	Backend    string
	// Folder gets one run folder a run, RunName, and the base policy's evaluation. Runs that it has already, finished,
	// are not made again.
	Folder *runfolder.Collection
	// EvaluateEvery and GradientsEvery are those of every Run, Probes that of the first seed's.
	EvaluateEvery, GradientsEvery, Probes int
	// Parallel is the number of runs at a time, 0 means 1. Memory bounds it further: the first run goes alone, and from how
	// much the process grew follows how many fit into so many bytes; 0 is no limit.
	Parallel int
	Memory   int64
	// Open returns a learner that holds the base policy, with what releases it, and a scorer of the base policy if the
	// settings need one.
	Open func(ctx context.Context) (Learner, grpo.Scorer, func(), error)
	// Observe, if set, is told of every run's events, one at a time; run counts from 0 over all runs, seed by seed. A run
	// that was found finished has the one event of phase Known, and the base policy's evaluation is an event of run 0.
	Observe func(run int, contender Contender, seed uint64, e Event)
}

// Names within a comparison's folder.
const (
	RunsFolder = "runs"
	BeforeFile = "evaluation-before.jsonl" // the base policy's, the same for all runs
	AfterFile  = "evaluation-after.jsonl"  // of one run, in its folder
)

// RunName returns the name of a run's folder within the comparison's.
func RunName(contender string, seed uint64) string {
	return filepath.Join(RunsFolder, contender, fmt.Sprintf("seed-%d", seed))
}

// Runs is the number of runs.
func (c *Comparison) Runs() int { return len(c.Contenders) * len(c.Seeds) }

// Run makes all runs that the folder does not have, seed by seed, so that a comparison that is interrupted has complete
// pairs. It can be stopped in any way at any moment: called again with the same settings it goes on with the runs that were
// not finished, and, as each run draws from its seed alone, ends with the same figures but for times and memory.
func (c *Comparison) Run(ctx context.Context) error {
	names := map[string]bool{}
	for _, contender := range c.Contenders {
		if names[contender.Name] {
			return fmt.Errorf("method %q is named twice", contender.Name)
		}
		names[contender.Name] = true
	}
	before, err := c.before(ctx)
	if err != nil {
		return fmt.Errorf("evaluating the base policy: %w", err)
	}
	var jobs []*job
	for _, seed := range c.Seeds {
		for _, contender := range c.Contenders {
			jobs = append(jobs, &job{comparison: c, number: len(jobs), contender: contender, seed: seed, before: before})
		}
	}
	return c.schedule(ctx, jobs)
}

// schedule runs the jobs, up to Parallel at a time as far as memory allows.
func (c *Comparison) schedule(ctx context.Context, jobs []*job) error {
	var mutex sync.Mutex
	observe := c.Observe
	for _, j := range jobs {
		j.observe = func(e Event) {
			if observe != nil {
				mutex.Lock()
				defer mutex.Unlock()
				observe(j.number, j.contender, j.seed, e)
			}
		}
	}
	at := max(1, c.Parallel)
	if at > 1 && c.Memory > 0 {
		resident, known := memory.Resident()
		for len(jobs) > 0 {
			first := jobs[0]
			jobs = jobs[1:]
			peak, err := first.run(ctx)
			if err != nil {
				return err
			}
			if peak > 0 && known {
				at = fit(c.Memory, resident, peak-resident, at)
				break
			}
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(at)
	for _, j := range jobs {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			j.beside = at > 1
			_, err := j.run(ctx)
			return err
		})
	}
	return group.Wait()
}

// fit returns how many runs that take growth bytes each fit beside what is resident, at least 1 and at most most.
func fit(limit, resident, growth int64, most int) int {
	if growth <= 0 {
		return most
	}
	return int(min(max((limit-resident)/growth, 1), int64(most)))
}

// before returns the base policy's greedy evaluation, from the folder if it is there.
func (c *Comparison) before(ctx context.Context) (results []evaluate.Result, err error) {
	results, err = runfolder.ReadLines[evaluate.Result](c.Folder.Path(BeforeFile))
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return results, err
	}
	learner, _, release, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	method, err := c.Contenders[0].Make()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, grpo.Release(method)) }()
	run := Run{Task: c.Task, Method: method, Config: c.Config}
	if c.Observe != nil {
		run.Observe = func(e Event) { c.Observe(0, c.Contenders[0], c.Seeds[0], e) }
	}
	if results, err = run.evaluate(ctx, learner, Before); err != nil {
		return nil, err
	}
	return results, c.Folder.Write(BeforeFile, func(w io.Writer) error { return runfolder.EncodeLines(w, results) })
}

// job is one run of a comparison.
type job struct {
	comparison *Comparison
	number     int
	contender  Contender
	seed       uint64
	before     []evaluate.Result
	beside     bool // other runs go on at the same time
	observe    func(Event)
}

// run trains one contender from one seed, unless the folder has that run. peak is the process's peak memory, 0 where it
// is not known.
func (j *job) run(ctx context.Context) (peak int64, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s, seed %d: %w", j.contender.Name, j.seed, err)
		}
	}()
	c := j.comparison
	config := c.Config
	config.Seed = j.seed
	name := RunName(j.contender.Name, j.seed)
	folder, done, err := c.Folder.Run(name, map[string]any{"method": j.contender.Name, "training": config})
	if err != nil {
		return 0, err
	}
	if done {
		return 0, j.known(c.Folder.Path(name))
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	method, err := j.contender.Make()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, grpo.Release(method)) }()
	learner, reference, release, err := c.Open(ctx)
	if err != nil {
		return 0, err
	}
	defer release()
	run := Run{Task: c.Task, Method: method, Config: config, Budget: c.Budget, Before: j.before, Backend: c.Backend, Folder: folder,
		EvaluateEvery: c.EvaluateEvery, GradientsEvery: c.GradientsEvery, Beside: j.beside, Observe: j.observe}
	if j.seed == c.Seeds[0] {
		run.Probes = c.Probes
	}
	result, err := run.Train(ctx, learner, reference)
	if err == nil && result.PeakMemory != nil {
		peak = *result.PeakMemory
	}
	return peak, err
}

// known reports a run that was found finished.
func (j *job) known(dir string) error {
	var result Result
	if err := runfolder.ReadJSON(filepath.Join(dir, runfolder.ResultFile), &result); err != nil {
		return err
	}
	e := Event{Phase: Known, Done: 1, Total: 1}
	if result.After != nil {
		e.Figures = *result.After
	}
	j.observe(e)
	return nil
}
