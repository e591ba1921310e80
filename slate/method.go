package slate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"

	"searchrl/grpo"
	"searchrl/judge"
	"searchrl/qa"
	"searchrl/rollout"
)

// Sampling says what a group consists of.
type Sampling string

const (
	// Truncated groups are k candidates for one step from a shared prefix: SLATE.
	Truncated Sampling = "truncated"
	// Full groups are k whole trajectories of a question, their steps rewarded as SLATE's are: the ablation of the
	// truncated sampling.
	Full Sampling = "full"
	// Completed groups are those of Truncated, but a candidate's reward is the mean exact match of Completions
	// trajectories that go on from it: VinePPO's Monte Carlo value.
	Completed Sampling = "completed"
)

// Rewards says what a step is rewarded for.
type Rewards string

const (
	// Dense rewards are the judge's, for every step: SLATE.
	Dense Rewards = "dense"
	// Outcome rewards a right answer with 1, a wrong one with −1 (0 if shifted), and a search with 0; no judge is asked.
	Outcome Rewards = "outcome"
)

// Next says which candidate becomes the next prefix.
type Next string

const (
	Softmax Next = "softmax" // drawn from softmax(A/η): SLATE
	Best    Next = "best"    // the highest advantage, the first of several
	Uniform Next = "uniform" // drawn uniformly: prefixes keep the policy's own distribution
	First   Next = "first"   // the first one: as Uniform, without a draw
)

// Credit says which rewards of a whole trajectory a step's advantage comes from.
type Credit string

const (
	ToGo   Credit = "to-go"  // those of the step and of later ones
	Return Credit = "return" // all
)

// Baseline says what a candidate's reward is compared with in the loss.
type Baseline string

const (
	// GroupMean is the mean over the candidates of the same prefix: SLATE, estimator.Truncated.
	GroupMean Baseline = "group"
	// Zero compares with 0, the middle of the judge's scale: estimator.Absolute. The best of k bad candidates is then not
	// reinforced.
	Zero Baseline = "zero"
)

// Method is SLATE; it implements grpo.Method.
type Method struct {
	// Candidates is k, the candidates a decision point; of Full, the trajectories a question. The paper uses 5.
	Candidates int `json:"candidates"`
	// Behaviour is the behaviour policy's distribution; the paper samples at temperature 1.
	Behaviour rollout.Sampling `json:"behaviour"`
	// Normalisation of the rewards within a group; the paper standardises.
	Normalisation grpo.Normalisation `json:"normalisation"`
	// Baseline of the advantages in the loss; the paper's is the group's mean. The next prefix is chosen by Eq. 5 with
	// either. Full has the group's mean only.
	Baseline Baseline `json:"baseline"`
	// Next chooses the next prefix, Eta is η of Softmax; the paper's is 0.7.
	Next Next    `json:"next"`
	Eta  float64 `json:"eta"`
	// Early is λ, the bonus for answering early; the paper's is 0.1. Only dense rewards have it.
	Early float64 `json:"early"`
	// Judge scores the steps. Only dense rewards need one.
	Judge judge.Judge `json:"-"`

	// Sampling and Reward are Truncated and Dense in SLATE; the others are ablations.
	Sampling Sampling `json:"sampling"`
	Reward   Rewards  `json:"reward"`
	// Shifted maps each score s to (s+1)/2 ∈ [0, 1], and invalid steps to 0. Truncated advantages of candidates that
	// all have two components do not change direction by it, sums over whole trajectories do: a step more then never
	// lowers a return.
	Shifted bool `json:"shifted"`
	// Credit is how Full spreads a trajectory's rewards over its steps.
	Credit Credit `json:"credit"`
	// Completions is the number of trajectories that Completed takes from each candidate.
	Completions int `json:"completions"`
}

// Paper returns SLATE with the paper's hyperparameters, at temperature 1.
func Paper(j judge.Judge) Method {
	return Method{
		Candidates: 5, Behaviour: rollout.Sampling{Temperature: 1}, Normalisation: grpo.Standardised,
		Baseline: GroupMean, Next: Softmax, Eta: 0.7, Early: 0.1, Judge: j,
		Sampling: Truncated, Reward: Dense, Credit: ToGo, Completions: 1,
	}
}

// Name returns "slate", with what differs from the paper's method.
func (m Method) Name() string {
	name := "slate"
	if m.Sampling != Truncated {
		name += "-" + string(m.Sampling)
	}
	if m.Reward != Dense && m.Sampling != Completed {
		name += "-" + string(m.Reward)
	}
	if m.Baseline == Zero {
		name += "-" + string(m.Baseline)
	}
	return name
}

// MarshalJSON writes the settings, and the judge by its name.
func (m Method) MarshalJSON() ([]byte, error) {
	type settings Method
	name := ""
	if m.Judge != nil {
		name = m.Judge.Name()
	}
	return json.Marshal(struct {
		settings
		Judge string `json:"judge,omitempty"`
	}{settings(m), name})
}

// Judges reports whether the method asks a judge.
func (m Method) Judges() bool { return m.Reward == Dense && m.Sampling != Completed }

// Close closes the judge, if it holds anything; see grpo.Release.
func (m Method) Close() error { return judge.Close(m.Judge) }

// Validate reports the first setting that is out of its range.
func (m Method) Validate() error {
	switch {
	case m.Candidates < 1:
		return fmt.Errorf("slate: candidates is %d, expected 1 or more (2 for any signal)", m.Candidates)
	case m.Sampling != Truncated && m.Sampling != Full && m.Sampling != Completed:
		return fmt.Errorf("slate: sampling %q, expected %s, %s or %s", m.Sampling, Truncated, Full, Completed)
	case m.Reward != Dense && m.Reward != Outcome:
		return fmt.Errorf("slate: reward %q, expected %s or %s", m.Reward, Dense, Outcome)
	case m.Next != Softmax && m.Next != Best && m.Next != Uniform && m.Next != First:
		return fmt.Errorf("slate: next prefix %q, expected %s, %s, %s or %s", m.Next, Softmax, Best, Uniform, First)
	case m.Next == Softmax && (!(m.Eta > 0) || math.IsInf(m.Eta, 0)):
		return fmt.Errorf("slate: η is %v, expected a positive number", m.Eta)
	case !(m.Early >= 0) || math.IsInf(m.Early, 0):
		return fmt.Errorf("slate: λ is %v, expected 0 or more", m.Early)
	case m.Judges() && m.Judge == nil:
		return fmt.Errorf("slate: %s rewards need a judge, there is none", m.Reward)
	case m.Baseline != GroupMean && m.Baseline != Zero:
		return fmt.Errorf("slate: baseline %q, expected %s or %s", m.Baseline, GroupMean, Zero)
	case m.Sampling == Full && m.Baseline != GroupMean:
		return fmt.Errorf("slate: baseline %s with %s trajectories, expected %s", m.Baseline, Full, GroupMean)
	case m.Sampling == Full && m.Credit != ToGo && m.Credit != Return:
		return fmt.Errorf("slate: credit %q, expected %s or %s", m.Credit, ToGo, Return)
	case m.Sampling == Completed && m.Completions < 1:
		return fmt.Errorf("slate: completions is %d, expected 1 or more", m.Completions)
	}
	if err := cmp.Or(grpo.ValidateBehaviour(m.Behaviour), m.Normalisation.Validate()); err != nil {
		return fmt.Errorf("slate: %w", err)
	}
	return nil
}

// Collect samples one tree for each question, its groups' candidates with their rewards and advantages. All questions
// advance together, so that the policy, the judge and the searcher work on full batches. One number is drawn from rng for
// each question, and what is sampled for the question depends on it alone, as far as judge and searcher are deterministic.
func (m Method) Collect(ctx context.Context, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, grpo.Metrics, error) {
	if err := m.Validate(); err != nil {
		return nil, nil, err
	}
	collect := m.truncated
	if m.Sampling == Full {
		collect = m.full
	}
	var t tally
	trees, err := collect(ctx, env, questions, rng, &t)
	if err != nil {
		return nil, nil, fmt.Errorf("slate: %w", err)
	}
	return trees, t.metrics(), nil
}
