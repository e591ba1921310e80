package tinyjudge

import (
	"context"
	"fmt"

	"searchrl/judge"
	"searchrl/qa"
	"searchrl/rollout"
	"searchrl/tinyworld"
)

var _ judge.Assessor = (*Judge)(nil)

// Assess implements judge.Assessor: a retrieved set scores 1 if it states a fact of the question's chain that no set before it
// stated. The only error is that of a cancelled context.
func (j *Judge) Assess(ctx context.Context, sets []judge.Retrieval) ([]judge.Score, error) {
	scores := make([]judge.Score, len(sets))
	for i, set := range sets {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("assessing retrieved sets: %w", err)
		}
		scores[i] = j.set(set)
	}
	return scores, nil
}

func (j *Judge) set(set judge.Retrieval) judge.Score {
	chain, err := tinyworld.ParseQuestion(set.Question.Text)
	if err != nil {
		return judge.Score{Source: Name, Reason: err.Error()}
	}
	facts, err := j.world.Facts(chain)
	if err != nil {
		return judge.Score{Source: Name, Reason: fmt.Sprintf("question %q is not about the judge's world: %v", set.Question.Text, err)}
	}
	missing := map[tinyworld.Fact]bool{}
	for _, f := range facts {
		missing[f] = true
	}
	for _, past := range set.Past {
		for _, d := range past.Documents {
			for _, f := range tinyworld.ReadFacts(d.Text) {
				delete(missing, f)
			}
		}
	}
	for _, d := range set.Documents {
		for _, f := range tinyworld.ReadFacts(d.Text) {
			if missing[f] {
				return score(1, "shows the "+newTarget(f).String())
			}
		}
	}
	return score(0, "shows nothing of the chain that was not known")
}

// Rule reviews a draft without fail: it accepts a right answer and cuts any other draft before its first useless step. No
// policy can know as much; it shows the most that a refiner could bring.
func (j *Judge) Rule(tree *rollout.Tree, leaf int) (rollout.Ruling, error) {
	steps := len(tree.Steps(leaf))
	if last := &tree.Segments[leaf]; last.Kind == rollout.Answer && qa.ExactMatch(last.Value, tree.Question.Answers) == 1 {
		return rollout.Ruling{Accept: true, Keep: steps}, nil
	}
	keep, ok, err := j.world.Flaw(tree, leaf)
	if err != nil {
		return rollout.Ruling{}, err
	}
	return rollout.Ruling{Accept: !ok, Keep: keep}, nil
}
