package comparison

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"searchrl/evaluate"
	"searchrl/experiment"
	"searchrl/rollout"
	"searchrl/runfolder"
)

// Data is what a comparison's folder holds.
type Data struct {
	Methods []string
	Seeds   []uint64
	Before  []evaluate.Result // the base policy
	// Runs has one run a seed, in the order of Seeds, of each method.
	Runs map[string][]Run
}

// Run is one finished run.
type Run struct {
	experiment.Result
	Answers []evaluate.Result // after training, one a test question
	Steps   []Step
	// Probes are the trees of the questions that are asked again and again, by training step; only some runs have them.
	Probes map[int][]*rollout.Tree
}

// Step is one line of metrics.jsonl, as far as it is compared; docs/metrics.md explains the names. A figure that a method
// does not report, or that is no number, is nil.
type Step struct {
	Step           int               `json:"step"`
	EM             *float64          `json:"em"`
	Reward         *float64          `json:"reward"`
	Searches       *float64          `json:"searches"`
	DeadGroups     *float64          `json:"dead_groups"`
	GradNorm       *float64          `json:"grad_norm"`
	Entropy        *float64          `json:"entropy"`
	SampledTokens  int               `json:"sampled_tokens"`
	Squared        *float64          `json:"gradient_squared"`
	Variance       *float64          `json:"gradient_variance"`
	CollectSeconds float64           `json:"collect_seconds"`
	UpdateSeconds  float64           `json:"update_seconds"`
	Test           *evaluate.Summary `json:"test"`
}

// Read reads a comparison's folder. All runs must be there and finished, and be of the same questions.
func Read(dir string, methods []string, seeds []uint64) (*Data, error) {
	d := &Data{Methods: methods, Seeds: seeds, Runs: map[string][]Run{}}
	var err error
	if d.Before, err = runfolder.ReadLines[evaluate.Result](filepath.Join(dir, experiment.BeforeFile)); err != nil {
		return nil, fmt.Errorf("reading a comparison: %w", err)
	}
	for _, method := range methods {
		for _, seed := range seeds {
			run, err := ReadRun(filepath.Join(dir, experiment.RunName(method, seed)), d.Before)
			if err != nil {
				return nil, fmt.Errorf("reading a comparison: %s, seed %d: %w", method, seed, err)
			}
			d.Runs[method] = append(d.Runs[method], *run)
		}
	}
	return d, nil
}

// ReadRun reads a run folder. before are the base policy's answers, which a run without training ends with.
func ReadRun(dir string, before []evaluate.Result) (*Run, error) {
	var run Run
	if err := runfolder.ReadJSON(filepath.Join(dir, runfolder.ResultFile), &run.Result); err != nil {
		return nil, err
	}
	if run.Interrupted || run.EMAfter == nil {
		return nil, fmt.Errorf("%s: the run did not reach its end", dir)
	}
	var err error
	if run.Answers, err = runfolder.ReadLines[evaluate.Result](filepath.Join(dir, experiment.AfterFile)); errors.Is(err, fs.ErrNotExist) {
		run.Answers, err = before, nil
	}
	if err != nil {
		return nil, err
	}
	if len(run.Answers) != len(before) {
		return nil, fmt.Errorf("%s: %d questions were answered, and %d before training", dir, len(run.Answers), len(before))
	}
	for i := range before {
		if before[i].ID != run.Answers[i].ID {
			return nil, fmt.Errorf("%s: question %d is %q, and %q before training", dir, i+1, run.Answers[i].ID, before[i].ID)
		}
	}
	return &run, run.open(dir)
}

// OpenRun returns a run whose result is known, with its steps and probes from its folder, whether it reached its end or not;
// its answers are not read.
func OpenRun(dir string, result *experiment.Result) (*Run, error) {
	run := &Run{Result: *result}
	return run, run.open(dir)
}

func (r *Run) open(dir string) (err error) {
	if r.Steps, err = runfolder.ReadLines[Step](filepath.Join(dir, runfolder.MetricsFile)); err != nil {
		return err
	}
	r.Probes, err = runfolder.ReadProbes(dir)
	return err
}
