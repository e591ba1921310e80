package gain

import (
	"fmt"
	"math"
	"math/rand/v2"

	"searchrl/igsearch"
	"searchrl/likelihood"
	"searchrl/verify"
)

var meanCheck = check{
	id: "gain/answer-mean",
	text: "The log-likelihood of an answer is the mean over its tokens in which the first tokens count as often as their weight says: " +
		"with weight 1 the plain mean, and an answer shorter than the head has it too.",
	source: "IG-Search, ig_reward.py", layer: verify.Kernel, cases: 2000,
	test: func(k Kernels, rng *rand.Rand) (string, error) {
		lp := make([]float64, 1+rng.IntN(8))
		for j := range lp {
			lp[j] = -5 * rng.Float64()
		}
		head, weight := rng.IntN(5), 1+rng.IntN(4)
		got := k.Mean(likelihood.Options{HeadTokens: head, HeadWeight: float64(weight)}, lp)
		return differ(fmt.Sprintf("ℓ of %d tokens, head %d × %d,", len(lp), head, weight), got, oracleMean(lp, head, weight)), nil
	},
}

var gainCheck = check{
	id: "gain/definition",
	text: "The gain is ℓ of the alias that is likeliest after the real documents, minus the mean of the same alias's ℓ after the others; " +
		"it does not depend on their order, and is exactly 0 where they are the real ones.",
	source: "IG-Search, ig_reward.py", layer: verify.Kernel, cases: 2000,
	test: func(k Kernels, rng *rand.Rand) (string, error) {
		aliases := 1 + rng.IntN(3)
		draw := func() []float64 {
			out := make([]float64, aliases)
			for a := range out {
				out[a] = -8 * rng.Float64()
			}
			return out
		}
		real, others := draw(), make([][]float64, 1+rng.IntN(4))
		same := make([][]float64, len(others))
		for n := range others {
			others[n], same[n] = draw(), real
		}
		got := k.Gain(real, others)
		if d := differ("the gain", got, oracleGain(real, others)); d != "" {
			return d, nil
		}
		rng.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
		if again := k.Gain(real, others); again != got {
			return fmt.Sprintf("the gain is %v, and %v in another order", got, again), nil
		}
		if zero := k.Gain(real, same); zero != 0 {
			return fmt.Sprintf("the gain over the real documents themselves is %v", zero), nil
		}
		return "", nil
	},
}

var normaliseCheck = check{
	id: "gain/normalisation",
	text: "z is the gain minus the mean over the steps of its centring set, over the root mean square (with one degree of freedom less for each " +
		"mean) over those of its scaling set, at least the floor; a step whose sets are too small or equal is put against the batch, " +
		"and is 0 where that is too.",
	source: ours + "; GRPO; A2TGPO (turn)", layer: verify.Kernel, cases: 3000,
	test: func(k Kernels, rng *rand.Rand) (string, error) {
		steps := make([]igsearch.Step, rng.IntN(12))
		equal := rng.IntN(8) == 0
		for i := range steps {
			steps[i] = igsearch.Step{Group: rng.IntN(3), Turn: 1 + rng.IntN(3), Gain: float64(rng.IntN(33)-16) / 4} // on a grid: equal or far apart
			if equal {
				steps[i].Gain = 1.25
			}
		}
		n := igsearch.Normalisation{
			Centre: oneOf(rng, igsearch.Group, igsearch.Turn, igsearch.Batch, igsearch.None),
			Scale:  oneOf(rng, igsearch.Group, igsearch.Turn, igsearch.Batch),
			Floor:  oneOf(rng, 0, 0, .5, 3),
		}
		z := k.Normalise(steps, n)
		if len(z) != len(steps) {
			return fmt.Sprintf("%d z for %d steps", len(z), len(steps)), nil
		}
		for i := range steps {
			want, _ := oracleZ(steps, i, n)
			if d := differ(fmt.Sprintf("z of step %d of %v by %+v", i, steps, n), z[i], want); d != "" {
				return d, nil
			}
		}
		return "", nil
	},
}

var modulateCheck = check{
	id: "gain/modulation",
	text: "The advantage of a query is A + α·clip(z) (additive), A + α·|A|·clip(z) (multiplicative: never another sign while αc < 1, and 0 where A is), " +
		"or additive with positive z only in trajectories with reward (gated); α = 0 gives A itself.",
	source: ours, layer: verify.Kernel, cases: 2000,
	test: func(k Kernels, rng *rand.Rand) (string, error) {
		m := igsearch.Modulation{Form: oneOf(rng, igsearch.Additive, igsearch.Multiplicative, igsearch.Gated), Alpha: oneOf(rng, 0, .1, .3, 1), Clip: oneOf(rng, .5, 2, 3.)}
		a, r, z := oneOf(rng, 0, rng.NormFloat64()), oneOf(rng, 0, 1.), 3*rng.NormFloat64()
		got := k.Modulate(m, a, r, z)
		if d := differ(fmt.Sprintf("the advantage of A = %v, R = %v, z = %v by %+v", a, r, z, m), got, oracleModulate(m, a, r, z)); d != "" {
			return d, nil
		}
		if m.Alpha == 0 && got != a {
			return fmt.Sprintf("α = 0 gives %v for A = %v", got, a), nil
		}
		return "", nil
	},
}

// allDraws enumerates the draws of N of M counterfactuals.
var allDraws = check{
	id: "gain/all-draws",
	text: "Over all draws of N of M counterfactuals the mean of the gain is its value with all M, and its variance is σ²/N·(M−N)/(M−1): it " +
		"converges to the exact value, which it has at N = M.",
	source: "definition; sampling without replacement", layer: verify.Kernel, cases: 300,
	test: func(k Kernels, rng *rand.Rand) (string, error) {
		pool := make([]float64, 2+rng.IntN(6))
		for i := range pool {
			pool[i] = -6 * rng.Float64()
		}
		m, n := len(pool), 1+rng.IntN(len(pool))
		real := -6 * rng.Float64()
		mu, variance := moments(pool)
		var gains []float64
		for set := range 1 << m {
			var others [][]float64
			for i := range pool {
				if set>>i&1 == 1 {
					others = append(others, pool[i:i+1])
				}
			}
			if len(others) == n {
				gains = append(gains, k.Gain([]float64{real}, others))
			}
		}
		average, spread := moments(gains)
		if d := differ("the mean gain", average, real-mu); d != "" {
			return d, nil
		}
		return differ("the variance of the gain", spread, drawVariance(variance, n, m)), nil
	},
}

// drawVariance is the variance of the mean of n of m numbers of variance v (over m), drawn without replacement.
func drawVariance(v float64, n, m int) float64 {
	return v / float64(n) * float64(m-n) / math.Max(1, float64(m-1))
}

// moments returns mean and variance with n in the denominator.
func moments(xs []float64) (mu, variance float64) {
	mu = mean(xs)
	for _, x := range xs {
		variance += (x - mu) * (x - mu) / float64(len(xs))
	}
	return mu, variance
}
