package credit

import (
	"math"
	"math/rand/v2"

	"searchrl/baseline/gigpo"
	"searchrl/baseline/igpo"
	"searchrl/grpo"
)

// member is a value with the group it belongs to.
type member struct {
	group string
	value float64
}

// compared is each value less the mean of its group, over the group's deviation with n−1 if standardised; 0 where that is below
// grpo.StdEpsilon. It looks at every pair.
func compared(all []member, norm grpo.Normalisation) []float64 {
	out := make([]float64, len(all))
	for i, m := range all {
		n, sum := 0.0, 0.0
		for _, o := range all {
			if o.group == m.group {
				n, sum = n+1, sum+o.value
			}
		}
		squares := 0.0
		for _, o := range all {
			if o.group == m.group {
				squares += math.Pow(o.value-sum/n, 2)
			}
		}
		if n < 2 || math.Sqrt(squares/(n-1)) < grpo.StdEpsilon {
			continue
		}
		out[i] = m.value - sum/n
		if norm == grpo.Standardised {
			out[i] /= math.Sqrt(squares/(n-1)) + grpo.StdEpsilon
		}
	}
	return out
}

// discounted is Σ_{s≥t} γ^{s−t} x_s.
func discounted(x []float64, t int, gamma float64) float64 {
	sum := 0.0
	for s := t; s < len(x); s++ {
		sum += math.Pow(gamma, float64(s-t)) * x[s]
	}
	return sum
}

// episodes is the twin of GiGPO's advantages for equal anchors.
func episodes(c gigpo.Credit, group []gigpo.Episode) [][]float64 {
	var whole, steps []member
	for _, e := range group {
		times := 1
		if c.PerStep {
			times = len(e.Rewards)
		}
		for range times {
			whole = append(whole, member{"", discounted(e.Rewards, 0, 1)})
		}
		for t := range e.Rewards {
			steps = append(steps, member{e.Anchors[t], discounted(e.Rewards, t, c.Gamma)})
		}
	}
	episode, step := compared(whole, c.Normalisation), compared(steps, c.Normalisation)
	out, w, s := make([][]float64, len(group)), 0, 0
	for i, e := range group {
		for range e.Rewards {
			out[i] = append(out[i], episode[w]+c.Omega*step[s])
			s++
		}
		if c.PerStep {
			w += len(e.Rewards)
		} else {
			w++
		}
	}
	return out
}

// attempts is the twin of MR-Search's advantages.
func attempts(rewards [][]float64, discount float64) [][]float64 {
	out := make([][]float64, len(rewards))
	for i, row := range rewards {
		centred := make([]float64, len(row))
		for n := range row {
			others := 0.0
			for j := range rewards {
				if j != i {
					others += rewards[j][n] / float64(len(rewards)-1)
				}
			}
			if len(rewards) > 1 {
				centred[n] = row[n] - others
			}
		}
		for n := range row {
			out[i] = append(out[i], discounted(centred, n, discount))
		}
	}
	return out
}

// turns is the twin of IGPO's advantages.
func turns(group []igpo.Episode, gamma float64, norm grpo.Normalisation) [][]float64 {
	var all []member
	for _, e := range group {
		for _, g := range e.Gains {
			all = append(all, member{"gain", g})
		}
		all = append(all, member{"outcome", e.Outcome})
	}
	z, out := compared(all, norm), make([][]float64, len(group))
	for i, e := range group {
		n := len(e.Gains) + 1
		for t := range n {
			out[i] = append(out[i], discounted(z[:n], t, gamma))
		}
		z = z[n:]
	}
	return out
}

// grid draws n multiples of 1/8 in [−2, 2], on which no sum of a case rounds.
func grid(rng *rand.Rand, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(rng.IntN(33)-16) / 8
	}
	return out
}

func oneOf[T any](rng *rand.Rand, xs ...T) T { return xs[rng.IntN(len(xs))] }
