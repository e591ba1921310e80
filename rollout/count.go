package rollout

// Count is what happened on a path.
type Count struct {
	Turns    int // steps: queries, answers and invalid actions
	Searches int // searches executed
	Invalid  int // invalid actions
	Sampled  int // tokens that the policy sampled
	Inserted int // tokens that the environment inserted, the prompt's included
}

func (c *Count) add(s *Segment) {
	switch s.Kind {
	case Query, Answer:
		c.Turns++
	case Invalid:
		c.Turns++
		c.Invalid++
	case Documents:
		c.Searches++
	}
	if s.Sampled() || s.Unscored {
		c.Sampled += len(s.Tokens)
	} else {
		c.Inserted += len(s.Tokens)
	}
}

// Count counts along the path from the root to leaf.
func (t *Tree) Count(leaf int) Count {
	var c Count
	for i := leaf; i != NoParent; i = t.Segments[i].Parent {
		c.add(&t.Segments[i])
	}
	return c
}

// attemptTurns counts the steps of the attempt that leaf belongs to: those since the last Reflection, or since the prompt.
func (t *Tree) attemptTurns(leaf int) int {
	var c Count
	for i := leaf; i != NoParent && t.Segments[i].Kind != Reflection; i = t.Segments[i].Parent {
		c.add(&t.Segments[i])
	}
	return c.Turns
}

// Total counts over the whole tree, each segment once, whatever trajectories it is part of: the unique tokens.
func (t *Tree) Total() Count {
	var c Count
	for i := range t.Segments {
		c.add(&t.Segments[i])
	}
	return c
}

// Finish appends the trajectory that ends at leaf and returns its index in Trajectories. Counts and answer are read off
// the path; the reward is the method's to set.
func (t *Tree) Finish(leaf int, end End) int {
	c := t.Count(leaf)
	trajectory := Trajectory{Leaf: leaf, End: end, Turns: c.Turns, Searches: c.Searches, Invalid: c.Invalid}
	if end == Answered {
		trajectory.Answer = t.Segments[leaf].Value
	}
	t.Trajectories = append(t.Trajectories, trajectory)
	return len(t.Trajectories) - 1
}

// StepSpan is one step of a path, as indices into the path's segments.
type StepSpan struct {
	First  int // index in Tree.Segments of its first segment: an opening, or the first that was sampled
	Action int // its Query, Answer or Invalid segment
	Last   int // the end of the step: the documents or the notice that followed the action, else the action itself
}

// Steps returns the steps of the path to leaf, in order. Cutting a trajectory after step c (counted from 1) and
// continuing it means continuing from Steps(leaf)[c-1].Last.
func (t *Tree) Steps(leaf int) []StepSpan {
	var steps []StepSpan
	first := NoParent
	for _, i := range t.Path(leaf) {
		switch t.Segments[i].Kind {
		case Prompt, ReviewPrompt, Decision, Reflection:
			continue
		case Documents, Notice:
			if n := len(steps); n > 0 && first == NoParent {
				steps[n-1].Last = i
			}
			continue
		case Query, Answer, Invalid:
			if first == NoParent {
				first = i
			}
			steps = append(steps, StepSpan{First: first, Action: i, Last: i})
			first = NoParent
		default:
			if first == NoParent {
				first = i
			}
		}
	}
	return steps
}
