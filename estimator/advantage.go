package estimator

import (
	"math"

	"searchrl/grpo"
)

// Full returns the advantages of whole trajectories: result[i][t] is the group advantage of the return G_i, the same for
// every step of trajectory i.
//
//	A_{i,t} = G_i − mean_j G_j      (over std G + ε if standardised)
//
// rewards[i][t] is the reward of step t (from 0) of trajectory i in [0, k); trajectories may have different lengths, and
// the result has the shape of rewards. Limiting cases: T = 1 is [Truncated]; rewards at the last step alone are outcome
// supervision, GRPO. A reward that is not finite makes every advantage of the group NaN.
//
// Source: Shao et al. (2024), §4.1.2, with R_i = G_i.
func Full(rewards [][]float64, norm grpo.Normalisation) [][]float64 {
	returns := make([]float64, len(rewards))
	for i, row := range rewards {
		returns[i] = sum(row)
	}
	out := shaped(rewards)
	for i, a := range grpo.GroupAdvantages(returns, norm) {
		for t := range out[i] {
			out[i][t] = a
		}
	}
	return out
}

// RewardToGo is [Full] with the rewards that a step can still change: result[i][t] is the group advantage of
// G_{i,t} = Σ_{s≥t} r_{i,s} among all k trajectories at the same step.
//
//	A_{i,t} = G_{i,t} − mean_j G_{j,t}      (over std_j G_{j,t} + ε if standardised)
//
// A trajectory that has ended before step t has G_{i,t} = 0 and stays in the group, so that padding a trajectory with
// zero rewards changes nothing. Limiting cases: the first step is that of Full; with equal lengths the last step is
// [Truncated] on the last rewards, but for the prefix, which is not shared here.
//
// Source: the policy gradient theorem's reward to go (Sutton et al., 2000) with the group's mean as the baseline.
func RewardToGo(rewards [][]float64, norm grpo.Normalisation) [][]float64 {
	steps := 0
	for _, row := range rewards {
		steps = max(steps, len(row))
	}
	out := shaped(rewards)
	togo := make([]float64, len(rewards))
	for t := range steps {
		for i, row := range rewards {
			togo[i] = sum(row[min(t, len(row)):])
		}
		for i, a := range grpo.GroupAdvantages(togo, norm) {
			if t < len(out[i]) {
				out[i][t] = a
			}
		}
	}
	return out
}

// Truncated returns the advantages of k candidates for one step that continue the same prefix, from the candidates'
// immediate rewards: rewards[j] is r^(j), result[j] is A_j.
//
//	A_j = r^(j) − mean r      (over std r + ε if standardised, as SLATE does)
//
// Its mean is that of the immediate reward against its expectation, not of Q − V: what a step does for the rewards of
// later steps does not count. Limiting cases: k = 1 and equal rewards give 0.
//
// Source: SLATE, Eq. 5 (from the released code: standard deviation with k−1, ε = 1e-6).
func Truncated(rewards []float64, norm grpo.Normalisation) []float64 {
	return grpo.GroupAdvantages(rewards, norm)
}

// Absolute is [Truncated] with the baseline 0 in place of the group's mean: rewards[j] is r^(j), on a scale on which 0 is
// neither good nor bad, result[j] is A_j.
//
//	A_j = r^(j)      (over √(mean_j r²) + ε if standardised: the deviation from a baseline that is not estimated, so with k)
//
// What is good is reinforced and what is bad is not, whatever the others are: k bad candidates are all pushed down, where
// the group's mean would push up the best of them. The price is variance. Limiting cases: rewards of 0 give 0, equal ones
// their sign if standardised; where the mean is 0 it is Truncated, but for the factor √(k/(k−1)) if standardised. A reward
// that is not finite makes every advantage of the group NaN.
//
// Source: REINFORCE without a baseline (Williams, 1992); as a variant of SLATE it is ours.
func Absolute(rewards []float64, norm grpo.Normalisation) []float64 {
	out := make([]float64, len(rewards))
	square := 0.0
	for _, r := range rewards {
		square += r * r / float64(len(rewards))
	}
	if square == 0 {
		return out
	}
	if math.IsInf(square, 0) {
		square = math.NaN()
	}
	for j, r := range rewards {
		out[j] = r + 0*square // NaN shows, mean-only too
		if norm != grpo.MeanOnly {
			out[j] /= math.Sqrt(square) + grpo.StdEpsilon
		}
	}
	return out
}

func sum(xs []float64) float64 {
	s := 0.0
	for _, x := range xs {
		s += x
	}
	return s
}

// shaped returns zeros in the shape of rows.
func shaped(rows [][]float64) [][]float64 {
	out := make([][]float64, len(rows))
	for i := range rows {
		out[i] = make([]float64, len(rows[i]))
	}
	return out
}
