package refiner

import (
	"searchrl/grpo"
	"searchrl/rollout"
)

// assign gives the tokens of one question's attempts their advantages and reports whether the group carries no signal.
//
// The likelihood of what an attempt sampled is
//
//	log p = log π_l(draft) + log π_d,h(decision | draft) + log π_l(suffix | x, kept prefix),
//
// and the gradient of E R is unbiased if each factor gets the same advantage (All). A_i is the group advantage of the final
// trajectory's reward:
//
//	kept prefix, suffix   A_i          (the prefix unless None)
//	decision              A_i          (nothing if Frozen; R(final) − R(draft) if Gain)
//	what was cut off      A_i if All, else nothing
//
// A decision by Gain needs no group: accepting changes nothing, so R(draft) is its baseline. The gain is not standardised.
func (m Method) assign(group []*attempt) (dead bool) {
	rewards := make([]float64, len(group))
	for i, a := range group {
		rewards[i] = a.value.reward
	}
	dead = grpo.Dead(rewards)
	for i, advantage := range grpo.GroupAdvantages(rewards, m.Normalisation) {
		a := group[i]
		m.assignTrajectory(a, advantage)
		for r := range a.rounds {
			if d := a.rounds[r].decision; d != rollout.NoParent && !m.Frozen {
				credit := advantage
				if m.Gain {
					credit = a.value.reward - a.rounds[r].value.reward
					dead = dead && credit == 0
				}
				grpo.SetSegmentAdvantage(&a.tree.Segments[d], credit)
			}
		}
	}
	return dead
}

// assignTrajectory gives the actor's tokens of one attempt their advantage.
func (m Method) assignTrajectory(a *attempt, advantage float64) {
	top := rollout.NoParent // the last segment that is not trained
	for r := range a.rounds {
		if a.rounds[r].revised() {
			if m.Discarded == None {
				top = a.rounds[r].kept
			}
			if m.Discarded == All {
				setPath(a.tree, a.rounds[r].draft.Leaf, a.rounds[r].kept, advantage)
			}
		}
	}
	setPath(a.tree, a.current.Leaf, top, advantage)
}

// setPath gives the sampled segments from leaf up to, and without, the segment top their advantage.
func setPath(tree *rollout.Tree, leaf, top int, advantage float64) {
	for s := leaf; s != top && s != rollout.NoParent; s = tree.Segments[s].Parent {
		grpo.SetSegmentAdvantage(&tree.Segments[s], advantage)
	}
}
