package refiner

import (
	"context"
	"fmt"
	"math/rand/v2"

	"searchrl/rollout"
)

// attempt is one trajectory under way: the one that stands, and the rounds that led to it.
type attempt struct {
	tree     *rollout.Tree
	question int                // index of the tree
	current  rollout.Trajectory // the draft, or what became of it
	rounds   []round
	value    value
	seeds    *rand.Rand // of the question, shared by its attempts
}

// round is one review of a draft.
type round struct {
	draft    rollout.Trajectory
	review   int // segments; NoParent where there is none
	decision int
	ruling   rollout.Ruling
	odds     *rollout.Odds // nil if they were not asked for
	scored   int           // tokens computed for the odds, beside the tree
	noRoom   bool          // the draft left no room for a review, so it stands
	kept     int           // the last segment that was kept; only of a revision
	value    value         // of the draft
}

// revised reports whether the round cut its draft.
func (r *round) revised() bool { return !r.ruling.Accept }

// drafts makes an attempt of each trajectory of the trees; streams[q] is what question q's further samples are drawn from.
func drafts(trees []*rollout.Tree, streams []*rand.Rand) []*attempt {
	var attempts []*attempt
	for q, tree := range trees {
		for _, draft := range tree.Trajectories {
			attempts = append(attempts, &attempt{tree: tree, question: q, current: draft, seeds: streams[q]})
		}
	}
	return attempts
}

// open reports whether the attempt can be reviewed again: it was not accepted yet.
func (a *attempt) open() bool { return len(a.rounds) == 0 || a.rounds[len(a.rounds)-1].revised() }

// review puts the standing draft of each open attempt to the refiner and returns those that it has to decide about.
func review(env *rollout.Env, attempts []*attempt) ([]*attempt, error) {
	var reviewed []*attempt
	for _, a := range attempts {
		if !a.open() {
			continue
		}
		steps := len(a.tree.Steps(a.current.Leaf))
		r := round{draft: a.current, review: rollout.NoParent, decision: rollout.NoParent, ruling: rollout.Ruling{Accept: true, Keep: steps}}
		segment, ok, err := env.Review(a.tree, a.current.Leaf)
		if err != nil {
			return nil, err
		}
		if r.noRoom = !ok; ok {
			r.review = segment
			reviewed = append(reviewed, a)
		}
		a.rounds = append(a.rounds, r)
	}
	return reviewed, nil
}

// round reviews every open attempt once and samples the suffixes of those that are cut.
func (m Method) round(ctx context.Context, env *rollout.Env, attempts []*attempt) error {
	var decide func(context.Context, *rollout.Env, []*attempt) error
	if m.Reviewer != nil {
		decide = m.ask
	} else {
		decide = m.sample
	}
	if err := decide(ctx, env, attempts); err != nil {
		return err
	}
	return revise(ctx, env, attempts, m.Sampling)
}

// sample lets the policy decide.
func (m Method) sample(ctx context.Context, env *rollout.Env, attempts []*attempt) error {
	reviewed, err := review(env, attempts)
	if err != nil {
		return err
	}
	seeds := make([]uint64, len(reviewed))
	for i, a := range reviewed {
		seeds[i] = a.seeds.Uint64()
	}
	leaves := reviews(reviewed)
	decided, err := env.Decide(ctx, leaves, m.Sampling, seeds)
	if err != nil {
		return err
	}
	var odds []rollout.Odds
	if m.Terms && m.Sampling.Temperature == 1 {
		if odds, err = env.Odds(ctx, leaves); err != nil {
			return err
		}
	}
	for i, a := range reviewed {
		r := &a.rounds[len(a.rounds)-1]
		r.ruling, r.decision = decided[i].Ruling, decided[i].Segment
		if odds != nil {
			r.odds = &odds[i]
			r.scored = scoredTokens(env, len(odds[i].Cut))
		}
	}
	return nil
}

// scoredTokens counts what is computed to score all possible decisions about a draft of so many steps. The draft and its
// review are in the tree, so they are counted there; a policy that keeps its keys and values does not compute them again.
func scoredTokens(env *rollout.Env, steps int) int {
	var req rollout.ScoreRequest
	for _, ruling := range rollout.Rulings(steps) {
		req.Targets = append(req.Targets, env.DecisionTokens(ruling))
	}
	return rollout.ScoredTokens([]rollout.ScoreRequest{req})
}

// ask lets the reviewer decide; the tree holds nothing of it.
func (m Method) ask(_ context.Context, _ *rollout.Env, attempts []*attempt) error {
	for _, a := range attempts {
		if !a.open() {
			continue
		}
		ruling, err := m.Reviewer.Rule(a.tree, a.current.Leaf)
		if err != nil {
			return fmt.Errorf("reviewing a draft of %q: %w", a.tree.Question.Text, err)
		}
		if n := len(a.tree.Steps(a.current.Leaf)); !ruling.Accept && (ruling.Keep < 0 || ruling.Keep >= n) {
			return fmt.Errorf("reviewing a draft of %q: the reviewer keeps %d of %d steps", a.tree.Question.Text, ruling.Keep, n)
		}
		a.rounds = append(a.rounds, round{draft: a.current, review: rollout.NoParent, decision: rollout.NoParent, ruling: ruling})
	}
	return nil
}

// reviews returns the segments after which the decisions come.
func reviews(attempts []*attempt) []rollout.Leaf {
	leaves := make([]rollout.Leaf, len(attempts))
	for i, a := range attempts {
		leaves[i] = rollout.Leaf{Tree: a.tree, Segment: a.rounds[len(a.rounds)-1].review}
	}
	return leaves
}

// revise cuts the drafts whose last round was a revision and continues each from its kept prefix: the suffix is sampled after
// exactly the question and the kept steps with their documents, with what is left of the budgets. The review and the decision
// are on a branch of their own, which the suffix does not see.
func revise(ctx context.Context, env *rollout.Env, attempts []*attempt, sampling rollout.Sampling) error {
	var cut []*attempt
	var leaves []rollout.Leaf
	var seeds rollout.Seeds
	for _, a := range attempts {
		if len(a.rounds) == 0 {
			continue
		}
		r := &a.rounds[len(a.rounds)-1]
		if !r.revised() || r.draft.Leaf != a.current.Leaf {
			continue
		}
		r.kept = keptSegment(a.tree, a.current.Leaf, r.ruling.Keep)
		cut, leaves, seeds = append(cut, a), append(leaves, rollout.Leaf{Tree: a.tree, Segment: r.kept}), append(seeds, a.seeds.Uint64())
	}
	if len(cut) == 0 {
		return nil
	}
	made, err := env.Continue(ctx, leaves, 1, sampling, rand.New(&seeds))
	if err != nil {
		return fmt.Errorf("sampling suffixes: %w", err)
	}
	for i, a := range cut {
		a.current = a.tree.Trajectories[made[i][0]]
	}
	return nil
}

// keptSegment returns the last segment of the first keep steps of the path to leaf: its root for 0.
func keptSegment(tree *rollout.Tree, leaf, keep int) int {
	if keep == 0 {
		return tree.Path(leaf)[0]
	}
	return tree.Steps(leaf)[keep-1].Last
}

// finish leaves the trajectories that stand, in the order of their drafts.
func finish(trees []*rollout.Tree, attempts []*attempt) {
	for _, tree := range trees {
		tree.Trajectories = nil
	}
	for _, a := range attempts {
		a.tree.Trajectories = append(a.tree.Trajectories, a.current)
	}
}

// groups returns each question's attempts, in order.
func groups(trees []*rollout.Tree, attempts []*attempt) [][]*attempt {
	out := make([][]*attempt, len(trees))
	for _, a := range attempts {
		out[a.question] = append(out[a.question], a)
	}
	return out
}
