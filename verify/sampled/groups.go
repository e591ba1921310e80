package sampled

import (
	"math/rand/v2"

	"searchrl/grpo"
	"searchrl/verify/exact"
	"searchrl/verify/kernel"
)

// group is one independent draw of everything that the estimators are compared on: mean-centred advantages of k members.
type group struct {
	// truncated[s] are those of k candidates for one step that share a prefix; one step drawn at random, or all T.
	truncated [][]float64
	// full are those of k whole trajectories.
	full []float64
	// unshared[t] are those of the rewards at step t of k whole trajectories, whose prefixes differ; nil if not needed.
	unshared [][]float64
}

// half is mean_j (x_j − x'_j)²/2. For two independent draws its expectation is the members' mean variance.
func half(x, other []float64) float64 {
	s := 0.0
	for j := range x {
		d := x[j] - other[j]
		s += d * d
	}
	return s / 2 / float64(len(x))
}

// square is mean_j x_j². The advantages of a group add up to 0, so each has the expectation 0, and this has the expectation
// of half, from one group instead of two and with half its bound.
func square(x []float64) float64 {
	s := 0.0
	for _, a := range x {
		s += a * a
	}
	return s / float64(len(x))
}

// bound is the most that half can be for mean-centred advantages of values in a range of the given width: the vector of
// deviations has at most the length √k·width/2, so half is at most (2·√k·width/2)²/(2k). That of square is half of it.
func bound(width float64) float64 { return width * width / 2 }

// pair is one observation of the variances of the truncated (x) and the full estimator (y).
func pair(g, other *group) (x, y float64) {
	for t := range g.truncated {
		x += half(g.truncated[t], other.truncated[t]) / float64(len(g.truncated))
	}
	return x, half(g.full, other.full)
}

// sampler draws groups.
type sampler interface {
	// draw returns n independent groups.
	draw(rng *rand.Rand, n int) ([]group, error)
	// steps is T; width is the range of a step's reward, 0 included where a trajectory can end early.
	steps() int
	width() float64
}

// tabular draws from a process without the agent loop: the step's index at random, the kernels from k.
type tabular struct {
	process *exact.Sampler
	k, t    int
	reward  float64 // width of a step's reward
	kernels kernel.Kernels
	fault   fault
}

// fault is something wrong with how groups are drawn.
type fault int

const (
	none     fault = iota
	unshared       // each candidate has a prefix of its own
	late           // the candidates are those of the step after the prefix's
	copied         // the candidates are copies of one
)

func newTabular(p *exact.Process, k int, kernels kernel.Kernels) *tabular {
	low, high := 0., 0.
	first := true
	for _, tr := range p.Trajectories() {
		for _, r := range tr.Floats() {
			if first {
				low, high, first = r, r, false
			}
			low, high = min(low, r), max(high, r)
		}
	}
	if !p.SameLength() {
		low, high = min(low, 0), max(high, 0)
	}
	return &tabular{process: exact.NewSampler(p), k: k, t: p.Steps(), reward: high - low, kernels: kernels}
}

func (s *tabular) steps() int     { return s.t }
func (s *tabular) width() float64 { return s.reward }

func (s *tabular) draw(rng *rand.Rand, n int) ([]group, error) {
	out := make([]group, n)
	rewards, rows := make([]float64, 0, s.k), make([][]float64, s.k)
	for i := range out {
		t := rng.IntN(s.t)
		rewards = rewards[:0]
		switch s.fault {
		case unshared:
			for range s.k {
				rewards = s.process.Candidates(rng, t, 1, rewards)
			}
		case late:
			rewards = s.process.Candidates(rng, min(t+1, s.t-1), s.k, rewards)
		case copied:
			rewards = s.process.Candidates(rng, t, 1, rewards)
			for range s.k - 1 {
				rewards = append(rewards, rewards[0])
			}
		default:
			rewards = s.process.Candidates(rng, t, s.k, rewards)
		}
		for j := range rows {
			rows[j] = s.process.Rewards(rng, rows[j][:0])
		}
		out[i] = group{truncated: [][]float64{s.kernels.Truncated(rewards, grpo.MeanOnly)}, full: at(s.kernels.Full(rows, grpo.MeanOnly), t)}
	}
	return out, nil
}

// at are the advantages at step t of whole trajectories; of one that has ended before, those at its last step.
func at(table [][]float64, t int) []float64 {
	out := make([]float64, len(table))
	for i, row := range table {
		if len(row) > 0 {
			out[i] = row[min(t, len(row)-1)]
		}
	}
	return out
}
