package experiment_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
	"searchrl/experiment"
	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/rollout"
	"searchrl/runfolder"
)

func TestTrainWritesAndReports(t *testing.T) {
	task := tinyTask(t)
	dir := filepath.Join(t.TempDir(), "run")
	folder, err := runfolder.Create(dir, settings(0))
	require.NoError(t, err)
	defer folder.Close()
	var phases []experiment.Phase
	run := experiment.Run{Task: task, Method: method(), Config: settings(0), Budget: experiment.Budget{Steps: 3}, Folder: folder,
		Trees: true, SaveEvery: 2, EvaluateEvery: 2, Sampled: true, Backend: "test",
		Observe: func(e experiment.Event) {
			if len(phases) == 0 || phases[len(phases)-1] != e.Phase {
				phases = append(phases, e.Phase)
			}
			require.LessOrEqual(t, e.Done, e.Total)
		}}
	learner := newApprentice(t, task, 0.2)
	result, err := run.Train(context.Background(), learner, nil)
	require.NoError(t, err)

	require.Equal(t, []experiment.Phase{experiment.Before, experiment.BeforeSampled, experiment.Training, experiment.Checking,
		experiment.Training, experiment.After, experiment.AfterSampled}, phases)
	require.Equal(t, 3, result.Steps)
	require.Greater(t, *result.EMAfter, *result.EMBefore)
	require.InDelta(t, *result.EMAfter-*result.EMBefore, *result.Gain, 1e-12)
	require.True(t, result.EMAfterCI.Contains(*result.EMAfter) && result.GainCI.Contains(*result.Gain))
	require.NotNil(t, result.SampledAfter)
	require.False(t, result.Interrupted)

	// What the lines say adds up to the result.
	lines := readLines(t, folder.Path(runfolder.MetricsFile))
	require.Len(t, lines, 3)
	sampled, computed := 0.0, 0.0
	for i, line := range lines {
		require.Equal(t, float64(i+1), line["step"])
		sampled += line["sampled_tokens"].(float64)
		computed += line["computed_tokens"].(float64)
		trees, err := os.Open(folder.Path(fmt.Sprintf("trees/step-%04d.jsonl", i+1)))
		require.NoError(t, err)
		n := 0
		for tree, err := range rollout.Trees(trees, "trees") {
			require.NoError(t, err)
			require.Len(t, tree.Trajectories, 4)
			n++
		}
		require.Equal(t, 4, n)
		require.NoError(t, trees.Close())
	}
	require.Equal(t, float64(result.SampledTokens), sampled)
	require.Equal(t, float64(result.ComputedTokens), computed)
	require.Contains(t, lines[1], "test", "the evaluation between the steps")
	require.NotContains(t, lines[0], "test")

	require.Len(t, readLines(t, folder.Path("evaluation-before.jsonl")), len(task.Test.Questions))
	require.Len(t, readLines(t, folder.Path("evaluation-after-sampled.jsonl")), len(task.Test.Questions))
	for _, name := range []string{"checkpoint", "checkpoints/step-0002"} {
		_, weights, err := checkpoint.Load(os.DirFS(folder.Path(name)))
		require.NoError(t, err)
		require.Equal(t, task.Base.Weights, weights)
	}
	require.NoDirExists(t, folder.Path("checkpoints/step-0001"))
	require.Equal(t, 3.0, readResult(t, folder)["steps"])
}

// thermometer is an apprentice that notes the temperatures it is asked at, by phase.
type thermometer struct {
	*apprentice
	phase experiment.Phase
	seen  map[experiment.Phase]map[float64]bool
}

func (l *thermometer) Generate(ctx context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	if l.seen[l.phase] == nil {
		l.seen[l.phase] = map[float64]bool{}
	}
	for _, req := range reqs {
		l.seen[l.phase][req.Sampling.Temperature] = true
	}
	return l.apprentice.Generate(ctx, reqs)
}

// TestTemperatures: evaluations are greedy but for those at the training temperature, which are at that of the surrogate.
func TestTemperatures(t *testing.T) {
	task, config := tinyTask(t), settings(0)
	config.Surrogate.Temperature = .7
	learner := &thermometer{apprentice: newApprentice(t, task, .1), seen: map[experiment.Phase]map[float64]bool{}}
	run := experiment.Run{Task: task, Method: method(), Config: config, Budget: experiment.Budget{Steps: 2}, EvaluateEvery: 1, Sampled: true,
		Observe: func(e experiment.Event) { learner.phase = e.Phase }}
	_, err := run.Train(context.Background(), learner, nil)
	require.NoError(t, err)
	require.Equal(t, map[experiment.Phase]map[float64]bool{
		experiment.Before: {0: true}, experiment.BeforeSampled: {.7: true}, experiment.Training: {1: true}, // the method's own
		experiment.Checking: {0: true}, experiment.After: {0: true}, experiment.AfterSampled: {.7: true},
	}, learner.seen)
}

// TestStepLine: a step's figures are the means over its optimiser steps, its ratios the extreme ones.
func TestStepLine(t *testing.T) {
	step := &experiment.Step{Step: 1, Updates: []grpo.Update{
		{Loss: 1, PolicyLoss: 2, KL: 3, Entropy: 4, GradNorm: 5, ClipFraction: .125, MinRatio: .5, MaxRatio: 1.5},
		{Loss: 3, PolicyLoss: 4, KL: 5, Entropy: 6, GradNorm: 7, ClipFraction: .375, MinRatio: .75, MaxRatio: 2},
	}}
	data, err := json.Marshal(step)
	require.NoError(t, err)
	var line map[string]any
	require.NoError(t, json.Unmarshal(data, &line))
	for name, want := range map[string]float64{"loss": 2, "policy_loss": 3, "kl": 4, "entropy": 5, "grad_norm": 6, "clip_fraction": .25, "min_ratio": .5, "max_ratio": 2} {
		require.Equal(t, want, line[name], name)
	}
}

// meter is an apprentice whose gradient can be measured.
type meter struct{ *apprentice }

func (meter) GradNorm(context.Context, grpo.Batch, grpo.Surrogate) (float64, error) { return 1, nil }

// TestGradientsEvery: the noise of the gradient is measured at the first step, and each so many steps from there.
func TestGradientsEvery(t *testing.T) {
	task := tinyTask(t)
	var measured []int
	run := experiment.Run{Task: task, Method: method(), Config: settings(0), Budget: experiment.Budget{Steps: 4}, GradientsEvery: 2,
		Observe: func(e experiment.Event) {
			if e.Step != nil && e.Step.Noise != nil {
				measured = append(measured, e.Step.Step)
			}
		}}
	_, err := run.Train(context.Background(), meter{newApprentice(t, task, 0)}, nil)
	require.NoError(t, err)
	require.Equal(t, []int{1, 3}, measured)
}

// Every name on a line of metrics.jsonl is explained.
func TestMetricsAreDocumented(t *testing.T) {
	document, err := os.ReadFile("../docs/metrics.md")
	require.NoError(t, err)
	task := tinyTask(t)
	run := experiment.Run{Task: task, Method: method(), Config: settings(0), Budget: experiment.Budget{Steps: 3}, EvaluateEvery: 1}
	names := map[string]bool{}
	run.Observe = func(e experiment.Event) {
		if e.Step == nil {
			return
		}
		line, err := json.Marshal(e.Step)
		require.NoError(t, err)
		var object map[string]any
		require.NoError(t, json.Unmarshal(line, &object))
		for name := range object {
			names[name] = true
		}
	}
	_, err = run.Train(context.Background(), newApprentice(t, task, 0.1), nil)
	require.NoError(t, err)
	require.Greater(t, len(names), 15)
	for name := range names {
		require.Contains(t, string(document), "`"+name+"`")
	}
}

// Zero steps evaluate, and the evaluation after is the one before.
func TestNoSteps(t *testing.T) {
	run := experiment.Run{Task: tinyTask(t), Method: method(), Config: settings(0)}
	result, err := run.Train(context.Background(), newApprentice(t, run.Task, 0), nil)
	require.NoError(t, err)
	require.Zero(t, result.Steps)
	require.Equal(t, result.Before, result.After)
	require.Zero(t, *result.Gain)
}

// An interrupted run keeps what it did, and says what it did not reach.
func TestInterrupted(t *testing.T) {
	for _, stop := range []experiment.Phase{experiment.Before, experiment.Training, experiment.After} {
		t.Run(string(stop), func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			folder, err := runfolder.Create(filepath.Join(t.TempDir(), "run"), nil)
			require.NoError(t, err)
			defer folder.Close()
			task := tinyTask(t)
			task.Test.Questions = append(task.Test.Questions, task.Train.Questions...) // more than one batch
			run := experiment.Run{Task: task, Method: method(), Config: settings(0), Budget: experiment.Budget{Steps: 1000}, Folder: folder}
			if stop == experiment.After {
				run.Budget.Steps = 2
			}
			run.Observe = func(e experiment.Event) {
				if e.Phase == stop && e.Done > 0 && (e.Step == nil || e.Step.Step == 2) {
					cancel()
				}
			}
			result, err := run.Train(ctx, newApprentice(t, task, 0.01), nil)
			require.ErrorIs(t, err, context.Canceled)
			require.True(t, result.Interrupted)
			written := readResult(t, folder)
			require.Equal(t, true, written["interrupted"])
			require.Nil(t, written["em_after"])
			if stop == experiment.Before {
				require.Nil(t, written["em_before"])
				require.NoDirExists(t, folder.Path("checkpoint"))
				return
			}
			require.Equal(t, 2.0, written["steps"])
			require.Len(t, readLines(t, folder.Path(runfolder.MetricsFile)), 2)
			_, _, err = checkpoint.Load(os.DirFS(folder.Path("checkpoint")))
			require.NoError(t, err)
		})
	}
}

// A loss that is no number ends the run with the step written down and no checkpoint.
func TestBrokenLoss(t *testing.T) {
	folder, err := runfolder.Create(filepath.Join(t.TempDir(), "run"), nil)
	require.NoError(t, err)
	defer folder.Close()
	task := tinyTask(t)
	run := experiment.Run{Task: task, Method: method(), Config: settings(0), Budget: experiment.Budget{Steps: 50}, Folder: folder}
	learner := newApprentice(t, task, 0)
	learner.loss = math.NaN()
	_, err = run.Train(context.Background(), learner, nil)
	require.ErrorContains(t, err, "the loss is not a finite number")
	lines := readLines(t, folder.Path(runfolder.MetricsFile))
	require.NotEmpty(t, lines)
	require.Nil(t, lines[len(lines)-1]["updates"].([]any)[0].(map[string]any)["loss"])
	require.NoDirExists(t, folder.Path("checkpoint"))
}

func TestTokenBudget(t *testing.T) {
	run := experiment.Run{Task: tinyTask(t), Method: method(), Config: settings(0), Budget: experiment.Budget{Tokens: 3000}}
	last := 0
	run.Observe = func(e experiment.Event) {
		if e.Step != nil {
			last = e.Step.SampledTokens()
		}
	}
	result, err := run.Train(context.Background(), newApprentice(t, run.Task, 0.1), nil)
	require.NoError(t, err)
	require.GreaterOrEqual(t, result.SampledTokens, 3000)
	require.Less(t, result.SampledTokens-last, 3000, "not one step more than needed")
}

func TestParseBudget(t *testing.T) {
	for text, want := range map[string]experiment.Budget{"steps=20": {Steps: 20}, "tokens=40000": {Tokens: 40000}, "steps=0": {}} {
		got, err := experiment.ParseBudget(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, text, got.String())
	}
	for _, text := range []string{"", "20", "steps", "steps=", "steps=-1", "steps=1.5", "hours=3", "steps=99999999999999999999"} {
		_, err := experiment.ParseBudget(text)
		require.Error(t, err, text)
	}
}

func readLines(t *testing.T, path string) []map[string]any {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var out []map[string]any
	for scanner := bufio.NewScanner(f); scanner.Scan(); {
		var line map[string]any
		require.NoError(t, json.Unmarshal(scanner.Bytes(), &line))
		out = append(out, line)
	}
	return out
}

func readResult(t *testing.T, folder *runfolder.Folder) map[string]any {
	t.Helper()
	data, err := os.ReadFile(folder.Path(runfolder.ResultFile))
	require.NoError(t, err)
	var out map[string]any
	require.NoError(t, json.Unmarshal(data, &out))
	return out
}

// atOnce answers without a look at anything; it has nothing to train.
type atOnce struct{}

func (atOnce) Name() string { return "at-once" }
func (atOnce) Untrained()   {}
func (atOnce) Collect(context.Context, *rollout.Env, []qa.Question, *rand.Rand) ([]*rollout.Tree, grpo.Metrics, error) {
	return nil, nil, errors.New("at-once has nothing to train")
}

func (atOnce) Act(_ context.Context, env *rollout.Env, questions []qa.Question, _ rollout.Sampling, _ *rand.Rand) ([]*rollout.Tree, error) {
	trees := make([]*rollout.Tree, len(questions))
	for i, question := range questions {
		var err error
		if trees[i], err = env.Start(question); err != nil {
			return nil, err
		}
		leaf := trees[i].Add(rollout.Segment{Kind: rollout.Answer, Tokens: []int{1}, LogProbs: []float64{0}, Value: question.Answers[0]})
		trees[i].Finish(leaf, rollout.Answered)
	}
	return trees, nil
}

func TestUntrained(t *testing.T) {
	task := tinyTask(t)
	var steps int
	run := experiment.Run{Task: task, Method: atOnce{}, Config: settings(0), Budget: experiment.Budget{Steps: 3}, Sampled: true,
		Observe: func(e experiment.Event) {
			if e.Step != nil {
				steps++
			}
		}}
	result, err := run.Train(context.Background(), newApprentice(t, task, 0.2), nil)
	require.NoError(t, err)
	require.Zero(t, steps)
	require.Zero(t, result.Steps)
	require.Zero(t, result.SampledTokens)
	require.Less(t, *result.EMBefore, 1.0)
	require.Equal(t, 1.0, *result.EMAfter, "evaluated as it acts")
	require.Equal(t, 1.0, result.SampledAfter.EM)
	require.Less(t, result.SampledBefore.EM, 1.0, "the base policy in the plain loop")
}
