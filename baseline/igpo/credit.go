package igpo

import "searchrl/grpo"

// Gains returns the turns' rewards g_t = p_t − p_{t−1}, t = 1…len(p)−1, from the probabilities p[t] of the gold answer after turn t,
// p[0] before the first. They add up to the last p less the first. Fewer than two probabilities give none.
func Gains(p []float64) []float64 {
	if len(p) < 2 {
		return nil
	}
	gains := make([]float64, len(p)-1)
	for t := range gains {
		gains[t] = p[t+1] - p[t]
	}
	return gains
}

// Episode holds the rewards of one trajectory: those of its turns but the last, and the outcome at the last.
type Episode struct {
	Gains   []float64
	Outcome float64
}

// Advantages returns A_t for the trajectories of one question: result[i] has len(Gains) + 1 turns. Gains and outcomes are
// normalised each among their kind over the whole group, then the discounted sums are taken; gamma is γ ∈ [0, 1].
func Advantages(group []Episode, gamma float64, norm grpo.Normalisation) [][]float64 {
	var gains, outcomes []float64
	for _, e := range group {
		gains, outcomes = append(gains, e.Gains...), append(outcomes, e.Outcome)
	}
	gains, outcomes = grpo.GroupAdvantages(gains, norm), grpo.GroupAdvantages(outcomes, norm)
	out := make([][]float64, len(group))
	for i, e := range group {
		n := len(e.Gains)
		out[i] = make([]float64, n+1)
		out[i][n] = outcomes[i]
		for t := n - 1; t >= 0; t-- {
			out[i][t] = gains[t] + gamma*out[i][t+1]
		}
		gains = gains[n:]
	}
	return out
}
