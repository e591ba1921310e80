package grpo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"searchrl/qa"
	"searchrl/rollout"
)

// Config holds the settings of training that all methods share.
type Config struct {
	// Questions is the number of questions a training step.
	Questions int `json:"questions"`
	// Epochs is the number of passes over a step's trees (PPO's inner epochs), MiniBatches the number of optimiser
	// steps a pass: the trees are split into that many parts in random order.
	Epochs      int         `json:"epochs"`
	MiniBatches int         `json:"mini_batches"`
	Aggregation Aggregation `json:"aggregation"`
	Surrogate   Surrogate   `json:"surrogate"`
	Optimiser   AdamW       `json:"optimiser"`
	// Critic is how the critic learns; methods without one ignore it.
	Critic CriticConfig `json:"critic"`
	// Seed determines everything random: the order of questions, the samples, the split into mini-batches.
	Seed uint64 `json:"seed"`
}

// Validate reports the first setting that is out of its range.
func (c Config) Validate() error {
	switch {
	case c.Questions < 1:
		return fmt.Errorf("questions a step is %d, expected 1 or more", c.Questions)
	case c.Epochs < 1:
		return fmt.Errorf("epochs is %d, expected 1 or more", c.Epochs)
	case c.MiniBatches < 1 || c.MiniBatches > c.Questions:
		return fmt.Errorf("mini_batches is %d, expected 1 to the %d questions a step", c.MiniBatches, c.Questions)
	case c.Aggregation != TokenMean && c.Aggregation != SequenceMean && c.Aggregation != StepMean:
		return fmt.Errorf("aggregation is %q, expected %s, %s or %s", c.Aggregation, TokenMean, SequenceMean, StepMean)
	}
	if err := c.Optimiser.Validate(); err != nil {
		return err
	}
	if err := c.Critic.Validate(); err != nil {
		return err
	}
	return c.Surrogate.Validate()
}

// Scorer gives the log-probabilities of targets under a fixed policy, for the KL term.
type Scorer interface {
	LogProbs(ctx context.Context, batch Batch, temperature float64) ([]float64, error)
}

// Trainer runs training steps one by one; the caller decides when to stop, to evaluate and to save. It holds no clock and
// does no I/O. Step s draws from its own random stream (Seed, s), so a run that is resumed at step s with the weights and
// the optimiser's state of that point goes on as if it had not been interrupted. Not safe for concurrent use.
type Trainer struct {
	learner   Learner
	reference Scorer
	critic    Critic // nil unless the method is a CriticMethod
	env       *rollout.Env
	method    Method
	questions []qa.Question
	config    Config
	step      int
}

// NewTrainer prepares training from step start (0 for a new run). env.Policy is what trajectories are sampled from,
// usually the learner itself. reference may be nil where KLCoef is 0. A [CriticMethod] gets the learner's critic.
func NewTrainer(learner Learner, reference Scorer, env *rollout.Env, method Method, questions []qa.Question, config Config, start int) (*Trainer, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("training settings: %w", err)
	}
	if config.Surrogate.KLCoef != 0 && reference == nil {
		return nil, errors.New("training settings: kl_coef is not 0, so a reference policy is needed")
	}
	if len(questions) < config.Questions {
		return nil, fmt.Errorf("training settings: %d questions given, at least the %d of one step are needed", len(questions), config.Questions)
	}
	t := &Trainer{learner: learner, reference: reference, env: env, method: method, questions: questions, config: config, step: start}
	if m, ok := method.(CriticMethod); ok {
		if t.critic, ok = learner.(Critic); !ok {
			return nil, fmt.Errorf("method %s needs a learner with a critic, %T has none", method.Name(), learner)
		}
		t.method = m.WithCritic(t.critic)
	}
	return t, nil
}

// Rollouts is what one step sampled.
type Rollouts struct {
	Step    int // counted from 0
	Trees   []*rollout.Tree
	Metrics Metrics
}

// Collect samples the trees of the next step, with their advantages.
func (t *Trainer) Collect(ctx context.Context) (*Rollouts, error) {
	rng := t.stream(collecting)
	trees, metrics, err := t.method.Collect(ctx, t.env, t.pick(), rng)
	if err != nil {
		return nil, fmt.Errorf("step %d: sampling trajectories with %s: %w", t.step+1, t.method.Name(), err)
	}
	for i, tree := range trees {
		if err := tree.Validate(); err != nil {
			return nil, fmt.Errorf("step %d: tree %d of %s: %w", t.step+1, i, t.method.Name(), err)
		}
	}
	all := treeMetrics(trees)
	for name, value := range metrics {
		all[name] = value
	}
	return &Rollouts{Step: t.step, Trees: trees, Metrics: all}, nil
}

// Probe samples trees of questions as Collect does, with their advantages, outside of the training steps.
func (t *Trainer) Probe(ctx context.Context, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
	trees, _, err := t.method.Collect(ctx, t.env, questions, rng)
	return trees, err
}

// Update trains on what Collect returned and moves on to the next step. It returns one Update per optimiser step of the
// policy; a mini-batch in which nothing can move (all advantages 0) takes none. A critic learns from the same mini-batches,
// each before the policy does, and what it reports is added to the rollouts' metrics.
func (t *Trainer) Update(ctx context.Context, rollouts *Rollouts) ([]Update, error) {
	rng := t.stream(updating)
	var updates []Update
	var fits []ValueUpdate
	for epoch := range t.config.Epochs {
		for _, part := range split(rng.Perm(len(rollouts.Trees)), t.config.MiniBatches) {
			if t.critic != nil {
				fit, err := t.fit(ctx, rollouts.Trees, part)
				if err != nil {
					return updates, fmt.Errorf("step %d, epoch %d: training the critic: %w", t.step+1, epoch+1, err)
				}
				fits = append(fits, fit)
			}
			batch, err := t.batch(ctx, rollouts.Trees, part)
			if err != nil {
				return updates, fmt.Errorf("step %d, epoch %d: %w", t.step+1, epoch+1, err)
			}
			if len(batch.Targets) == 0 {
				continue
			}
			update, err := t.learner.Step(ctx, batch, t.config.Surrogate, t.config.Optimiser)
			if err != nil {
				return updates, fmt.Errorf("step %d, epoch %d: %w", t.step+1, epoch+1, err)
			}
			updates = append(updates, update)
		}
	}
	if t.critic != nil {
		valueMetrics(rollouts.Metrics, fits)
	}
	t.step++
	return updates, nil
}

// batch makes one optimiser step's data of the trees named by part; trees without a moving token are left out.
func (t *Trainer) batch(ctx context.Context, trees []*rollout.Tree, part []int) (Batch, error) {
	picked := make([]*rollout.Tree, len(part))
	for i, p := range part {
		picked[i] = trees[p]
	}
	targets, err := Targets(picked, t.config.Aggregation)
	if err != nil {
		return Batch{}, err
	}
	batch := compact(Batch{Trees: picked, Targets: moving(targets, t.config.Surrogate)})
	if t.config.Surrogate.KLCoef == 0 || len(batch.Targets) == 0 {
		return batch, nil
	}
	reference, err := t.reference.LogProbs(ctx, batch, t.config.Surrogate.Temperature)
	if err != nil {
		return Batch{}, fmt.Errorf("scoring under the reference policy: %w", err)
	}
	for j := range batch.Targets {
		batch.Targets[j].RefLogProb = reference[j]
	}
	return batch, nil
}

// compact leaves out the trees that have no target.
func compact(b Batch) Batch {
	index := make([]int, len(b.Trees))
	for i := range index {
		index[i] = -1
	}
	out := Batch{Targets: b.Targets}
	for j, target := range b.Targets {
		if index[target.Tree] < 0 {
			index[target.Tree] = len(out.Trees)
			out.Trees = append(out.Trees, b.Trees[target.Tree])
		}
		out.Targets[j].Tree = index[target.Tree]
	}
	return out
}

// split cuts a permutation into n parts whose sizes differ by at most one; parts may be empty.
func split(perm []int, n int) [][]int {
	parts := make([][]int, 0, n)
	for i := range n {
		parts = append(parts, perm[i*len(perm)/n:(i+1)*len(perm)/n])
	}
	return parts
}

// Purposes of random streams within a step.
const (
	collecting = iota
	updating
	ordering
	halving
)

func (t *Trainer) stream(purpose uint64) *rand.Rand {
	return rand.New(rand.NewPCG(t.config.Seed, uint64(t.step)<<8|purpose))
}

// pick returns the next step's questions: the questions in a random order, anew each time all have been used.
func (t *Trainer) pick() []qa.Question {
	n := len(t.questions)
	picked := make([]qa.Question, 0, t.config.Questions)
	var order []int
	for i := t.step * t.config.Questions; len(picked) < t.config.Questions; i++ {
		if order == nil || i%n == 0 {
			order = rand.New(rand.NewPCG(t.config.Seed, uint64(i/n)<<8|ordering)).Perm(n)
		}
		picked = append(picked, t.questions[order[i%n]])
	}
	return picked
}
