package grpo

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/qa"
	"searchrl/rollout"
)

// bandit is the smallest learner: one softmax over three arms, the answer "tokens" 0, 1 and 2 after a prompt.
// Its gradient is exact, so the loop can be watched without a transformer.
type bandit struct {
	rollout.Policy
	logits [3]float64
	steps  int
}

func (b *bandit) probs() (p [3]float64) {
	sum := 0.0
	for i, l := range b.logits {
		p[i] = math.Exp(l)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

func (b *bandit) LogProbs(_ context.Context, batch Batch, _ float64) ([]float64, error) {
	out := make([]float64, len(batch.Targets))
	for j, t := range batch.Targets {
		out[j] = math.Log(b.probs()[batch.Trees[t.Tree].Segments[t.Segment].Tokens[t.Index]])
	}
	return out, nil
}

func (b *bandit) Step(ctx context.Context, batch Batch, s Surrogate, o AdamW) (Update, error) {
	logProbs, _ := b.LogProbs(ctx, batch, s.Temperature)
	update, slopes := s.Loss(batch.Targets, logProbs, nil)
	p := b.probs()
	for j, t := range batch.Targets {
		arm := batch.Trees[t.Tree].Segments[t.Segment].Tokens[t.Index]
		for i := range b.logits {
			indicator := 0.0
			if i == arm {
				indicator = 1
			}
			b.logits[i] -= o.LearningRate * slopes[j] * (indicator - p[i])
		}
	}
	b.steps++
	return update, nil
}

// pull is the method: each question gets one group of arms, and the arm that the question names pays 1.
type pull struct {
	policy *bandit
	group  int
	asked  *[]string
}

func (pull) Name() string { return "pull" }

func (m pull) Collect(_ context.Context, _ *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, Metrics, error) {
	var trees []*rollout.Tree
	for _, q := range questions {
		*m.asked = append(*m.asked, q.ID)
		tree := &rollout.Tree{Question: q}
		root := tree.Add(rollout.Segment{Parent: rollout.NoParent, Kind: rollout.Prompt, Tokens: []int{9}})
		p := m.policy.probs()
		rewards := make([]float64, m.group)
		for i := range m.group {
			arm, u := 0, rng.Float64()
			for u > p[arm] && arm < 2 {
				u -= p[arm]
				arm++
			}
			if fmt.Sprint(arm) == q.Answers[0] {
				rewards[i] = 1
			}
			leaf := tree.Add(rollout.Segment{Parent: root, Kind: rollout.Answer, Tokens: []int{arm}, LogProbs: []float64{math.Log(p[arm])}})
			tree.Trajectories = append(tree.Trajectories, rollout.Trajectory{Leaf: leaf, End: rollout.Answered, Turns: 1, Reward: rewards[i]})
		}
		for i, a := range GroupAdvantages(rewards, Standardised) {
			SetAdvantage(tree, tree.Trajectories[i].Leaf, a)
		}
		trees = append(trees, tree)
	}
	return trees, Metrics{"own": 1}, nil
}

func settings() Config {
	return Config{Questions: 4, Epochs: 2, MiniBatches: 2, Aggregation: TokenMean,
		Surrogate: Surrogate{ClipLow: .2, ClipHigh: .2, Temperature: 1}, Optimiser: AdamW{LearningRate: .5}, Seed: 3}
}

func questions(n int) []qa.Question {
	qs := make([]qa.Question, n)
	for i := range qs {
		qs[i] = qa.Question{ID: fmt.Sprint("q", i), Text: "which arm?", Answers: []string{"2"}}
	}
	return qs
}

// play trains a fresh bandit for n steps, the last ones by a trainer resumed at step from.
func play(t *testing.T, n, from int, reference Scorer, config Config) (*bandit, []string) {
	t.Helper()
	b, asked := &bandit{}, []string{}
	trainer, err := NewTrainer(b, reference, &rollout.Env{}, pull{b, 8, &asked}, questions(6), config, 0)
	require.NoError(t, err)
	for step := range n {
		if step == from {
			trainer, err = NewTrainer(b, reference, &rollout.Env{}, pull{b, 8, &asked}, questions(6), config, from)
			require.NoError(t, err)
		}
		rollouts, err := trainer.Collect(context.Background())
		require.NoError(t, err)
		require.Equal(t, step, rollouts.Step)
		require.Equal(t, 1., rollouts.Metrics["own"])
		require.Equal(t, 32., rollouts.Metrics[MetricSampledTokens])
		_, err = trainer.Update(context.Background(), rollouts)
		require.NoError(t, err)
	}
	return b, asked
}

func TestTrainingFindsThePayingArm(t *testing.T) {
	b, _ := play(t, 30, -1, nil, settings())
	require.Greater(t, b.probs()[2], .9, "1/3 before training")
}

func TestResumedTrainingIsTheSame(t *testing.T) {
	unbroken, asked := play(t, 10, -1, nil, settings())
	resumed, askedToo := play(t, 10, 4, nil, settings())
	require.Equal(t, unbroken.logits, resumed.logits)
	require.Equal(t, asked, askedToo)

	other := settings()
	other.Seed++
	different, _ := play(t, 10, -1, nil, other)
	require.NotEqual(t, unbroken.logits, different.logits)
}

// TestStreams: what a step draws for one purpose has nothing to do with what it draws for another, or another step does.
func TestStreams(t *testing.T) {
	trainer, first := &Trainer{}, map[uint64]bool{}
	for trainer.step = range 300 {
		for purpose := range uint64(halving + 1) {
			first[trainer.stream(purpose).Uint64()] = true
		}
	}
	require.Len(t, first, 300*(halving+1))
}

func TestQuestionsComeRoundEqually(t *testing.T) {
	_, asked := play(t, 6, -1, nil, settings()) // 24 draws from 6 questions: 4 rounds
	for round := range 4 {
		seen := map[string]bool{}
		for _, id := range asked[round*6 : (round+1)*6] {
			seen[id] = true
		}
		require.Len(t, seen, 6, "each round asks each question once")
	}
	require.NotEqual(t, asked[:6], asked[6:12], "in an order of its own")
}

func TestNothingMovesWithoutSignal(t *testing.T) {
	b := &bandit{}
	b.logits[2] = 40 // every member of every group pulls the paying arm
	asked := []string{}
	trainer, err := NewTrainer(b, nil, &rollout.Env{}, pull{b, 8, &asked}, questions(6), settings(), 0)
	require.NoError(t, err)
	rollouts, err := trainer.Collect(context.Background())
	require.NoError(t, err)
	updates, err := trainer.Update(context.Background(), rollouts)
	require.NoError(t, err)
	require.Empty(t, updates)
	require.Zero(t, b.steps)
}

func TestKLHoldsThePolicyBack(t *testing.T) {
	free, _ := play(t, 30, -1, nil, settings())
	held := settings()
	held.Surrogate.KL, held.Surrogate.KLCoef = K3, 1
	b, _ := play(t, 30, -1, &bandit{}, held)
	require.Less(t, b.probs()[2], free.probs()[2])

	_, err := NewTrainer(b, nil, nil, pull{}, questions(6), held, 0)
	require.ErrorContains(t, err, "reference policy")
}

// scorer is a reference policy whose answers say at which temperature it was asked, and for which target.
type scorer struct{}

func (scorer) LogProbs(_ context.Context, batch Batch, temperature float64) ([]float64, error) {
	out := make([]float64, len(batch.Targets))
	for j := range out {
		out[j] = -temperature - float64(j)
	}
	return out, nil
}

// watched keeps the batches that it learns from.
type watched struct {
	*bandit
	batches []Batch
}

func (w *watched) Step(ctx context.Context, batch Batch, s Surrogate, o AdamW) (Update, error) {
	w.batches = append(w.batches, batch)
	return w.bandit.Step(ctx, batch, s, o)
}

// TestReferenceTemperature: the KL term compares two policies at the one temperature that the tokens were sampled at, target
// by target.
func TestReferenceTemperature(t *testing.T) {
	config := settings()
	config.Surrogate.KL, config.Surrogate.KLCoef, config.Surrogate.Temperature = K3, .1, .5
	var asked []string
	learner := &watched{bandit: &bandit{}}
	trainer, err := NewTrainer(learner, scorer{}, &rollout.Env{}, pull{learner.bandit, 8, &asked}, questions(6), config, 0)
	require.NoError(t, err)
	rollouts, err := trainer.Collect(t.Context())
	require.NoError(t, err)
	_, err = trainer.Update(t.Context(), rollouts)
	require.NoError(t, err)
	require.NotEmpty(t, learner.batches)
	for _, batch := range learner.batches {
		require.NotEmpty(t, batch.Targets)
		for j, target := range batch.Targets {
			require.Equal(t, -.5-float64(j), target.RefLogProb)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"questions a step": func(c *Config) { c.Questions = 0 }, "epochs": func(c *Config) { c.Epochs = 0 },
		"mini_batches": func(c *Config) { c.MiniBatches = 5 }, "aggregation": func(c *Config) { c.Aggregation = "" },
		"learning_rate": func(c *Config) { c.Optimiser.LearningRate = math.NaN() }, "weight_decay": func(c *Config) { c.Optimiser.WeightDecay = -1 },
		"max_grad_norm": func(c *Config) { c.Optimiser.MaxGradNorm = math.Inf(1) }, "epsilon": func(c *Config) { c.Optimiser.Epsilon = math.Inf(1) },
		"beta1": func(c *Config) { c.Optimiser.Beta1 = 1 }, "beta2": func(c *Config) { c.Optimiser.Beta2 = -.1 },
		"temperature": func(c *Config) { c.Surrogate.Temperature = 0 },
	} {
		c := settings()
		spoil(&c)
		require.ErrorContains(t, c.Validate(), name)
	}
	_, err := NewTrainer(&bandit{}, nil, nil, pull{}, questions(3), settings(), 0)
	require.ErrorContains(t, err, "3 questions given")
}
