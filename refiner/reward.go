package refiner

import (
	"context"
	"fmt"

	"searchrl/judge"
	"searchrl/qa"
	"searchrl/rollout"
)

// Hybrid is the paper's reward
//
//	R = EM · (1 + (1/M) Σ_i u_i),   i = 1 … M searches,
//
// in {0} ∪ [1, 2]: what the searches found counts for a right answer only. useful holds the u_i that are known; without any,
// be it that there was no search (our convention), the process reward is 0.
func Hybrid(em float64, useful []float64) float64 {
	if len(useful) == 0 {
		return em
	}
	sum := 0.0
	for _, u := range useful {
		sum += u
	}
	return em * (1 + sum/float64(len(useful)))
}

// value is what a trajectory is worth.
type value struct {
	em, reward float64
	useful     []float64 // the known u_i; assessed for right answers only
}

// names of the parts of a reward in [rollout.Segment.Rewards].
const partUseful = "useful"

// values grades trajectories of trees. Only the searches of right ones are assessed, as only they count.
func (m Method) values(ctx context.Context, trees []*rollout.Tree, trajectories []rollout.Trajectory, t *tally) ([]value, error) {
	values := make([]value, len(trajectories))
	var sets []judge.Retrieval
	var owner, segment []int
	for i, trajectory := range trajectories {
		if trajectory.End == rollout.Answered {
			values[i].em = qa.ExactMatch(trajectory.Answer, trees[i].Question.Answers)
		}
		if values[i].em == 0 || m.Process == nil {
			continue
		}
		found, documents := retrievals(trees[i], trajectory.Leaf)
		sets, segment = append(sets, found...), append(segment, documents...)
		for range found {
			owner = append(owner, i)
		}
	}
	if len(sets) > 0 {
		scores, err := m.Process.Assess(ctx, sets)
		if err != nil {
			return nil, fmt.Errorf("assessing %d retrieved sets: %w", len(sets), err)
		}
		if len(scores) != len(sets) {
			return nil, fmt.Errorf("assessing %d retrieved sets: %d scores", len(sets), len(scores))
		}
		for n, s := range scores {
			t.asked++
			if !s.Known {
				t.masked++
				continue
			}
			if s.Value != 0 && s.Value != 1 {
				return nil, fmt.Errorf("assessing retrieved sets: %s gave %v, expected 0 or 1", s.Source, s.Value)
			}
			i := owner[n]
			values[i].useful = append(values[i].useful, s.Value)
			note(&trees[i].Segments[segment[n]], rollout.Reward{Name: partUseful, Value: s.Value, Source: s.Source})
		}
	}
	for i := range values {
		values[i].reward = Hybrid(values[i].em, values[i].useful)
	}
	return values, nil
}

// note keeps a score where the documents are. A prefix that several trajectories share is noted once.
func note(s *rollout.Segment, r rollout.Reward) {
	for _, had := range s.Rewards {
		if had.Name == r.Name {
			return
		}
	}
	s.Rewards = append(s.Rewards, r)
}

// retrievals lists the executed searches of the path to leaf, and the segments of their documents.
func retrievals(tree *rollout.Tree, leaf int) (sets []judge.Retrieval, documents []int) {
	var past []judge.Past
	for _, step := range tree.Steps(leaf) {
		last := &tree.Segments[step.Last]
		if last.Kind != rollout.Documents {
			continue
		}
		p := judge.Past{Query: tree.Segments[step.Action].Value, Documents: last.Hits}
		for i := step.Action; i != step.First && i >= 0; {
			if i = tree.Segments[i].Parent; tree.Segments[i].Kind == rollout.Think {
				p.Thought = tree.Segments[i].Value
			}
		}
		sets = append(sets, judge.Retrieval{Question: tree.Question, Past: past[:len(past):len(past)], Query: p.Query, Documents: p.Documents})
		documents = append(documents, step.Last)
		past = append(past, p)
	}
	return sets, documents
}

// reward grades every attempt's drafts and final trajectory and sets the trajectories' rewards.
func (m Method) reward(ctx context.Context, attempts []*attempt, t *tally) error {
	var trees []*rollout.Tree
	var all []rollout.Trajectory
	for _, a := range attempts {
		for r := range a.rounds {
			if a.rounds[r].revised() {
				trees, all = append(trees, a.tree), append(all, a.rounds[r].draft)
			}
		}
		trees, all = append(trees, a.tree), append(all, a.current)
	}
	values, err := m.values(ctx, trees, all, t)
	if err != nil {
		return err
	}
	place := map[*rollout.Tree]int{}
	for _, a := range attempts {
		for r := range a.rounds {
			if a.rounds[r].revised() {
				a.rounds[r].value, values = values[0], values[1:]
			}
		}
		a.value, values = values[0], values[1:]
		for r := range a.rounds {
			if !a.rounds[r].revised() {
				a.rounds[r].value = a.value
			}
		}
		a.tree.Trajectories[place[a.tree]].Reward = a.value.reward
		place[a.tree]++
	}
	return nil
}
