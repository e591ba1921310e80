package experiment

import (
	"encoding/json"
	"maps"
	"math"

	"searchrl/evaluate"
	"searchrl/grpo"
	"searchrl/interval"
)

// Step is one line of metrics.jsonl.
type Step struct {
	Step           int               // from 1
	EM             float64           // share of right answers among the step's trajectories
	Metrics        grpo.Metrics      // what the trainer and the method report
	Updates        []grpo.Update     // one an optimiser step
	ComputedTokens int               // tokens that went through the transformer: in sampling, scoring and training
	Programs       int               // programs compiled so far in this run; 0 for a learner that compiles none
	CollectSeconds float64           // sampling and judging
	UpdateSeconds  float64           // training
	Test           *evaluate.Summary // a greedy evaluation after the step, if there was one
	// Noise is the noise of the gradient before the step's first update, where it was measured.
	Noise *grpo.GradientNoise
}

func newStep(rollouts *grpo.Rollouts, updates []grpo.Update) *Step {
	s := &Step{Step: rollouts.Step + 1, EM: evaluate.ExactMatch(rollouts.Trees), Metrics: rollouts.Metrics, Updates: updates}
	for _, tree := range rollouts.Trees {
		total := tree.Total()
		s.ComputedTokens += total.Sampled + total.Inserted
	}
	s.ComputedTokens += int(rollouts.Metrics[grpo.MetricScoredTokens])
	for _, update := range updates {
		s.ComputedTokens += update.ComputedTokens
	}
	return s
}

// SampledTokens is the number of tokens that the step sampled.
func (s *Step) SampledTokens() int { return int(s.Metrics[grpo.MetricSampledTokens]) }

// Seconds is how long the step took.
func (s *Step) Seconds() float64 { return s.CollectSeconds + s.UpdateSeconds }

// broken names a figure that shows that training has blown up.
func (s *Step) broken() (name string, ok bool) {
	for _, u := range s.Updates {
		for name, value := range map[string]float64{"the loss": u.Loss, "the gradient's norm": u.GradNorm} {
			if !finite(value) {
				return name, true
			}
		}
	}
	return "", false
}

// MarshalJSON writes one flat object: the step's own figures, the metrics by their names, what the optimiser
// steps reported (means, extreme ratios), and each optimiser step in updates. What is not a finite number becomes null,
// for JSON has no other way to say it. docs/metrics.md explains the names.
func (s *Step) MarshalJSON() ([]byte, error) {
	line := map[string]any{
		"step": s.Step, "em": number(s.EM), "computed_tokens": s.ComputedTokens, "programs": s.Programs,
		"collect_seconds": s.CollectSeconds, "update_seconds": s.UpdateSeconds,
	}
	for name, value := range s.Metrics {
		line[name] = number(value)
	}
	updates := make([]map[string]any, len(s.Updates))
	for i, u := range s.Updates {
		updates[i] = updateFigures(u)
		updates[i]["computed_tokens"] = u.ComputedTokens
	}
	line["updates"] = updates
	if len(s.Updates) > 0 {
		maps.Copy(line, updateFigures(s.together()))
	}
	if s.Test != nil {
		line["test"] = s.Test
	}
	if s.Noise != nil {
		line["gradient_squared"], line["gradient_variance"] = number(s.Noise.Squared), number(s.Noise.Variance)
	}
	return json.Marshal(line)
}

// together sums up the step's optimiser steps: means, and the extreme ratios.
func (s *Step) together() grpo.Update {
	sum := grpo.Update{MinRatio: math.Inf(1), MaxRatio: math.Inf(-1)}
	n := float64(len(s.Updates))
	for _, u := range s.Updates {
		sum.Loss += u.Loss / n
		sum.PolicyLoss += u.PolicyLoss / n
		sum.KL += u.KL / n
		sum.Entropy += u.Entropy / n
		sum.GradNorm += u.GradNorm / n
		sum.ClipFraction += u.ClipFraction / n
		sum.MinRatio, sum.MaxRatio = math.Min(sum.MinRatio, u.MinRatio), math.Max(sum.MaxRatio, u.MaxRatio)
	}
	return sum
}

func updateFigures(u grpo.Update) map[string]any {
	return map[string]any{
		"loss": number(u.Loss), "policy_loss": number(u.PolicyLoss), "kl": number(u.KL), "entropy": number(u.Entropy),
		"grad_norm": number(u.GradNorm), "clip_fraction": number(u.ClipFraction),
		"min_ratio": number(u.MinRatio), "max_ratio": number(u.MaxRatio),
	}
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func number(x float64) any {
	if !finite(x) {
		return nil
	}
	return x
}

// Result is how a run ended; figures that were not reached are null.
type Result struct {
	Method  string `json:"method"`
	Backend string `json:"backend"`
	Task    string `json:"task"`
	Base    string `json:"base"`
	Seed    uint64 `json:"seed"`
	// Greedy exact match on the test questions, intervals over questions; Gain is after − before, paired by question.
	EMBefore   *float64          `json:"em_before"`
	EMBeforeCI interval.Interval `json:"em_before_ci"`
	EMAfter    *float64          `json:"em_after"`
	EMAfterCI  interval.Interval `json:"em_after_ci"`
	Gain       *float64          `json:"gain"`
	GainCI     interval.Interval `json:"gain_ci"`
	// All figures of the evaluations; Sampled… at the training temperature.
	Before        *evaluate.Summary `json:"before"`
	After         *evaluate.Summary `json:"after"`
	SampledBefore *evaluate.Summary `json:"sampled_before"`
	SampledAfter  *evaluate.Summary `json:"sampled_after"`
	// Of the training steps, evaluations not counted.
	Steps          int     `json:"steps"`
	SampledTokens  int     `json:"sampled_tokens"`
	ComputedTokens int     `json:"computed_tokens"`
	StepSeconds    float64 `json:"step_seconds"` // mean
	Programs       int     `json:"programs"`     // compiled
	// PeakMemory is the largest resident size of the process during the run, in bytes; null where it is not known, or
	// where other runs went on beside it.
	PeakMemory *int64 `json:"peak_memory"`
	// Seconds is the whole run's time, evaluations included; of a run that went on after it was stopped, the time since then.
	Seconds     float64 `json:"seconds"`
	Interrupted bool    `json:"interrupted"`
	Folder      string  `json:"folder,omitempty"`
}

// newResult returns a result in which nothing has been reached.
func newResult() *Result {
	return &Result{EMBeforeCI: interval.Unknown(), EMAfterCI: interval.Unknown(), GainCI: interval.Unknown()}
}

func (r *Result) add(s *Step) { r.count(s.SampledTokens(), s.ComputedTokens, s.Programs, s.Seconds()) }

// count adds a step.
func (r *Result) count(sampled, computed, programs int, seconds float64) {
	r.StepSeconds = (r.StepSeconds*float64(r.Steps) + seconds) / float64(r.Steps+1)
	r.Steps++
	r.SampledTokens += sampled
	r.ComputedTokens += computed
	r.Programs = programs
}

func (r *Result) setBefore(before []evaluate.Result) {
	r.Before = summary(before)
	r.EMBefore, r.EMBeforeCI = &r.Before.EM, r.Before.EMCI
}

func (r *Result) setAfter(before, after []evaluate.Result) error {
	r.After = summary(after)
	r.EMAfter, r.EMAfterCI = &r.After.EM, r.After.EMCI
	gain, ci, err := evaluate.Difference(after, before)
	if err != nil {
		return err
	}
	r.Gain, r.GainCI = &gain, ci
	return nil
}

func summary(results []evaluate.Result) *evaluate.Summary {
	s := evaluate.Summarise(results)
	return &s
}
