package exact_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/verify/exact"
)

// TestShrink: wherever the search begins, a process whose steps cancel shrinks to the same one.
func TestShrink(t *testing.T) {
	cancels := func(p *exact.Process) bool {
		a := p.Analyse()
		return p.SameLength() && a.Return.Cmp(exact.Sum(a.Within)) < 0
	}
	rng, found := rand.New(rand.NewPCG(rand.Uint64(), 0)), 0
	for found < 5 {
		p := exact.Draw(exact.Random(rng), exact.Shape{Steps: 4, Actions: 3, Documents: 2, Nodes: 10, SameLength: true})
		if !cancels(p) {
			continue
		}
		found++
		require.Equal(t, `question
├─ 1/2: reward 0
│  └─ 1: reward 1   G = 1
└─ 1/2: reward 1
   └─ 1: reward 0   G = 1
`, exact.Shrink(p, cancels).String())
	}
}

func TestStringDrawsDocuments(t *testing.T) {
	end := &exact.Node{Actions: []exact.Action{{P: rat(1, 1), Reward: rat(1, 2)}}}
	p := &exact.Process{Root: &exact.Node{Actions: []exact.Action{
		{P: rat(1, 3), Reward: rat(1, 1), Documents: []exact.Document{{P: rat(1, 2), Next: end}, {P: rat(1, 2), Next: end}}},
		{P: rat(2, 3), Reward: rat(0, 1)}}}}
	require.Equal(t, `question
├─ 1/3: reward 1
│  ├─ document 1, 1/2
│  │  └─ 1: reward 1/2   G = 3/2
│  └─ document 2, 1/2
│     └─ 1: reward 1/2   G = 3/2
└─ 2/3: reward 0   G = 0
`, p.String())
}

// TestSampler: means and variances of 40,000 draws against the exact ones. A return lies in [−6, 6] and its square in
// [0, 36]: by Hoeffding's inequality a mean is off by 0.3 of 12 with 2·exp(−2·40000/40²) < 4e-22, and so are squares by 0.9.
func TestSampler(t *testing.T) {
	draws := exact.Random(rand.New(rand.NewPCG(3, 0)))
	p := exact.Markov(1, rat(0, 1))
	for p.Steps() != 3 || len(p.Trajectories()) < 8 {
		p = exact.Draw(draws, exact.Shape{Steps: 3, Actions: 3, Documents: 2, Nodes: 8})
	}
	s, rng := exact.NewSampler(p), rand.New(rand.NewPCG(rand.Uint64(), 1))
	const n = 40000
	mean, square := 0., 0.
	candidate := make([]float64, 4)
	var buffer []float64
	for range n {
		buffer = s.Rewards(rng, buffer[:0])
		g := sum(buffer)
		mean, square = mean+g/n, square+g*g/n
		for t := range candidate {
			buffer = s.Candidates(rng, t, 2, buffer[:0])
			candidate[t] += buffer[0] * buffer[1] / n
		}
	}
	a := p.Analyse()
	v, _ := p.Points()[0].V.Float64()
	variance, _ := a.Return.Float64()
	require.InDelta(t, v, mean, .3)
	require.InDelta(t, variance+v*v, square, .9)
	// Two candidates share their prefix and nothing else: E[r r'] = E[E[r|τ]²] = Var(E[r|τ]) + (E r)².
	for step := range a.Between {
		b, _ := a.Between[step].Float64()
		m := 0.
		for _, tr := range p.Trajectories() {
			if step < len(tr.Rewards) {
				pr, _ := tr.P.Float64()
				m += pr * tr.Floats()[step]
			}
		}
		require.InDelta(t, b+m*m, candidate[step], .2, "within [−4, 4]: 0.2 off has a probability below 1e-20")
	}
	require.Zero(t, candidate[3], "beyond the last step")
}
