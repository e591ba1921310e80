package critic

import (
	"math"
	"math/rand/v2"

	"searchrl/gae"
	"searchrl/grpo"
	"searchrl/rollout"
	"searchrl/verify"
)

func uniform(rng *rand.Rand, low, high float64) float64 { return low + (high-low)*rng.Float64() }

// factor draws γ or λ: one of the limiting cases half of the time.
func factor(rng *rand.Rand) float64 {
	return [...]float64{0, 1, rng.Float64(), rng.Float64()}[rng.IntN(4)]
}

// doubleSum is A_j = Σ_l (γλ)^l δ_{j+l} term by term, with the sum of the terms' sizes.
func doubleSum(rewards, values []float64, gamma, lambda float64) (advantages, sizes []float64) {
	n := len(rewards)
	for j := range n {
		sum, size, weight := 0.0, 0.0, 1.0
		for l := j; l < n; l++ {
			after := 0.0
			if l+1 < n {
				after = values[l+1]
			}
			sum += weight * (rewards[l] + gamma*after - values[l])
			size += weight * (math.Abs(rewards[l]) + gamma*math.Abs(after) + math.Abs(values[l]))
			weight *= gamma * lambda
		}
		advantages, sizes = append(advantages, sum), append(sizes, size)
	}
	return advantages, sizes
}

var recursion = Check{
	ID: "critic/gae",
	Text: "Generalised advantages are the discounted sums of TD errors with no value after the last token; γ = λ = 1 gives the " +
		"rewards to come minus the value.",
	Source: "Schulman et al. (2016), Eq. 16 and 18",
	Layer:  verify.Kernel, Status: verify.Holds, Cases: 60000,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		n := rng.IntN(13)
		rewards, values := make([]float64, n), make([]float64, n)
		for j := range n {
			if rng.IntN(3) == 0 || j == n-1 {
				rewards[j] = uniform(rng, -2, 2)
			}
			values[j] = uniform(rng, -2, 2)
		}
		gamma, lambda := factor(rng), factor(rng)
		want, sizes := doubleSum(rewards, values, gamma, lambda)
		got := k.Advantages(rewards, values, gamma, lambda)
		t.require(len(got) == n, "%d advantages for %d tokens", len(got), n)
		for j := 0; j < n && t.fault == ""; j++ {
			t.near(got[j], want[j], sizes[j], "an advantage")
		}
		if gamma == 1 && lambda == 1 && t.fault == "" {
			toGo := 0.0
			for j := n - 1; j >= 0; j-- {
				toGo += rewards[j]
				t.near(got[j], toGo-values[j], sizes[j], "an advantage for γ = λ = 1")
			}
		}
		return nil
	},
}

// drawTree draws a prompt with one to four paths below it that share nothing but the prompt: sampled segments with blocks of
// the environment's between them, and behind them now and then. Queries have step rewards.
func drawTree(rng *rand.Rand) *rollout.Tree {
	tree := &rollout.Tree{}
	ids := func(n int) []int { return make([]int, n) }
	tree.Add(rollout.Segment{Parent: rollout.NoParent, Kind: rollout.Prompt, Tokens: ids(1 + rng.IntN(3))})
	for range 1 + rng.IntN(4) {
		leaf := 0
		for range 1 + rng.IntN(5) {
			kind := [...]rollout.Kind{rollout.Think, rollout.Query, rollout.Documents, rollout.Answer, rollout.Notice}[rng.IntN(5)]
			s := rollout.Segment{Parent: leaf, Kind: kind, Tokens: ids(1 + rng.IntN(4))}
			if kind != rollout.Documents && kind != rollout.Notice {
				s.LogProbs = make([]float64, len(s.Tokens))
			}
			if kind == rollout.Query {
				for range rng.IntN(3) {
					s.Rewards = append(s.Rewards, rollout.Reward{Value: uniform(rng, -1, 1)})
				}
			}
			leaf = tree.Add(s)
		}
		tree.Trajectories = append(tree.Trajectories, rollout.Trajectory{Leaf: leaf, Reward: uniform(rng, -1, 1)})
	}
	return tree
}

// place is a token of a forest.
type place struct{ tree, segment, index int }

// drawn is a forest with a critic and an estimator for it.
type drawn struct {
	trees     []*rollout.Tree
	values    map[place]float64
	estimator gae.Estimator
}

func draw(rng *rand.Rand) drawn {
	d := drawn{values: map[place]float64{}, estimator: gae.Estimator{Gamma: factor(rng), Lambda: factor(rng), Whiten: rng.IntN(2) == 0}}
	for i := range 1 + rng.IntN(3) {
		d.trees = append(d.trees, drawTree(rng))
		for s := range d.trees[i].Segments {
			for j := range d.trees[i].Segments[s].Tokens {
				d.values[place{i, s, j}] = uniform(rng, -1, 1)
			}
		}
	}
	return d
}

func (d drawn) critic() table {
	return func(tree, segment, index int) float64 { return d.values[place{tree, segment, index}] }
}

// walk lists the tokens of a trajectory that were sampled, with their rewards, one token after the other.
func (d drawn) walk(tree int, trajectory rollout.Trajectory) (tokens []place, rewards, values []float64) {
	segments := d.trees[tree].Segments
	for _, s := range d.trees[tree].Path(trajectory.Leaf) {
		for j := range segments[s].Tokens {
			if segments[s].LogProbs == nil {
				continue
			}
			reward := 0.0
			if j == len(segments[s].Tokens)-1 {
				for _, part := range segments[s].Rewards {
					reward += part.Value
				}
			}
			at := place{tree, s, j}
			tokens, rewards, values = append(tokens, at), append(rewards, reward), append(values, d.values[at])
		}
	}
	if n := len(rewards); n > 0 {
		rewards[n-1] += trajectory.Reward
	}
	return tokens, rewards, values
}

// twin returns what each token's advantage and return should be.
func (d drawn) twin() (advantages, returns map[place]float64) {
	advantages, returns = map[place]float64{}, map[place]float64{}
	sum, squares := 0.0, 0.0
	for i, tree := range d.trees {
		for _, trajectory := range tree.Trajectories {
			tokens, rewards, values := d.walk(i, trajectory)
			as, _ := doubleSum(rewards, values, d.estimator.Gamma, d.estimator.Lambda)
			for j, at := range tokens {
				advantages[at], returns[at] = as[j], as[j]+values[j]
				sum += as[j]
			}
		}
	}
	if n := float64(len(advantages)); d.estimator.Whiten {
		for _, a := range advantages {
			squares += (a - sum/n) * (a - sum/n)
		}
		for at, a := range advantages {
			advantages[at] = (a - sum/n) / math.Sqrt(squares/(n-1)+1e-8)
			if n < 2 {
				advantages[at] = 0
			}
		}
	}
	return advantages, returns
}

var assignment = Check{
	ID: "critic/own-tokens",
	Text: "On a tree, generalised advantages run over the tokens that the policy sampled and over no others: what the environment " +
		"inserted has neither a place in the sum nor an advantage, a step's reward counts at its last token and a trajectory's at the " +
		"last one that was sampled, and whitening is over sampled tokens.",
	Source: "our reconstruction; the ways in which it goes wrong elsewhere are planted",
	Layer:  verify.Kernel, Status: verify.Holds, Cases: 6000,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		d := draw(rng)
		advantages, returns := d.twin()
		if err := k.Assign(d.estimator, d.critic(), d.trees); err != nil {
			return err
		}
		for i, tree := range d.trees {
			if err := tree.Validate(); err != nil {
				t.require(false, "%v", err)
				return nil
			}
			for s, segment := range tree.Segments {
				for j := range segment.Tokens {
					at := place{i, s, j}
					want, trained := advantages[at]
					t.require(trained == (segment.Advantages != nil), "a token of %s has an advantage: %v, expected %v", segment.Kind, !trained, trained)
					if t.fault != "" || !trained {
						continue
					}
					// A whitened advantage is as exact as its difference from the mean, times what it is divided by.
					t.within(segment.Advantages[j], want, 1, 1e-9, "an advantage on the tree")
					t.near(segment.Returns[j], returns[at], 8, "a return")
					t.near(segment.Values[j], d.values[at], 0, "a value")
				}
			}
		}
		return nil
	},
}

var valueLoss = Check{
	ID: "critic/value-loss",
	Text: "The value loss is half the square of what the value lacks, or of what it lacks within the clip range about the old value if " +
		"that is more; its derivative is that of the larger one.",
	Source: "Schulman et al. (2017), released code",
	Layer:  verify.Kernel, Status: verify.Holds, Cases: 6000,
	test: func(k Kernels, rng *rand.Rand, t *tally) error {
		n := 1 + rng.IntN(5)
		targets, values := make([]grpo.Target, n), make([]float64, n)
		loss := grpo.ValueLoss{Clip: [...]float64{0, .2, .5}[rng.IntN(3)]}
		want, clipped := 0.0, 0.0
		for j := range targets {
			targets[j] = grpo.Target{OldValue: uniform(rng, -1, 1), Return: uniform(rng, -1, 1), Weight: rng.Float64()}
			values[j] = targets[j].OldValue + uniform(rng, -1, 1)
			free := math.Pow(values[j]-targets[j].Return, 2)
			moved := values[j] - targets[j].OldValue
			if loss.Clip > 0 && math.Abs(moved) > loss.Clip {
				held := math.Pow(targets[j].OldValue+math.Copysign(loss.Clip, moved)-targets[j].Return, 2)
				if math.Abs(held-free) < 1e-3 || math.Abs(math.Abs(moved)-loss.Clip) < 1e-3 {
					return nil // a kink
				}
				if held > free {
					free, clipped = held, clipped+targets[j].Weight
				}
			} else if loss.Clip > 0 && math.Abs(math.Abs(moved)-loss.Clip) < 1e-3 {
				return nil
			}
			want += targets[j].Weight * free / 2
		}
		u, slopes := k.ValueLoss(loss, targets, values)
		t.near(u.Loss, want, want, "the value loss")
		t.near(u.ClipFraction, clipped, 1, "the clipped share")
		for j := range values {
			const h = 1e-5
			at := func(x float64) float64 {
				moved := append([]float64(nil), values...)
				moved[j] = x
				u, _ := k.ValueLoss(loss, targets, moved)
				return u.Loss
			}
			t.within(slopes[j], (at(values[j]+h)-at(values[j]-h))/(2*h), 1, 1e-7, "a derivative")
		}
		return nil
	},
}
