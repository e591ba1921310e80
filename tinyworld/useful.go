package tinyworld

import (
	"fmt"

	"searchrl/qa"
	"searchrl/rollout"
)

// Useful reports for each step of the path to leaf whether it brought the question nearer to its answer: a search, if its
// documents as they were shown state a fact of the question's chain that none before it had stated; an answer, if it is
// right; anything else did not.
func (w *World) Useful(tree *rollout.Tree, leaf int) ([]bool, error) {
	chain, err := ParseQuestion(tree.Question.Text)
	if err != nil {
		return nil, err
	}
	facts, err := w.Facts(chain)
	if err != nil {
		return nil, fmt.Errorf("question %q is not about this world: %w", tree.Question.Text, err)
	}
	missing := make(map[Fact]bool, len(facts))
	for _, f := range facts {
		missing[f] = true
	}
	var useful []bool
	for _, step := range tree.Steps(leaf) {
		found := false
		switch last := &tree.Segments[step.Last]; last.Kind {
		case rollout.Documents:
			for _, f := range ReadFacts(last.Text) {
				found = found || missing[f]
				delete(missing, f)
			}
		case rollout.Answer:
			found = qa.ExactMatch(last.Value, tree.Question.Answers) == 1
		}
		useful = append(useful, found)
	}
	return useful, nil
}

// Flaw returns the number of steps before the first one on the path to leaf that was not useful: where a draft with a wrong
// answer is cut. If all were useful, which on the hard level can still be too slow, it is the last step that goes. It is
// false for a path without steps.
func (w *World) Flaw(tree *rollout.Tree, leaf int) (keep int, ok bool, err error) {
	useful, err := w.Useful(tree, leaf)
	if err != nil || len(useful) == 0 {
		return 0, false, err
	}
	for keep, u := range useful {
		if !u {
			return keep, true, nil
		}
	}
	return len(useful) - 1, true, nil
}
