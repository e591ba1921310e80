package comparison

import (
	"searchrl/evaluate"
	"searchrl/interval"
)

// Point is a point of a learning curve: greedy figures on the test questions after so many training steps, means over
// seeds with Student's t intervals over seeds.
type Point struct {
	Step          int               `json:"step"`
	SampledTokens float64           `json:"sampled_tokens"` // so far
	EM            float64           `json:"em"`
	EMCI          interval.Interval `json:"em_ci"`
	F1            float64           `json:"f1"`
	Searches      float64           `json:"searches"`
}

// curve returns the points that every seed has: the base policy, the evaluations between, and the end if all seeds took
// the same number of steps.
func curve(runs []Run, before []evaluate.Result, after []evaluate.Summary) []Point {
	base := evaluate.Summarise(before)
	points := []Point{{EM: base.EM, EMCI: interval.Unknown(), F1: base.F1, Searches: base.Searches}}
	last, same := len(runs[0].Steps), true
	shortest := last
	for _, r := range runs {
		same = same && len(r.Steps) == last
		shortest = min(shortest, len(r.Steps))
	}
	if last == 0 {
		return points[:0] // nothing was learned
	}
	at := func(step int, of func(run int) *evaluate.Summary) {
		var em []float64
		p := Point{Step: step}
		n := float64(len(runs))
		for i, r := range runs {
			s := of(i)
			if s == nil {
				return
			}
			em = append(em, s.EM)
			p.F1 += s.F1 / n
			p.Searches += s.Searches / n
			for _, done := range r.Steps[:step] {
				p.SampledTokens += float64(done.SampledTokens) / n
			}
		}
		p.EM, p.EMCI = estimate(em, 1)
		points = append(points, p)
	}
	for step := 1; step <= shortest; step++ {
		at(step, func(run int) *evaluate.Summary {
			if same && step == last {
				return &after[run]
			}
			return runs[run].Steps[step-1].Test
		})
	}
	return points
}

// Training is a training step's figures, means over seeds of the sampled trajectories; null where no seed has them.
type Training struct {
	Step       int      `json:"step"`
	EM         *float64 `json:"em"`
	Reward     *float64 `json:"reward"`
	Searches   *float64 `json:"searches"`
	DeadGroups *float64 `json:"dead_groups"`
	GradNorm   *float64 `json:"grad_norm"`
	Entropy    *float64 `json:"entropy"`
	// Noise is the mean variance of the gradient over the mean of its squared norm, over seeds.
	Noise *float64 `json:"gradient_noise"`
}

// training averages the steps that all seeds took.
func training(runs []Run) []Training {
	shortest := len(runs[0].Steps)
	for _, r := range runs {
		shortest = min(shortest, len(r.Steps))
	}
	out := make([]Training, shortest)
	for i := range out {
		steps := make([]Step, len(runs))
		for s, r := range runs {
			steps[s] = r.Steps[i]
		}
		figure := func(of func(Step) *float64) *float64 { return known(mean(steps, of)) }
		out[i] = Training{
			Step:       i + 1,
			EM:         figure(func(s Step) *float64 { return s.EM }),
			Reward:     figure(func(s Step) *float64 { return s.Reward }),
			Searches:   figure(func(s Step) *float64 { return s.Searches }),
			DeadGroups: figure(func(s Step) *float64 { return s.DeadGroups }),
			GradNorm:   figure(func(s Step) *float64 { return s.GradNorm }),
			Entropy:    figure(func(s Step) *float64 { return s.Entropy }),
			Noise: known(mean(steps, func(s Step) *float64 { return s.Variance }) /
				mean(steps, func(s Step) *float64 { return s.Squared })),
		}
	}
	return out
}
