package gain

import (
	"math"

	"searchrl/igsearch"
)

// The oracles are written as one would on paper, a step at a time, with no eye to speed.

// oracleMean repeats each token by its weight where weights are whole numbers: a weighted mean without weights.
func oracleMean(logProbs []float64, head, weight int) float64 {
	var copies []float64
	for j, lp := range logProbs {
		n := 1
		if j < head {
			n = weight
		}
		for range n {
			copies = append(copies, lp)
		}
	}
	return mean(copies)
}

// oracleGain takes the alias first and the mean of the others' ℓ then.
func oracleGain(real []float64, others [][]float64) float64 {
	a := 0
	for b := range real {
		if real[b] > real[a] {
			a = b
		}
	}
	var same []float64
	for _, other := range others {
		same = append(same, other[a])
	}
	return real[a] - mean(same)
}

// members lists the steps that are in the same set as step i.
func members(steps []igsearch.Step, i int, set igsearch.Set) []int {
	var in []int
	for j, s := range steps {
		switch {
		case set == igsearch.Batch,
			set == igsearch.Group && s.Group == steps[i].Group,
			set == igsearch.Turn && s.Group == steps[i].Group && s.Turn == steps[i].Turn:
			in = append(in, j)
		}
	}
	return in
}

// oracleZ computes z of one step from the definition, and what the gain was divided by: z is off by what gains are rounded by, over
// that. It is 1 where z is 0 for want of any spread.
func oracleZ(steps []igsearch.Step, i int, n igsearch.Normalisation) (z, scaledBy float64) {
	centred := func(j int) float64 {
		if n.Centre == igsearch.None {
			return steps[j].Gain
		}
		return steps[j].Gain - meanGain(steps, members(steps, j, n.Centre))
	}
	squares, scale := 0.0, members(steps, i, n.Scale)
	means := map[int]bool{} // the first member stands for its set
	for _, j := range scale {
		squares += centred(j) * centred(j)
		if n.Centre != igsearch.None {
			means[members(steps, j, n.Centre)[0]] = true
		}
	}
	size := 0.0
	if free := len(scale) - len(means); free > 0 {
		size = math.Sqrt(squares / float64(free))
	}
	size = max(size, n.Floor)
	alone := n.Centre != igsearch.None && len(members(steps, i, n.Centre)) == 1
	if !alone && size >= 1e-6 {
		return centred(i) / size, size
	}
	if n.Centre == igsearch.Batch && n.Scale == igsearch.Batch {
		return 0, 1
	}
	return oracleZ(steps, i, igsearch.Normalisation{Centre: igsearch.Batch, Scale: igsearch.Batch, Floor: n.Floor})
}

func meanGain(steps []igsearch.Step, in []int) float64 {
	var gains []float64
	for _, j := range in {
		gains = append(gains, steps[j].Gain)
	}
	return mean(gains)
}

func mean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

// oracleModulate is the table of the three forms.
func oracleModulate(m igsearch.Modulation, a, r, z float64) float64 {
	if z > m.Clip {
		z = m.Clip
	}
	if z < -m.Clip {
		z = -m.Clip
	}
	switch m.Form {
	case igsearch.Multiplicative:
		return a + m.Alpha*math.Abs(a)*z
	case igsearch.Gated:
		if z > 0 && r == 0 {
			return a
		}
	}
	return a + m.Alpha*z
}
