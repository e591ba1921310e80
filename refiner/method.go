package refiner

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"searchrl/grpo"
	"searchrl/judge"
	"searchrl/qa"
	"searchrl/rollout"
)

// Discarded says which parts of a revised trajectory are trained besides its last suffix and its decisions.
type Discarded string

const (
	// None trains neither the kept prefix nor what was cut off.
	None Discarded = "none"
	// Prefix trains the kept prefix, once: every token of the final trajectory. Our default.
	Prefix Discarded = "prefix"
	// All trains what was cut off, too: every factor of the likelihood of what was sampled, which makes the gradient
	// unbiased (see verify/mixture).
	All Discarded = "all"
)

// Suffix says how a suffix is sampled when the method answers questions.
type Suffix string

const (
	Same    Suffix = "same"    // as the draft was
	Greedy  Suffix = "greedy"  // the most likely tokens; after a greedy draft that is the draft again
	Sampled Suffix = "sampled" // as in training
)

// Reviewer decides about drafts in place of the policy, e.g. because it knows the answers: the ceiling of what a refiner can
// do. What it decides is no action of the policy's, so there is nothing of it to train.
type Reviewer interface {
	// Rule returns what becomes of the draft that ends at leaf.
	Rule(tree *rollout.Tree, leaf int) (rollout.Ruling, error)
}

// Method is Search-R2; it implements grpo.Method and grpo.Actor.
type Method struct {
	// Group is G, the final trajectories a question. The paper uses 5.
	Group int `json:"group"`
	// Sampling is the behaviour policy's distribution, of drafts, decisions and suffixes alike.
	Sampling rollout.Sampling `json:"sampling"`
	// Normalisation of the rewards within a group.
	Normalisation grpo.Normalisation `json:"normalisation"`
	// Rounds is N_max, the most revisions of a trajectory. The paper's default is 1.
	Rounds int `json:"rounds"`
	// Process scores the retrieved sets, u_i in R = EM·(1 + mean u_i). nil leaves plain EM.
	Process judge.Assessor `json:"-"`
	// Discarded says what of a revised trajectory is trained.
	Discarded Discarded `json:"discarded"`
	// Frozen gives decisions no advantage: the refiner is not trained jointly (an ablation of the paper's).
	Frozen bool `json:"frozen"`
	// Gain gives decisions the advantage R(final) − R(draft), what they changed, instead of that of the final trajectory.
	Gain bool `json:"gain"`
	// Terms scores each decision in training, to estimate the terms of the decomposition (see [Estimate]). It costs a pass
	// over all possible decisions, and over the drafts, too, with a policy that has not kept their keys and values. Scores are
	// those of temperature 1; where decisions are sampled at another, α is not known and there are no terms.
	Terms bool `json:"terms"`
	// Reviewer, if not nil, decides in place of the policy in training. Questions are then answered by the actor alone.
	Reviewer Reviewer `json:"-"`

	// Threshold is τ: when questions are answered, a draft is accepted if α ≥ τ. Our choice; the paper's is not known.
	Threshold float64 `json:"threshold"`
	// Suffix says how questions' suffixes are sampled.
	Suffix Suffix `json:"suffix"`
}

var (
	_ grpo.Method = Method{}
	_ grpo.Actor  = Method{}
)

// Paper returns Search-R2 with what is known of the paper's settings, and our choices for the rest.
func Paper(process judge.Assessor) Method {
	return Method{
		Group: 5, Sampling: rollout.Sampling{Temperature: 1}, Normalisation: grpo.Standardised, Rounds: 1, Process: process,
		Discarded: Prefix, Terms: true, Threshold: .5, Suffix: Same,
	}
}

// Name returns "search-r2", with what is switched off or exchanged.
func (m Method) Name() string {
	name := "search-r2"
	if m.Reviewer != nil {
		name += "-oracle"
	}
	if m.Frozen {
		name += "-frozen"
	}
	if m.Process == nil {
		name += "-outcome"
	}
	return name
}

// MarshalJSON writes the settings, and the assessor by its name.
func (m Method) MarshalJSON() ([]byte, error) {
	type settings Method
	process := ""
	if m.Process != nil {
		process = m.Process.Name()
	}
	return json.Marshal(struct {
		settings
		Process  string `json:"process,omitempty"`
		Reviewer bool   `json:"reviewer,omitempty"`
	}{settings(m), process, m.Reviewer != nil})
}

// Validate reports the first setting that is out of its range.
func (m Method) Validate() error {
	switch {
	case m.Group < 1:
		return fmt.Errorf("search-r2: group is %d, expected 1 or more (2 for any signal)", m.Group)
	case m.Rounds < 0:
		return fmt.Errorf("search-r2: %d rounds, expected 0 or more", m.Rounds)
	case m.Discarded != None && m.Discarded != Prefix && m.Discarded != All:
		return fmt.Errorf("search-r2: discarded %q, expected %s, %s or %s", m.Discarded, None, Prefix, All)
	case !(m.Threshold >= 0 && m.Threshold <= 1):
		return fmt.Errorf("search-r2: the threshold τ is %v, expected 0 to 1", m.Threshold)
	case m.Suffix != Same && m.Suffix != Greedy && m.Suffix != Sampled:
		return fmt.Errorf("search-r2: suffix %q, expected %s, %s or %s", m.Suffix, Same, Greedy, Sampled)
	}
	if err := cmp.Or(grpo.ValidateBehaviour(m.Sampling), m.Normalisation.Validate()); err != nil {
		return fmt.Errorf("search-r2: %w", err)
	}
	return nil
}

// Collect samples one tree for each question: G drafts, their reviews and decisions, and the suffixes of those that are
// revised. The tree's trajectories are the G final ones; what was cut off stays in the tree. All questions advance together.
//
// The drafts are those that Search-R1 samples from the same rng, so a refiner that always accepts is Search-R1. After them
// one number is drawn for each question, and what follows for the question depends on it alone.
func (m Method) Collect(ctx context.Context, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, grpo.Metrics, error) {
	if err := m.Validate(); err != nil {
		return nil, nil, err
	}
	if err := m.knows(env); err != nil {
		return nil, nil, err
	}
	trees, err := env.Rollout(ctx, questions, m.Group, m.Sampling, rng)
	if err != nil {
		return nil, nil, fmt.Errorf("search-r2: sampling drafts: %w", err)
	}
	streams := make([]*rand.Rand, len(trees))
	for q := range streams {
		streams[q] = rand.New(rand.NewPCG(rng.Uint64(), 0))
	}
	attempts := drafts(trees, streams)
	for r := 0; r < m.Rounds && slices.ContainsFunc(attempts, (*attempt).open); r++ {
		if err := m.round(ctx, env, attempts); err != nil {
			return nil, nil, fmt.Errorf("search-r2: %w", err)
		}
	}
	finish(trees, attempts)
	t := tally{}
	if err := m.reward(ctx, attempts, &t); err != nil {
		return nil, nil, fmt.Errorf("search-r2: %w", err)
	}
	for _, group := range groups(trees, attempts) {
		t.dead(m.assign(group))
	}
	t.count(attempts)
	return trees, t.metrics(len(trees)), nil
}

// knows reports whether the environment's protocol has a review, where the policy needs one.
func (m Method) knows(env *rollout.Env) error {
	if m.Reviewer == nil && m.Rounds > 0 && !env.Protocol.Reviews() {
		return errors.New("search-r2: the protocol has no review, so the policy cannot refine its drafts")
	}
	return nil
}
