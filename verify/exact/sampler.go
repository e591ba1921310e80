package exact

import "math/rand/v2"

// Sampler draws from a process in float64, as fast as a simulation needs. It is not changed by drawing, so several
// goroutines may share it, each with its own rng.
type Sampler struct{ root *fast }

type fast struct {
	p, reward []float64
	documents [][]float64
	next      [][]*fast
}

// NewSampler prepares p for sampling.
func NewSampler(p *Process) *Sampler {
	made := map[*Node]*fast{}
	var build func(n *Node) *fast
	build = func(n *Node) *fast {
		if f := made[n]; f != nil {
			return f
		}
		f := &fast{}
		made[n] = f
		for _, a := range n.Actions {
			p, _ := a.P.Float64()
			r, _ := a.Reward.Float64()
			var documents []float64
			var next []*fast
			for _, d := range a.Documents {
				q, _ := d.P.Float64()
				documents, next = append(documents, q), append(next, build(d.Next))
			}
			f.p, f.reward = append(f.p, p), append(f.reward, r)
			f.documents, f.next = append(f.documents, documents), append(f.next, next)
		}
		return f
	}
	return &Sampler{build(p.Root)}
}

// Rewards draws a trajectory and appends its step rewards to dst.
func (s *Sampler) Rewards(rng *rand.Rand, dst []float64) []float64 {
	for n := s.root; n != nil; {
		var r float64
		r, n = n.step(rng)
		dst = append(dst, r)
	}
	return dst
}

// Candidates draws a prefix τ_<t from the policy, t from 0, and appends the rewards of k candidates for its next step to dst.
// Where the trajectory has ended before step t, each candidate's reward is 0.
func (s *Sampler) Candidates(rng *rand.Rand, t, k int, dst []float64) []float64 {
	n := s.root
	for range t {
		if n != nil {
			_, n = n.step(rng)
		}
	}
	for range k {
		r := 0.0
		if n != nil {
			r = n.reward[pick(rng, n.p)]
		}
		dst = append(dst, r)
	}
	return dst
}

func (f *fast) step(rng *rand.Rand) (reward float64, next *fast) {
	a := pick(rng, f.p)
	if docs := f.documents[a]; len(docs) > 0 {
		next = f.next[a][pick(rng, docs)]
	}
	return f.reward[a], next
}

// pick draws an index with the probabilities p; it takes a number from rng only if there is a choice.
func pick(rng *rand.Rand, p []float64) int {
	if len(p) == 1 {
		return 0
	}
	u := rng.Float64()
	for i := range p[:len(p)-1] {
		if u -= p[i]; u < 0 {
			return i
		}
	}
	return len(p) - 1
}
