package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"searchrl/evaluate"
	"searchrl/grpo"
	"searchrl/internal/memory"
	"searchrl/rollout"
	"searchrl/runfolder"
)

// Run trains one method on one task from one seed. A method that has nothing to train (grpo.Untrained) takes no step and is
// evaluated as it acts; "before" is the same policy in the plain agent loop.
type Run struct {
	Task   *Task
	Method grpo.Method
	Config grpo.Config
	Budget Budget
	// Folder gets everything that is written; nil writes nothing.
	Folder *runfolder.Folder
	// Trees keeps what each step sampled in the folder.
	Trees bool
	// SaveEvery writes a checkpoint each so many steps, EvaluateEvery a greedy evaluation into the metrics; 0 never.
	SaveEvery, EvaluateEvery int
	// KeepState keeps the state of a [Resumable] learner in the folder, so that the run can go on after it was stopped, in
	// whatever way, with a folder from runfolder.Continue.
	KeepState bool
	// GradientsEvery measures the noise of the gradient each so many steps; 0 never.
	GradientsEvery int
	// Probes is the number of training questions that are asked again and again, at the beginning, in the middle and at the
	// end, to see what becomes of the same question; they go into the folder and train nothing.
	Probes int
	// Beside says that the process does other things at the same time, so that its memory is not this run's.
	Beside bool
	// Sampled evaluates at the training temperature too, before and after.
	Sampled bool
	// Before is the base policy's greedy evaluation, if it is known from another run on the same task; Train sets it
	// otherwise.
	Before []evaluate.Result
	// Backend is named in the result.
	Backend string
	// Observe, if set, is told of everything that happens, in order, on the goroutine of Train.
	Observe func(Event)
}

// Phase is what a run is doing.
type Phase string

// The phases of a run, in order. Checking is an evaluation between two steps.
const (
	Before        Phase = "before"
	BeforeSampled Phase = "before-sampled"
	Training      Phase = "training"
	Checking      Phase = "checking"
	After         Phase = "after"
	AfterSampled  Phase = "after-sampled"
	// Known is the one phase of a run that a comparison found finished.
	Known Phase = "known"
)

// Event reports progress: of an evaluation (questions done of all, the figures so far) or of training (the step). A phase
// begins with an event in which nothing is done.
type Event struct {
	Phase       Phase
	Done, Total int              // questions, or thousandths of the budget while training
	Figures     evaluate.Summary // of the questions done; evaluations only
	Step        *Step            // training only; nil in its first event
}

// budgetParts is what progress through a budget is counted in.
const budgetParts = 1000

// Train runs the whole of it. It returns what was reached together with the error that ended it early, if any; when the
// context ends, the run folder still gets the checkpoint and the result of what was done.
func (r *Run) Train(ctx context.Context, learner Learner, reference grpo.Scorer) (*Result, error) {
	result := newResult()
	result.Method, result.Backend, result.Seed = r.Method.Name(), r.Backend, r.Config.Seed
	result.Task, result.Base = r.Task.Name, r.Task.Base.Name
	if r.Folder != nil {
		result.Folder = r.Folder.Dir()
	}
	if err := r.goOn(learner, result); err != nil {
		return result, err // the folder stays as it is
	}
	start := time.Now()
	measured := !r.Beside && memory.Reset()
	err := r.train(ctx, learner, reference, result)
	result.Seconds = time.Since(start).Seconds()
	if peak, ok := memory.Peak(); ok && measured {
		result.PeakMemory = &peak
	}
	result.Interrupted = err != nil && ctx.Err() != nil
	if r.Folder == nil {
		return result, err
	}
	// What was done is kept, however it ended.
	if (result.Steps > 0 || err == nil) && !errors.Is(err, errBroken) {
		err = errors.Join(err, r.save(learner, runfolder.CheckpointFolder))
	}
	return result, errors.Join(err, r.Folder.WriteResult(result))
}

func (r *Run) train(ctx context.Context, learner Learner, reference grpo.Scorer, result *Result) error {
	env := r.Task.Env(learner, r.Task.Train)
	trainer, err := grpo.NewTrainer(learner, reference, env, r.Method, r.Task.Train.Questions, r.Config, result.Steps)
	if err != nil {
		return err
	}
	if r.Before == nil {
		if r.Before, err = r.evaluateBase(ctx, learner, Before, result); err != nil {
			return err
		}
	}
	before := r.Before
	result.setBefore(before)
	if r.Sampled {
		sampled, err := r.evaluateBase(ctx, learner, BeforeSampled, result)
		if err != nil {
			return err
		}
		if sampled != nil {
			result.SampledBefore = summary(sampled)
		}
	}
	_, untrained := r.Method.(grpo.Untrained)
	r.observe(Event{Phase: Training, Total: budgetParts})
	prober, keeper := r.prober(trainer, env), r.keeper(learner)
	if result.Steps > 0 {
		prober.pass(r.done(result))
	} else if err := prober.at(ctx, 0, 0); err != nil {
		return err
	}
	for !untrained && r.done(result) < 1 {
		if err := r.step(ctx, trainer, learner, keeper, result); err != nil {
			return err
		}
		if err := prober.at(ctx, result.Steps, r.done(result)); err != nil {
			return err
		}
		if err := keeper.keep(result.Steps, r.done(result) >= 1); err != nil { // when all that belongs to the step is there
			return err
		}
	}
	after, sampled := before, result.SampledBefore
	if result.Steps > 0 || untrained { // a method without training acts otherwise than the base policy was evaluated
		if after, err = r.evaluate(ctx, learner, After); err != nil {
			return err
		}
		if r.Sampled {
			results, err := r.evaluate(ctx, learner, AfterSampled)
			if err != nil {
				return err
			}
			sampled = summary(results)
		}
	}
	result.SampledAfter = sampled
	return result.setAfter(before, after)
}

// step takes one training step and writes it down.
func (r *Run) step(ctx context.Context, trainer *grpo.Trainer, learner Learner, keeper *keeper, result *Result) error {
	start := time.Now()
	rollouts, err := trainer.Collect(ctx)
	if err != nil { // the learner is where the last step left it
		return errors.Join(err, keeper.keep(result.Steps, true))
	}
	collected := time.Now()
	var noise *grpo.GradientNoise
	if r.GradientsEvery > 0 && rollouts.Step%r.GradientsEvery == 0 {
		if noise, err = gradientNoise(ctx, trainer, rollouts); err != nil {
			return err
		}
	}
	updating := time.Now()
	updates, err := trainer.Update(ctx, rollouts)
	if err != nil {
		return err
	}
	step := newStep(rollouts, updates)
	step.Noise = noise
	if compiler, ok := learner.(interface{ Programs() int }); ok {
		step.Programs = compiler.Programs()
	}
	step.CollectSeconds = collected.Sub(start).Seconds()
	step.UpdateSeconds = time.Since(updating).Seconds()
	result.add(step)
	if name, ok := step.broken(); ok {
		err := fmt.Errorf("step %d: %s is not a finite number: %w", step.Step, name, errBroken)
		return errors.Join(err, r.write(step, rollouts.Trees, nil))
	}
	if r.EvaluateEvery > 0 && step.Step%r.EvaluateEvery == 0 && r.done(result) < 1 {
		results, err := r.evaluate(ctx, learner, Checking)
		if err != nil {
			return err
		}
		step.Test = summary(results)
	}
	r.observe(Event{Phase: Training, Step: step, Total: budgetParts,
		Done: int(math.Min(1, r.done(result)) * budgetParts)})
	return r.write(step, rollouts.Trees, learner)
}

// done returns the share of the budget that is used up.
func (r *Run) done(result *Result) float64 {
	return r.Budget.Done(result.Steps, result.SampledTokens, result.StepSeconds*float64(result.Steps))
}

// gradientNoise measures the noise of the step's gradient; nil where the learner cannot tell.
func gradientNoise(ctx context.Context, trainer *grpo.Trainer, rollouts *grpo.Rollouts) (*grpo.GradientNoise, error) {
	noise, ok, err := trainer.GradientNoise(ctx, rollouts)
	if err != nil || !ok {
		return nil, err
	}
	return &noise, nil
}

// errBroken ends a run whose checkpoint would be of no use.
var errBroken = errors.New("the weights are of no use any more; try a smaller learning rate")

// write puts a step into the run folder; learner is nil where its weights are not worth saving.
func (r *Run) write(step *Step, trees []*rollout.Tree, learner Learner) error {
	if r.Folder == nil {
		return nil
	}
	if r.Trees {
		if err := r.Folder.WriteTrees(step.Step, trees); err != nil {
			return err
		}
	}
	if learner != nil && r.SaveEvery > 0 && step.Step%r.SaveEvery == 0 {
		if err := r.save(learner, fmt.Sprintf("checkpoints/step-%04d", step.Step)); err != nil {
			return err
		}
	}
	return r.Folder.AppendMetrics(step)
}

func (r *Run) save(learner Learner, name string) error {
	weights, err := learner.Weights()
	if err != nil {
		return fmt.Errorf("saving a checkpoint: reading the weights: %w", err)
	}
	return r.Folder.WriteCheckpoint(name, r.Task.Base.Config, weights, r.Task.Base.Files)
}

// evaluationStream keeps the random numbers of evaluations apart from those of training.
const evaluationStream = 1 << 63

// evaluate measures the learner on the test questions and writes the results beside the run, except for checks.
func (r *Run) evaluate(ctx context.Context, learner Learner, phase Phase) ([]evaluate.Result, error) {
	var done []evaluate.Result
	questions := r.Task.Test.Questions
	r.observe(Event{Phase: phase, Total: len(questions)})
	// The base policy is the same for every method, so it is evaluated in the plain loop.
	actor, _ := r.Method.(grpo.Actor)
	if phase == Before || phase == BeforeSampled {
		actor = nil
	}
	options := evaluate.Options{Actor: actor, Observe: func(results []evaluate.Result, _ []*rollout.Tree) error {
		done = append(done, results...)
		r.observe(Event{Phase: phase, Done: len(done), Total: len(questions), Figures: evaluate.Summarise(done)})
		return nil
	}}
	if phase == BeforeSampled || phase == AfterSampled {
		options.Sampling = rollout.Sampling{Temperature: r.Config.Surrogate.Temperature}
	}
	rng := rand.New(rand.NewPCG(r.Config.Seed, evaluationStream))
	results, err := evaluate.Run(ctx, r.Task.Env(learner, r.Task.Test), questions, options, rng)
	if err != nil {
		return nil, err
	}
	if r.Folder != nil && phase != Checking {
		if err := runfolder.WriteLines(r.Folder, evaluationFile(phase), results); err != nil {
			return nil, err
		}
	}
	return results, nil
}

func (r *Run) observe(e Event) {
	if r.Observe != nil {
		r.Observe(e)
	}
}
