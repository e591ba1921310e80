package tinyjudge

import (
	"context"
	"fmt"

	"searchrl/judge"
	"searchrl/qa"
	"searchrl/tinyworld"
)

// Name is what the judge calls itself.
const Name = "tinyworld"

// Judge judges the steps of questions of one world. It is safe for concurrent use.
type Judge struct{ world *tinyworld.World }

var _ judge.Judge = (*Judge)(nil)

// New makes the judge of a world.
func New(world *tinyworld.World) *Judge { return &Judge{world: world} }

// Name implements judge.Judge.
func (j *Judge) Name() string { return Name }

// Judge implements judge.Judge. Where a question is none of the world's, what depends on its chain is unknown; its answer
// is judged all the same. The only error is that of a cancelled context.
func (j *Judge) Judge(ctx context.Context, steps []judge.Step) ([]judge.Verdict, error) {
	verdicts := make([]judge.Verdict, len(steps))
	for i, step := range steps {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("judging steps: %w", err)
		}
		verdicts[i] = j.one(step)
	}
	return verdicts, nil
}

func (j *Judge) one(step judge.Step) judge.Verdict {
	s, err := j.read(step)
	var v judge.Verdict
	if err != nil {
		v.Thought = judge.Score{Source: Name, Reason: err.Error()}
		v.Action = v.Thought
	}
	switch {
	case step.IsAnswer:
		v.Action = answer(step)
		if err == nil {
			v.Thought = s.concluding(step.Thought)
		}
	case err == nil:
		v.Thought, v.Action = s.thought(step.Thought), s.query(step)
	}
	return v
}

func score(value float64, reason string) judge.Score {
	return judge.Score{Value: value, Known: true, Source: Name, Reason: reason}
}

func answer(step judge.Step) judge.Score {
	if len(step.Question.Answers) == 0 {
		return judge.Score{Source: Name, Reason: fmt.Sprintf("question %q has no answer to compare with", step.Question.ID)}
	}
	if step.Answer != "" && qa.ExactMatch(step.Answer, step.Question.Answers) == 1 {
		return score(1, "the right answer")
	}
	return score(-1, "a wrong answer")
}

// concluding judges the thought before an answer.
func (s *state) concluding(thought string) judge.Score {
	switch known := len(s.targets) == 0; {
	case !claimsToKnow(thought):
		return score(-1, "does not say that the answer is known")
	case !known:
		return score(-1, "says that the answer is known, but needs the "+s.targets[0].String())
	}
	return score(1, "the answer is known")
}

// thought judges the thought before a query.
func (s *state) thought(thought string) judge.Score {
	said := wordsOf(thought, thoughtFiller)
	switch {
	case len(s.targets) == 0 && claimsToKnow(thought):
		return score(1, "the answer is known")
	case claimsToKnow(thought):
		return score(-1, "says that the answer is known, but needs the "+s.targets[0].String())
	}
	for _, t := range s.targets {
		if said.equal(t.all) {
			return score(1, "names what is needed: the "+t.String())
		}
	}
	for _, t := range s.targets {
		if said.holds(t.all) {
			return score(0, "names the "+t.String()+" among other things")
		}
	}
	for _, t := range s.known {
		if said.equal(t.all) {
			return score(0, "names the "+t.String()+", which is known")
		}
	}
	for _, t := range s.targets {
		if len(said) > 0 && t.all.holds(said) {
			return score(0, "names a part of what is needed: the "+t.String())
		}
	}
	if len(s.targets) == 0 {
		return score(-1, "does not say that the answer is known")
	}
	return score(-1, "does not name what is needed: the "+s.targets[0].String())
}

// query judges a query before it is executed.
func (s *state) query(step judge.Step) judge.Score {
	asked := wordsOf(step.Query, queryFiller)
	if len(s.targets) == 0 {
		return score(-1, "nothing is missing")
	}
	if len(asked) == 0 {
		return score(-1, "asks for nothing")
	}
	for _, past := range step.Past {
		if past.Query != "" && asked.equal(wordsOf(past.Query, queryFiller)) {
			return score(-1, "was searched for before")
		}
	}
	for _, t := range s.targets {
		if asked.equal(t.all) {
			return score(1, "asks for what is needed: the "+t.String())
		}
	}
	for _, t := range s.targets {
		if asked.holds(t.all) {
			return score(0, "asks for the "+t.String()+" among other things")
		}
	}
	for _, t := range s.targets {
		if t.all.holds(asked) && !asked.equal(t.relation) {
			return score(0, "asks for a part of what is needed: the "+t.String())
		}
	}
	for _, t := range s.targets {
		if asked.equal(t.relation) {
			return score(-1, "does not say of what the "+t.Relation+" is needed")
		}
	}
	return score(-1, "does not ask for what is needed: the "+s.targets[0].String())
}
