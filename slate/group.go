package slate

import (
	"math"
	"math/rand/v2"

	"searchrl/estimator"
	"searchrl/grpo"
	"searchrl/rollout"
)

// settle sets the rewards of a group's steps from their parts and writes them into the tree. A masked part takes the mean
// of the group's known ones of its class, thoughts or actions: the reward compares as if the part did not exist.
//
// If leaveOut is set, a step without any known score is left out: it has no reward.
func settle(group []*step, leaveOut bool) {
	sum, n := map[string]float64{}, map[string]float64{} // of the known scores, by class
	for _, s := range group {
		judged, known := 0, 0
		for _, p := range s.parts {
			if !p.judged {
				continue
			}
			judged++
			if !p.masked {
				known++
				sum[p.class()] += p.value
				n[p.class()]++
			}
		}
		s.left = leaveOut && judged > 0 && known == 0
	}
	for _, s := range group {
		s.reward = 0
		for i := range s.parts {
			p := &s.parts[i]
			if p.masked && !s.left && n[p.class()] > 0 {
				p.value = sum[p.class()] / n[p.class()]
			}
			s.reward += p.value
			source := p.source
			if p.masked {
				source = "masked: " + source
			}
			segment := &s.tree.Segments[p.segment]
			segment.Rewards = append(segment.Rewards, rollout.Reward{Name: p.name, Value: p.value, Source: source})
		}
	}
}

// counted returns the steps that are in the group.
func counted(group []*step) []*step {
	var out []*step
	for _, s := range group {
		if !s.left {
			out = append(out, s)
		}
	}
	return out
}

// advantages returns Eq. 5 for the steps, by which the next prefix is chosen, and what the loss gets, which is the same but
// for another baseline; this it sets on the steps' own tokens.
func (m Method) advantages(group []*step) (compared, trained []float64) {
	rewards := make([]float64, len(group))
	for i, s := range group {
		rewards[i] = s.reward
	}
	compared = estimator.Truncated(rewards, m.Normalisation)
	trained = compared
	if m.Baseline == Zero {
		trained = estimator.Absolute(rewards, m.Normalisation)
	}
	for i, s := range group {
		s.set(trained[i])
	}
	return compared, trained
}

// set gives the step's own tokens an advantage: all of them were sampled, none is of the prefix.
func (s *step) set(a float64) {
	for _, i := range s.segments {
		grpo.SetSegmentAdvantage(&s.tree.Segments[i], a)
	}
}

// next chooses among all candidates the one to go on from; in and advantages are those that count. It takes one number
// from rng, whatever the rule is.
func (m Method) next(all, in []*step, advantages []float64, rng *rand.Rand) (*step, error) {
	eta := m.Eta
	switch m.Next {
	case Best:
		eta = 0
	case Uniform, First:
		in, eta = all, math.Inf(1) // the judge has no say
	}
	if len(in) == 0 { // nothing is known of any
		in = all
	}
	if len(advantages) != len(in) { // all of them are in, also those that have no advantage
		advantages = make([]float64, len(in))
	}
	i, err := estimator.Select(advantages, eta, rng)
	if err != nil {
		return nil, err
	}
	if m.Next == First {
		i = 0
	}
	return in[i], nil
}
