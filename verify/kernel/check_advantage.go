package kernel

import (
	"math"
	"math/rand/v2"

	"searchrl/estimator"
	"searchrl/grpo"
)

var groupAdvantages = Check{
	ID: "kernel/group-advantages",
	Text: "Group advantages are (R − mean)/(std + ε) with n−1 in the standard deviation, or R − mean; they do not depend on the " +
		"group's order nor on a constant added to all rewards, and they add up to 0.",
	Source: "Shao et al. (2024), §4.1.2; SLATE, Eq. 5",
	Cases:  12000,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		t.checks++
		rewards, norm := drawRewards(rng, oneOf(rng, grids), 1+rng.IntN(8)), oneOf(rng, norms)
		want, dead := Advantages(rats(rewards), norm)
		got := k.GroupAdvantages(rewards, norm)
		t.slice(got, want, largest(want), "an advantage")
		t.require(k.Dead(rewards) == dead, "the group %v has signal: %v, expected %v", rewards, dead, !dead)
		if t.broken() {
			return nil
		}
		turned, perm := make([]float64, len(rewards)), rng.Perm(len(rewards))
		shift := float64(rng.IntN(9) - 4)
		sum := 0.0
		for i, p := range perm {
			turned[i] = rewards[p] + shift
			sum += got[i]
		}
		t.within(sum, 0, largest(want)+1, 1e-12, "the advantages' sum")
		for i, a := range k.GroupAdvantages(turned, norm) {
			t.within(a, got[perm[i]], largest(want), 1e-10, "an advantage after a change of order and a common shift")
		}
		return nil
	},
}

var singularGroups = Check{
	ID: "kernel/singular-groups",
	Text: "A group without signal (one member, equal rewards, a spread below ε) has advantages of exactly 0; a spread above ε is " +
		"signal; a reward that is not finite makes none of the group's advantages finite.",
	Source: "definition; unlike Search-R1's code, which trains on a group of one with its raw reward",
	Cases:  3000,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		t.checks++
		norm, n := oneOf(rng, norms), 1+rng.IntN(8)
		rewards := constant(uniform(rng, -2, 2), n)
		switch kind := rng.IntN(3); {
		case kind == 1 && n > 1: // a tiny spread, around 0 so that rounding is tiny, too
			std := math.Pow(10, uniform(rng, -8, -4))
			if math.Abs(std/1e-6-1) < 1e-9 {
				return nil
			}
			rewards = make([]float64, n)
			rewards[0] = std * math.Sqrt(float64(n)) // one in n: the standard deviation is this/√n
		case kind == 2:
			rewards[rng.IntN(n)] = oneOf(rng, []float64{math.NaN(), math.Inf(1), math.Inf(-1)})
			for _, a := range k.GroupAdvantages(rewards, norm) {
				t.require(math.IsNaN(a) || norm == grpo.MeanOnly && math.IsInf(a, 0), "rewards %v give the advantage %v, expected NaN", rewards, a)
			}
			return nil
		}
		want, dead := Advantages(rats(rewards), norm)
		got := k.GroupAdvantages(rewards, norm)
		if dead {
			for i, a := range got {
				t.require(a == 0, "rewards %v give the advantage %v to member %d, expected 0", rewards, a, i)
			}
		}
		t.slice(got, want, largest(want), "an advantage")
		t.require(k.Dead(rewards) == dead, "the group %v has signal: %v, expected %v", rewards, dead, !dead)
		return nil
	},
}

func largest(xs []float64) float64 {
	m := 0.0
	for _, x := range xs {
		m = math.Max(m, math.Abs(x))
	}
	return m
}

// drawTable draws the step rewards of a group: up to six trajectories of up to five steps, of different lengths.
func drawTable(rng *rand.Rand) [][]float64 {
	rows, grid := make([][]float64, 1+rng.IntN(6)), oneOf(rng, grids)
	same, steps := rng.IntN(2) == 0, 1+rng.IntN(5)
	for i := range rows {
		if !same {
			steps = rng.IntN(6)
		}
		rows[i] = drawRewards(rng, grid, steps)
	}
	return rows
}

// table compares the advantages of a group's steps with those of the oracle's sums from step first(t) to the end.
func table(t *tally, got, rewards [][]float64, norm grpo.Normalisation, first func(step int) int) {
	if len(got) != len(rewards) {
		t.fail("%d rows, expected %d", len(got), len(rewards))
		return
	}
	for step := range 6 {
		sums := make([]float64, len(rewards))
		for i, row := range rewards {
			for s := first(step); s < len(row); s++ {
				sums[i] += row[s]
			}
		}
		want, _ := Advantages(rats(sums), norm)
		for i, row := range rewards {
			switch {
			case len(got[i]) != len(row):
				t.fail("row %d has %d advantages, expected %d", i, len(got[i]), len(row))
				return
			case step < len(row):
				t.near(got[i][step], want[i], largest(want), "an advantage")
			}
		}
	}
}

var fullReturn = Check{
	ID:     "kernel/full-trajectory",
	Text:   "Each step of a whole trajectory has the group advantage of the return, the sum of its step rewards.",
	Source: "Shao et al. (2024), §4.1.2, with dense rewards",
	Cases:  4000,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		t.checks++
		rewards, norm := drawTable(rng), oneOf(rng, norms)
		table(t, k.Full(rewards, norm), rewards, norm, func(int) int { return 0 })
		return nil
	},
}

var rewardToGo = Check{
	ID: "kernel/reward-to-go",
	Text: "Step t has the group advantage of the rewards from t on, among all trajectories of the group; one that has ended " +
		"counts with 0.",
	Source: "Sutton et al. (2000), with the group's mean as the baseline",
	Cases:  4000,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		t.checks++
		rewards, norm := drawTable(rng), oneOf(rng, norms)
		table(t, k.RewardToGo(rewards, norm), rewards, norm, func(step int) int { return step })
		return nil
	},
}

var truncatedStep = Check{
	ID:     "kernel/truncated",
	Text:   "A candidate's advantage is its immediate reward against those of the candidates of the same prefix.",
	Source: "SLATE, Eq. 5",
	Cases:  6000,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		t.checks++
		rewards, norm := drawRewards(rng, oneOf(rng, grids), 1+rng.IntN(8)), oneOf(rng, norms)
		want, _ := Advantages(rats(rewards), norm)
		t.slice(k.Truncated(rewards, norm), want, largest(want), "an advantage")
		return nil
	},
}

var absoluteStep = Check{
	ID:     "kernel/absolute",
	Text:   "With the baseline 0 a candidate's advantage is its reward, over the group's root mean square if standardised.",
	Source: "ours, after Williams (1992)",
	Cases:  4000,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		t.checks++
		rewards, norm := drawRewards(rng, oneOf(rng, grids), 1+rng.IntN(8)), oneOf(rng, norms)
		want := Absolute(rats(rewards), norm)
		t.slice(k.Absolute(rewards, norm), want, largest(want), "an advantage")
		return nil
	},
}

var selectionLaw = Check{
	ID:     "kernel/selection-law",
	Text:   "The next prefix is candidate j with probability softmax(A/η); η ≤ 0 is the best one, the first of several, η = ∞ uniform.",
	Source: "SLATE's released code",
	Cases:  4000,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		t.checks++
		as, eta := drawAs(rng), uniform(rng, .1, 4)
		want := softmax(as, eta)
		switch rng.IntN(6) {
		case 0:
			eta, want = -float64(rng.IntN(2)), make([]float64, len(as))
			best := 0
			for j := range as {
				if as[j] > as[best] {
					best = j
				}
			}
			want[best] = 1
		case 1:
			eta, want = math.Inf(1), constant(1/float64(len(as)), len(as))
		}
		got, err := k.Selection(as, eta)
		if err != nil {
			return err
		}
		t.slice(got, want, 0, "a probability")
		return nil
	},
}

var selectionDraws = Check{
	ID: "kernel/selection-draws",
	Text: "The drawn prefix has the law of the selection: over a grid of equidistant random numbers each candidate comes as " +
		"often as its probability says, and each draw takes one number.",
	Source: "definition",
	Cases:  1000,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		t.checks++
		as, eta := drawAs(rng), uniform(rng, .2, 4)
		law, err := estimator.Selection(as, eta) // held against its own oracle above
		if err != nil {
			return err
		}
		const n = 128
		count := make([]float64, len(as))
		for i := range n {
			grid := &equidistant{u: (float64(i) + .5) / n}
			j, err := k.Select(as, eta, rand.New(grid))
			if err != nil {
				return err
			}
			t.require(grid.taken == 1, "a draw took %d numbers, expected 1", grid.taken)
			if j < 0 || j >= len(as) {
				t.fail("candidate %d of %d", j, len(as))
				return nil
			}
			count[j] += 1. / n
		}
		for j := range law {
			t.within(count[j], law[j], 1, 1.01/n, "a candidate's share")
		}
		return nil
	},
}

// equidistant is a random source that gives one number, again and again.
type equidistant struct {
	u     float64
	taken int
}

// Uint64 implements rand.Source.
func (e *equidistant) Uint64() uint64 {
	e.taken++
	return uint64(e.u*(1<<53)) << 11 >> 11 // rand.Float64 looks at the lower 53 bits
}

func drawAs(rng *rand.Rand) []float64 {
	as, _ := Advantages(rats(drawRewards(rng, oneOf(rng, grids), 1+rng.IntN(6))), oneOf(rng, norms))
	return as
}
