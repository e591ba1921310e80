package slate

import (
	"context"
	"fmt"
	"math"

	"searchrl/judge"
	"searchrl/qa"
	"searchrl/rollout"
)

// step is one candidate in its tree.
type step struct {
	tree     *rollout.Tree
	base     int   // the segment that it was sampled from
	segments []int // its own, in order; the last is the action
	turn     int   // t, from 1
	forced   bool  // it is a forced answer
	parts    []part
	reward   float64 // the sum of its parts, once the group is known
	left     bool    // nothing of it could be judged: left out of the group
}

// part is one part of a step's reward.
type part struct {
	name    string
	segment int // whose reward it is
	value   float64
	source  string
	judged  bool // a judge's score
	masked  bool // that could not be given
}

// Names of the parts, as they stand in rollout.Reward.
const (
	partThought    = "thought"
	partQuery      = "query"
	partAnswer     = "answer"
	partEarly      = "early"
	partInvalid    = "invalid"
	partCompletion = "completion"
)

// class is what a masked score is filled in from: the group's thoughts, or its actions, queries and answers alike.
func (p part) class() string {
	if p.name == partThought {
		return "thought"
	}
	return "action"
}

// rule is the source of what no judge decides.
const rule = "rule"

// newStep describes the step that was sampled from base and ends at leaf.
func newStep(tree *rollout.Tree, base, leaf int) *step {
	s := &step{tree: tree, base: base, turn: tree.Count(leaf).Turns, forced: tree.Segments[base].Kind == rollout.Opening}
	for i := leaf; i != base; i = tree.Segments[i].Parent {
		s.segments = append([]int{i}, s.segments...)
	}
	return s
}

func (s *step) leaf() int                { return s.segments[len(s.segments)-1] }
func (s *step) action() *rollout.Segment { return &s.tree.Segments[s.leaf()] }

// thought returns the index of the thought's segment, the action's if there is none.
func (s *step) thought() (segment int, text string) {
	for _, i := range s.segments {
		if s.tree.Segments[i].Kind == rollout.Think {
			return i, s.tree.Segments[i].Value
		}
	}
	return s.leaf(), ""
}

// question describes the step to a judge.
func (s *step) question() judge.Step {
	action := s.action()
	_, thought := s.thought()
	out := judge.Step{Question: s.tree.Question, Past: past(s.tree, s.base), Thought: thought}
	if action.Kind == rollout.Answer {
		out.IsAnswer, out.Answer = true, action.Value
	} else {
		out.Query = action.Value
	}
	return out
}

// past lists the finished steps before a decision point: thoughts, queries and the documents found. Invalid steps are not
// among them, for they did nothing.
func past(tree *rollout.Tree, base int) []judge.Past {
	var out []judge.Past
	for _, span := range tree.Steps(base) {
		action := &tree.Segments[span.Action]
		if action.Kind != rollout.Query {
			continue
		}
		p := judge.Past{Query: action.Value, Documents: tree.Segments[span.Last].Hits}
		for i := span.Action; i != tree.Segments[span.First].Parent; i = tree.Segments[i].Parent {
			if tree.Segments[i].Kind == rollout.Think {
				p.Thought = tree.Segments[i].Value
			}
		}
		out = append(out, p)
	}
	return out
}

// score gives the steps their parts, with one call to the judge for all that need it.
func (m Method) score(ctx context.Context, steps []*step, turns int) error {
	var asked []*step
	var questions []judge.Step
	for _, s := range steps {
		kind := s.action().Kind
		switch {
		case kind == rollout.Invalid:
			s.add(part{name: partInvalid, segment: s.leaf(), value: m.lowest(), source: rule})
		case m.Reward == Outcome && kind == rollout.Answer:
			em := qa.ExactMatch(s.action().Value, s.tree.Question.Answers)
			s.add(part{name: partAnswer, segment: s.leaf(), value: m.shift(2*em - 1), source: "exact match"})
		case m.Reward == Dense:
			asked, questions = append(asked, s), append(questions, s.question())
		}
	}
	if len(asked) == 0 {
		return nil
	}
	verdicts, err := m.Judge.Judge(ctx, questions)
	if err != nil {
		return fmt.Errorf("judging %d steps by %s: %w", len(asked), m.Judge.Name(), err)
	}
	if len(verdicts) != len(asked) {
		return fmt.Errorf("judging %d steps by %s: it answered for %d", len(asked), m.Judge.Name(), len(verdicts))
	}
	for i, s := range asked {
		if err := m.take(s, verdicts[i], turns); err != nil {
			return fmt.Errorf("judging by %s: %w", m.Judge.Name(), err)
		}
	}
	return nil
}

// take turns a verdict into the step's parts: Eq. 3 for a search, Eq. 4 for an answer.
func (m Method) take(s *step, v judge.Verdict, turns int) error {
	for _, score := range []judge.Score{v.Thought, v.Action} {
		if score.Known && !(math.Abs(score.Value) <= 1) {
			return fmt.Errorf("a step of question %q has the score %v, expected one from −1 to 1", s.tree.Question.ID, score.Value)
		}
	}
	if !s.forced {
		segment, _ := s.thought()
		s.add(m.part(partThought, segment, v.Thought))
	}
	if s.action().Kind == rollout.Query {
		s.add(m.part(partQuery, s.leaf(), v.Action))
		return nil
	}
	s.add(m.part(partAnswer, s.leaf(), v.Action))
	if m.Early > 0 {
		s.add(part{name: partEarly, segment: s.leaf(), value: m.Early * earliness(s.turn, turns), source: rule})
	}
	return nil
}

func (s *step) add(p part) { s.parts = append(s.parts, p) }

func (m Method) part(name string, segment int, score judge.Score) part {
	p := part{name: name, segment: segment, source: score.Source, judged: true, masked: !score.Known}
	if score.Known {
		p.value = m.shift(score.Value)
	}
	return p
}

// earliness is (B−t)/B for t = 1…B, 0 for a forced answer after turn B.
func earliness(t, turns int) float64 { return float64(max(turns-t, 0)) / float64(turns) }

// shift maps a score to the range in use.
func (m Method) shift(score float64) float64 {
	if m.Shifted {
		return (score + 1) / 2
	}
	return score
}

// lowest is the reward of an invalid step: that of a step whose every component is the worst.
func (m Method) lowest() float64 {
	switch {
	case m.Shifted:
		return 0
	case m.Reward == Outcome:
		return -1
	}
	return -2
}
