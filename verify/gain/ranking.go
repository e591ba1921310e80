package gain

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"

	"searchrl/verify"
	"searchrl/verify/exact"
)

// outcomes draws a process whose last actions are right (reward 1) or wrong.
func outcomes(rng *rand.Rand) *exact.Process {
	p := exact.Draw(exact.Random(rng), exact.Shape{Steps: 4, Actions: 3, Documents: 3, Nodes: 14})
	return p.Map(func(_ int, _ *exact.Node, _ int, a *exact.Action) {
		a.Reward = new(big.Rat)
		if a.Ends() {
			a.Reward.SetInt64(int64(rng.IntN(2)))
		}
	})
}

// rankingCheck compares the order of gains with that of exact success probabilities.
var rankingCheck = check{
	id: "gain/calibrated-ranking",
	text: "Where the policy is calibrated, exp ℓ(a*|C) being the exact probability V(C) of ending with the right answer, the gains of searches at one " +
		"decision point, with the same counterfactuals, are in the order of what the searches change of V, ties included.",
	source: ours, layer: verify.Exact, cases: 1000,
	test: func(k Kernels, rng *rand.Rand) (string, error) {
		p := outcomes(rng)
		value := map[*exact.Node]*big.Rat{}
		for _, point := range p.Points() {
			value[point.Node] = point.V
		}
		others := make([][]float64, 1+rng.IntN(4))
		for n := range others {
			others[n] = []float64{-4 * rng.Float64()}
		}
		for _, point := range p.Points() {
			var gains []float64
			var changes []*big.Rat
			for _, a := range point.Node.Actions {
				for _, d := range a.Documents {
					v := value[d.Next]
					if v.Sign() == 0 {
						continue // no log-likelihood
					}
					x, _ := v.Float64()
					gains = append(gains, k.Gain([]float64{math.Log(x)}, others))
					changes = append(changes, new(big.Rat).Sub(v, point.V))
				}
			}
			for i := range gains {
				for j := range gains {
					if order := changes[i].Cmp(changes[j]); order != compare(gains[i], gains[j]) {
						return fmt.Sprintf("searches that change V by %v and %v gain %v and %v", changes[i], changes[j], gains[i], gains[j]), nil
					}
				}
			}
		}
		return "", nil
	},
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// example is a decision point with two searches, each with the probability of success after it and the probability that
// the policy, asked at once, would give the right answer.
type example struct {
	title           string
	success, answer [2]float64
	others          []float64 // the latter after other questions' documents
}

func (e example) gains(k Kernels) (gains [2]float64) {
	var others [][]float64
	for _, p := range e.others {
		others = append(others, []float64{math.Log(p)})
	}
	for i := range gains {
		gains[i] = k.Gain([]float64{math.Log(e.answer[i])}, others)
	}
	return gains
}

func (e example) evidence(k Kernels, shown func(gains [2]float64) bool) verify.Evidence {
	g := e.gains(k)
	text := "search    V after   exp ℓ after   gain\n"
	for i, name := range []string{"useful", "useless"} {
		text += fmt.Sprintf("%-8s   %.2f      %.2f          %+.3f\n", name, e.success[i], e.answer[i], g[i])
	}
	out := verify.Evidence{Status: verify.Limit, Checks: 2, Figures: []verify.Figure{{Title: e.title, Text: text}},
		Worst: fmt.Sprintf("V %.2f against %.2f, gain %+.3f against %+.3f", e.success[0], e.success[1], g[0], g[1])}
	if !shown(g) {
		out.Status = verify.Broken
	}
	return out
}

// limits are claims about what the gain does not say.
func limits(k Kernels) []verify.Claim {
	claim := func(id, text string, e example, shown func(gains [2]float64) bool) verify.Claim {
		return verify.Claim{ID: id, Text: text, Source: ours, Layer: verify.Kernel, Limit: true,
			Check: func(context.Context, verify.Effort) (verify.Evidence, error) { return e.evidence(k, shown), nil }}
	}
	return []verify.Claim{
		claim("gain/likely-anyway", "Fails without calibration: where an answer is likely in any context, such as yes, the useful search can have the smaller gain, "+
			"for ℓ then says how sure the policy is of the word, and not whether it will be right.",
			example{"An answer that is likely in any context", [2]float64{1, .5}, [2]float64{.90, .95}, []float64{.94, .93, .92}},
			func(g [2]float64) bool { return g[0] < 0 && g[1] > 0 }),
		claim("gain/before-the-last-hop", "Fails without calibration: a search that is needed for a later one gains nothing where the policy, asked at once, cannot go on by itself "+
			"from what it found, though it is what the success hangs on.",
			example{"A search whose use shows later", [2]float64{.9, .1}, [2]float64{.05, .05}, []float64{.05, .05, .05}},
			func(g [2]float64) bool { return g[0] == 0 && g[1] == 0 }),
	}
}
