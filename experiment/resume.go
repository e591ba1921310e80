package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"searchrl/checkpoint"
	"searchrl/evaluate"
	"searchrl/runfolder"
)

// Resumable is a learner whose training another process can go on with. Package model implements it.
type Resumable interface {
	// State returns all that training goes on from.
	State() (checkpoint.State, error)
	// SetState puts a new learner of the same base policy where State was called.
	SetState(checkpoint.State) error
}

// keptShare is the share of a run's time that may go into keeping the learner's state; the first state and the last are kept
// whatever it is.
const keptShare = 0.05

// keeper writes the learner's state into the run folder between two training steps.
type keeper struct {
	folder  *runfolder.Folder
	learner Resumable // nil: nothing is kept
	step    int       // of the last state that was kept
	ended   time.Time // when it was, and
	took    time.Duration
}

func (r *Run) keeper(learner Learner) *keeper {
	k := &keeper{folder: r.Folder}
	if r.Folder != nil && r.KeepState {
		k.learner, _ = learner.(Resumable)
		k.step = r.Folder.Step()
	}
	return k
}

// keep writes the state after so many steps; unless it must, only if that fits the share of the time.
func (k *keeper) keep(step int, must bool) error {
	if k.learner == nil || step == k.step {
		return nil
	}
	start := time.Now()
	if !must && float64(k.took) > keptShare*float64(start.Sub(k.ended)) {
		return nil
	}
	state, err := k.learner.State()
	if err != nil {
		return fmt.Errorf("keeping the state after step %d: %w", step, err)
	}
	if err := k.folder.WriteState(step, state); err != nil {
		return fmt.Errorf("keeping the state after step %d: %w", step, err)
	}
	k.step, k.ended = step, time.Now()
	k.took = k.ended.Sub(start)
	return nil
}

// doneStep is what a line of metrics.jsonl says about its step.
type doneStep struct {
	Sampled  int     `json:"sampled_tokens"`
	Computed int     `json:"computed_tokens"`
	Programs int     `json:"programs"`
	Collect  float64 `json:"collect_seconds"`
	Update   float64 `json:"update_seconds"`
}

// goOn takes learner and result to where the run in the folder was stopped, a new one to its beginning.
func (r *Run) goOn(learner Learner, result *Result) error {
	if r.Folder == nil {
		return nil
	}
	state, lines, err := r.Folder.Rewind()
	if err != nil || r.Folder.Step() == 0 {
		return err
	}
	resumable, ok := learner.(Resumable)
	if !ok {
		return fmt.Errorf("going on after step %d: the learner, %T, cannot take up a state", r.Folder.Step(), learner)
	}
	if err := resumable.SetState(state); err != nil {
		return fmt.Errorf("going on after step %d: %w", r.Folder.Step(), err)
	}
	for i, line := range lines {
		var step doneStep
		if err := json.Unmarshal(line, &step); err != nil {
			return fmt.Errorf("going on after step %d: %s: line %d: %w", r.Folder.Step(), runfolder.MetricsFile, i+1, err)
		}
		result.count(step.Sampled, step.Computed, step.Programs, step.Collect+step.Update)
	}
	return nil
}

// evaluateBase evaluates the base policy. A run that goes on has done so before: it reads the results, nil if the evaluation at
// the training temperature was not asked for then.
func (r *Run) evaluateBase(ctx context.Context, learner Learner, phase Phase, result *Result) ([]evaluate.Result, error) {
	if result.Steps == 0 {
		return r.evaluate(ctx, learner, phase)
	}
	results, err := runfolder.ReadLines[evaluate.Result](r.Folder.Path(evaluationFile(phase)))
	if phase == BeforeSampled && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("going on after step %d: %w", result.Steps, err)
	}
	return results, nil
}

func evaluationFile(phase Phase) string { return fmt.Sprintf("evaluation-%s.jsonl", phase) }
