package grpo

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/qa"
	"searchrl/rollout"
)

func TestValueLossByHand(t *testing.T) {
	for _, c := range []struct {
		name              string
		clip              float64
		value, old, ret   float64
		loss, slope, clpd float64
	}{
		{"half the square", 0, 3, 1, 1, 2, 2, 0},
		{"within the range nothing is clipped", .5, .3, 0, 1, .245, -.7, 0},
		{"moved too far towards the return: no gradient", .5, .8, 0, 1, .125, 0, 1},
		{"moved too far away from it: the free term is the larger one", .5, -.8, 0, 1, 1.62, -1.8, 0},
		{"shot past it, still nearer than the range allows: no gradient", .5, 1.2, 0, 1, .125, 0, 1},
		{"shot past it by more: the free term again", .5, 1.8, 0, 1, .32, .8, 0},
		{"right", .5, 1, 1, 1, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, slopes := ValueLoss{Clip: c.clip}.Loss([]Target{{OldValue: c.old, Return: c.ret, Weight: 1}}, []float64{c.value})
			require.InDelta(t, c.loss, u.Loss, 1e-12)
			require.InDelta(t, c.slope, slopes[0], 1e-12)
			require.Equal(t, c.clpd, u.ClipFraction)
		})
	}
}

// TestValueLossSlope holds the derivative against central differences, away from the kinks.
func TestValueLossSlope(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := func(name string) float64 { return float64(rapid.IntRange(-40, 40).Draw(t, name)) / 10 }
		loss := ValueLoss{Clip: float64(rapid.IntRange(0, 3).Draw(t, "clip")) / 4}
		targets, values := []Target{{OldValue: number("old"), Return: number("return"), Weight: .3}}, []float64{number("value") + .037}
		u, slopes := loss.Loss(targets, values)
		const h = 1e-5
		up, _ := loss.Loss(targets, []float64{values[0] + h})
		down, _ := loss.Loss(targets, []float64{values[0] - h})
		require.GreaterOrEqual(t, u.Loss, 0.)
		require.InDelta(t, (up.Loss-down.Loss)/(2*h), slopes[0], 1e-6)
	})
}

// tabular is a critic of one value for every token; fitting moves it half-way to the mean return.
type tabular struct {
	*bandit
	v     float64
	fits  int
	seen  []Target
	fails error
}

func (c *tabular) Values(_ context.Context, batch Batch) ([]float64, error) {
	values := make([]float64, len(batch.Targets))
	for j := range values {
		values[j] = c.v
	}
	return values, nil
}

func (c *tabular) Fit(_ context.Context, batch Batch, loss ValueLoss, o AdamW) (ValueUpdate, error) {
	if c.fails != nil {
		return ValueUpdate{}, c.fails
	}
	values, _ := c.Values(context.Background(), batch)
	u, slopes := loss.Loss(batch.Targets, values)
	for _, s := range slopes {
		c.v -= o.LearningRate * s
	}
	c.fits++
	c.seen = append(c.seen, batch.Targets...)
	u.GradNorm, u.ComputedTokens = 2, 10
	return u, nil
}

// reinforce is pull with a critic for its baseline: A = R − V.
type reinforce struct {
	pull
	critic  Critic
	forgets bool
}

func (m reinforce) WithCritic(c Critic) Method { m.critic = c; return m }

func (m reinforce) Collect(ctx context.Context, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, Metrics, error) {
	trees, _, err := m.pull.Collect(ctx, env, questions, rng)
	if err != nil || m.forgets {
		return trees, Metrics{}, err
	}
	for _, tree := range trees {
		tokens := SampledTokens([]*rollout.Tree{tree})
		values, err := m.critic.Values(ctx, Batch{Trees: []*rollout.Tree{tree}, Targets: tokens})
		if err != nil {
			return nil, nil, err
		}
		for j, trajectory := range tree.Trajectories {
			s := &tree.Segments[trajectory.Leaf]
			s.Values, s.Returns = values[j:j+1], []float64{trajectory.Reward}
			s.Advantages = []float64{trajectory.Reward - values[j]}
		}
	}
	return trees, nil, nil
}

func (c *tabular) method(asked *[]string) reinforce { return reinforce{pull: pull{c.bandit, 8, asked}} }

func criticSettings() Config {
	c := settings()
	c.Critic = CriticConfig{Loss: ValueLoss{Clip: .5}, Optimiser: AdamW{LearningRate: .5}}
	return c
}

// TestTrainerFitsTheCritic: the learner's critic is handed to the method, learns from every mini-batch of every epoch, and what
// it reports is among the step's metrics.
func TestTrainerFitsTheCritic(t *testing.T) {
	learner, asked := &tabular{bandit: &bandit{}}, []string{}
	trainer, err := NewTrainer(learner, nil, &rollout.Env{}, learner.method(&asked), questions(6), criticSettings(), 0)
	require.NoError(t, err)
	for range 25 {
		rollouts, err := trainer.Collect(t.Context())
		require.NoError(t, err)
		learner.fits, learner.seen = 0, nil
		_, err = trainer.Update(t.Context(), rollouts)
		require.NoError(t, err)
		require.Equal(t, 4, learner.fits, "2 epochs of 2 mini-batches")
		require.Len(t, learner.seen, 2*32, "every sampled token, advantage 0 or not, once an epoch")
		require.Positive(t, rollouts.Metrics[MetricValueLoss])
		require.InDelta(t, 2, rollouts.Metrics[MetricCriticGradNorm], 1e-12)
		require.InDelta(t, 40, rollouts.Metrics[MetricScoredTokens], 1e-12)
	}
	require.Greater(t, learner.probs()[2], .8, "1/3 before training")
	require.InDelta(t, learner.probs()[2], learner.v, .15, "the value is what the policy earns")
}

// TestValueTargets: a critic is fitted to the returns, about the values that it gave before.
func TestValueTargets(t *testing.T) {
	tree := twoPaths()
	tree.Segments[1].Values, tree.Segments[1].Returns = []float64{.1, .2}, []float64{.7, .8}
	require.Equal(t, []Target{
		{Segment: 1, Index: 0, OldLogProb: -1, OldValue: .1, Return: .7, Weight: .5},
		{Segment: 1, Index: 1, OldLogProb: -2, OldValue: .2, Return: .8, Weight: .5},
	}, ValueTargets([]*rollout.Tree{tree}))
}

// TestFrozenCritic: with learning rate 0 the critic stays what it was.
func TestFrozenCritic(t *testing.T) {
	learner, asked := &tabular{bandit: &bandit{}, v: .25}, []string{}
	config := criticSettings()
	config.Critic.Optimiser.LearningRate = 0
	trainer, err := NewTrainer(learner, nil, &rollout.Env{}, learner.method(&asked), questions(6), config, 0)
	require.NoError(t, err)
	rollouts, err := trainer.Collect(t.Context())
	require.NoError(t, err)
	_, err = trainer.Update(t.Context(), rollouts)
	require.NoError(t, err)
	require.Equal(t, .25, learner.v)
}

func TestCriticErrors(t *testing.T) {
	b := &bandit{}
	asked := []string{}
	_, err := NewTrainer(b, nil, &rollout.Env{}, reinforce{pull: pull{b, 8, &asked}}, questions(6), criticSettings(), 0)
	require.ErrorContains(t, err, "needs a learner with a critic")

	learner := &tabular{bandit: b, fails: errors.New("out of memory")}
	train := func(m Method) error {
		trainer, err := NewTrainer(learner, nil, &rollout.Env{}, m, questions(6), criticSettings(), 0)
		require.NoError(t, err)
		rollouts, err := trainer.Collect(t.Context())
		require.NoError(t, err)
		_, err = trainer.Update(t.Context(), rollouts)
		return err
	}
	require.ErrorContains(t, train(learner.method(&asked)), "step 1, epoch 1: training the critic: out of memory")
	forgetful := learner.method(&asked)
	forgetful.forgets = true
	require.ErrorContains(t, train(forgetful), "method pull set no returns")
	for name, spoil := range map[string]func(*CriticConfig){
		"critic's learning_rate": func(c *CriticConfig) { c.Optimiser.LearningRate = math.NaN() },
		"clip is -0.1":           func(c *CriticConfig) { c.Loss.Clip = -.1 },
		"clip is +Inf":           func(c *CriticConfig) { c.Loss.Clip = math.Inf(1) },
	} {
		config := criticSettings()
		spoil(&config.Critic)
		require.ErrorContains(t, config.Validate(), name)
	}
}
