package gigpo

import (
	"slices"

	"searchrl/grpo"
)

// Episode is what the advantages of one trajectory depend on: for each of its steps, in order, the observation it starts from
// and its reward. Both have the same length T_i, which may be 0.
type Episode struct {
	Anchors []string
	Rewards []float64
}

// Credit holds what the advantages are computed with.
type Credit struct {
	// Omega is ω ≥ 0, the weight of the step advantage; 0 is GRPO.
	Omega float64 `json:"omega"`
	// Gamma is γ ∈ [0, 1], the discount of the return.
	Gamma float64 `json:"gamma"`
	// Normalisation is F: Standardised divides by the group's deviation, MeanOnly by 1.
	Normalisation grpo.Normalisation `json:"normalisation"`
	// Similarity ∈ (0, 1] is the ratio from which two observations count as the same (see [Ratio]); 1 asks for equal ones.
	Similarity float64 `json:"similarity"`
	// PerStep counts a trajectory once for each of its steps in the statistics of the episode advantage, as the released code
	// does by default, not once.
	PerStep bool `json:"per_step"`
}

// Advantages returns A_{i,t} = A^E_i + ω A^S_{i,t} (Eq. 8) for the episodes of one question: result[i][t] belongs to step t (from
// 0) of episode i.
func (c Credit) Advantages(group []Episode) [][]float64 {
	episode, step := c.EpisodeAdvantages(group), c.StepAdvantages(group)
	for i := range step {
		for t := range step[i] {
			step[i][t] = episode[i] + c.Omega*step[i][t]
		}
	}
	return step
}

// EpisodeAdvantages returns A^E_i (Eq. 3), one for each episode of a question. With PerStep an episode without steps does not
// count and has 0.
func (c Credit) EpisodeAdvantages(group []Episode) []float64 {
	var returns []float64
	first := make([]int, len(group)) // where an episode's return stands
	for i, e := range group {
		total, times := 0.0, 1
		for _, r := range e.Rewards {
			total += r
		}
		if c.PerStep {
			times = len(e.Rewards)
		}
		first[i] = len(returns)
		returns = append(returns, slices.Repeat([]float64{total}, times)...)
	}
	all, out := grpo.GroupAdvantages(returns, c.Normalisation), make([]float64, len(group))
	for i, e := range group {
		if !c.PerStep || len(e.Rewards) > 0 {
			out[i] = all[first[i]]
		}
	}
	return out
}

// StepAdvantages returns A^S_{i,t} (Eq. 7): the group advantage of a step's return among the steps of the same question that
// start from the same observation. A step that is alone with its observation has 0.
func (c Credit) StepAdvantages(group []Episode) [][]float64 {
	var anchors []string
	var returns []float64
	for _, e := range group {
		anchors = append(anchors, e.Anchors...)
		returns = append(returns, Returns(e.Rewards, c.Gamma)...)
	}
	flat := make([]float64, len(returns))
	for _, members := range Groups(anchors, c.Similarity) {
		own := make([]float64, len(members))
		for j, m := range members {
			own[j] = returns[m]
		}
		for j, a := range grpo.GroupAdvantages(own, c.Normalisation) {
			flat[members[j]] = a
		}
	}
	out := make([][]float64, len(group))
	for i, e := range group {
		out[i], flat = flat[:len(e.Rewards):len(e.Rewards)], flat[len(e.Rewards):]
	}
	return out
}

// Returns are the discounted returns R_t = r_t + γ R_{t+1} of the steps of one trajectory (Eq. 5), as long as rewards. Limiting
// cases: γ = 1 is the reward to go, γ = 0 the rewards themselves.
func Returns(rewards []float64, gamma float64) []float64 {
	out := make([]float64, len(rewards))
	next := 0.0
	for t := len(rewards) - 1; t >= 0; t-- {
		next = rewards[t] + gamma*next
		out[t] = next
	}
	return out
}

// Groups divides the steps of a question by the observations they start from (Eq. 6): each group holds indices of anchors in
// rising order, and groups are in the order of their first members. An anchor joins the first group whose first member it is
// similar enough to, [Ratio] ≥ similarity; at similarity 1 that means equal to. So groups depend on the order of the anchors
// unless similarity is 1; the source does the same.
func Groups(anchors []string, similarity float64) [][]int {
	var groups [][]int
	exact := map[string]int{}
	for i, anchor := range anchors {
		g, found := exact[anchor]
		if !found && similarity < 1 {
			if g = slices.IndexFunc(groups, func(members []int) bool { return Ratio(anchors[members[0]], anchor) >= similarity }); g >= 0 {
				found = true
			}
		}
		if !found {
			g = len(groups)
			groups = append(groups, nil)
		}
		exact[anchor] = g // an equal one later goes the same way
		groups[g] = append(groups[g], i)
	}
	return groups
}
