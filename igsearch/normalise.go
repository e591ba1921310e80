package igsearch

import (
	"fmt"
	"math"

	"searchrl/grpo"
)

// Set says which steps a step is compared with.
type Set string

const (
	Group Set = "group" // all steps of the question's group of trajectories
	Turn  Set = "turn"  // those of the group with the same number of searches before them
	Batch Set = "batch" // all steps of the batch
	None  Set = "none"  // no step: gains keep their zero (Centre only)
)

// Normalisation says how gains become z: the mean over the steps of Centre is taken off, and the rest is divided by its root
// mean square over the steps of Scale, as far as that is over Floor.
type Normalisation struct {
	Centre Set `json:"centre"`
	Scale  Set `json:"scale"`
	// Floor, in nats, is the least that gains are divided by. With 0 a set whose gains are all but equal is stretched to
	// unit size, its noise included.
	Floor float64 `json:"floor"`
}

// Validate reports the first setting that makes no sense.
func (n Normalisation) Validate() error {
	switch {
	case n.Centre != Group && n.Centre != Turn && n.Centre != Batch && n.Centre != None:
		return fmt.Errorf("centre %q, expected %s, %s, %s or %s", n.Centre, Group, Turn, Batch, None)
	case n.Scale != Group && n.Scale != Turn && n.Scale != Batch:
		return fmt.Errorf("scale %q, expected %s, %s or %s", n.Scale, Group, Turn, Batch)
	case !(n.Floor >= 0) || math.IsInf(n.Floor, 0):
		return fmt.Errorf("floor %v, expected a finite number of at least 0", n.Floor)
	}
	return nil
}

// Step is the gain of one search.
type Step struct {
	Group int     // the question's group, from 0
	Turn  int     // t, the search's number in its trajectory, from 1
	Gain  float64 // IG_t
}

// Normalise returns z of each step. With centre m and scale s of the step's sets,
//
//	z = (IG − m) / max(s, Floor),   s² = Σ (IG − m)² / (n − number of means taken off)
//
// so that one set for both has the usual standard deviation with n − 1. A step is put against the whole batch (Centre and
// Scale Batch) if it is alone in the set that centres it, or if Floor is 0 and its scale is 0 (below grpo.StdEpsilon); if the
// batch has no spread either, z = 0. Limiting cases: with a Centre, adding a constant to all gains changes nothing, nor does adding
// it to those of one centring set, but for the steps that are put against the batch; multiplying all gains by a positive factor
// changes nothing if Floor is 0 and no scale crosses grpo.StdEpsilon.
//
// Source: our reconstruction. Group/Group is GRPO's way; Turn is that of A2TGPO (arXiv 2605.06200).
func Normalise(steps []Step, n Normalisation) []float64 {
	z := make([]float64, len(steps))
	own, ok := normalise(steps, n)
	all, okAll := normalise(steps, Normalisation{Centre: Batch, Scale: Batch, Floor: n.Floor})
	for i := range steps {
		switch {
		case ok[i]:
			z[i] = own[i]
		case okAll[i]:
			z[i] = all[i]
		}
	}
	return z
}

// key names a set.
type key struct{ group, turn int }

func (s Set) of(step Step) key {
	switch s {
	case Group:
		return key{step.Group, 0}
	case Turn:
		return key{step.Group, step.Turn}
	}
	return key{-1, 0}
}

// normalise returns z, and whether the sets are large and different enough to say so.
func normalise(steps []Step, n Normalisation) (z []float64, ok []bool) {
	type sum struct {
		total, n float64
	}
	means := map[key]*sum{}
	for _, s := range steps {
		k := n.Centre.of(s)
		if means[k] == nil {
			means[k] = &sum{}
		}
		means[k].total += s.Gain
		means[k].n++
	}
	type spread struct {
		squares, n float64
		means      map[key]bool // taken off
	}
	scales := map[key]*spread{}
	z, ok = make([]float64, len(steps)), make([]bool, len(steps))
	for i, s := range steps {
		z[i] = s.Gain
		k, centre := n.Scale.of(s), n.Centre.of(s)
		if scales[k] == nil {
			scales[k] = &spread{means: map[key]bool{}}
		}
		if n.Centre != None {
			z[i] -= means[centre].total / means[centre].n
			scales[k].means[centre] = true
		}
		scales[k].squares += z[i] * z[i]
		scales[k].n++
	}
	for i, s := range steps {
		scale := scales[n.Scale.of(s)]
		size := 0.0
		if free := scale.n - float64(len(scale.means)); free > 0 {
			size = math.Sqrt(scale.squares / free)
		}
		alone := n.Centre != None && means[n.Centre.of(s)].n < 2
		if size = max(size, n.Floor); !alone && size >= grpo.StdEpsilon {
			z[i], ok[i] = z[i]/size, true
		}
	}
	return z, ok
}
