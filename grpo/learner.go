package grpo

import (
	"context"
	"fmt"
	"math"

	"searchrl/rollout"
)

// Batch is one optimiser step's data: a forest of trees and the tokens of it that are trained.
type Batch struct {
	Trees   []*rollout.Tree
	Targets []Target
}

// Target is one trained token: token Index of segment Segment of tree Tree. It must have a predecessor on its path.
type Target struct {
	Tree, Segment, Index int
	// Advantage is A_j.
	Advantage float64
	// OldLogProb is log π_old of the token, RefLogProb log π_ref (ignored where KLCoef is 0).
	OldLogProb, RefLogProb float64
	// OldValue is V_old of the token and Return what the critic should have said (see [ValueLoss]); the policy's loss
	// ignores both.
	OldValue, Return float64
	// Weight is the token's share of the loss; the weights of a batch usually add up to 1.
	Weight float64
}

// KL names an estimator of KL(π_θ‖π_ref) from one token sampled under π_old, with r = π_ref/π_θ.
type KL string

// The estimators of Schulman, "Approximating KL divergence" (2020).
const (
	K1 KL = "k1" // −log r: unbiased, high variance
	K2 KL = "k2" // (log r)²/2: biased, low variance
	K3 KL = "k3" // r − 1 − log r: unbiased, non-negative
)

// Surrogate is the loss that is minimised, a sum over the batch's targets:
//
//	L = Σ_j w_j · ( − min(ρ_j A_j, clip(ρ_j, 1−ClipLow, 1+ClipHigh) A_j) + KLCoef · kl_j − EntropyCoef · H_j )
//
// with ρ_j = π_θ(j)/π_old(j), kl_j by the estimator KL, and H_j the entropy of π_θ at token j.
type Surrogate struct {
	ClipLow     float64 `json:"clip_low"`
	ClipHigh    float64 `json:"clip_high"`
	KL          KL      `json:"kl"`
	KLCoef      float64 `json:"kl_coef"`
	EntropyCoef float64 `json:"entropy_coef"`
	// Temperature is the one the tokens were sampled at: π_θ is the model's distribution at this temperature.
	Temperature float64 `json:"temperature"`
}

// AdamW holds the optimiser's settings (Loshchilov and Hutter, 2019): decoupled weight decay, bias correction.
type AdamW struct {
	LearningRate float64 `json:"learning_rate"`
	Beta1        float64 `json:"beta1"`
	Beta2        float64 `json:"beta2"`
	Epsilon      float64 `json:"epsilon"`
	WeightDecay  float64 `json:"weight_decay"`
	// MaxGradNorm scales the gradient down to this global Euclidean norm; 0 leaves it as it is.
	MaxGradNorm float64 `json:"max_grad_norm"`
}

// Validate reports the first setting that is out of its range: the betas in [0, 1), all others finite numbers from 0.
func (o AdamW) Validate() error {
	const finite = math.MaxFloat32 // what weights are kept in
	for _, x := range []struct {
		name         string
		value, below float64
	}{
		{"learning_rate", o.LearningRate, finite}, {"beta1", o.Beta1, 1}, {"beta2", o.Beta2, 1}, {"epsilon", o.Epsilon, finite},
		{"weight_decay", o.WeightDecay, finite}, {"max_grad_norm", o.MaxGradNorm, finite},
	} {
		switch {
		case x.value >= 0 && x.value < x.below:
		case x.below == 1:
			return fmt.Errorf("%s is %v, expected 0 or more and less than 1", x.name, x.value)
		default:
			return fmt.Errorf("%s is %v, expected a finite number from 0", x.name, x.value)
		}
	}
	return nil
}

// Update reports one optimiser step.
type Update struct {
	Loss         float64 `json:"loss"`          // L
	PolicyLoss   float64 `json:"policy_loss"`   // its first term
	KL           float64 `json:"kl"`            // Σ w_j kl_j
	Entropy      float64 `json:"entropy"`       // Σ w_j H_j
	GradNorm     float64 `json:"grad_norm"`     // before clipping
	ClipFraction float64 `json:"clip_fraction"` // Σ w_j of the tokens whose clipped term was the smaller one
	MaxRatio     float64 `json:"max_ratio"`     // the largest ρ_j
	MinRatio     float64 `json:"min_ratio"`     // the smallest ρ_j
	// ComputedTokens counts the tokens that went through the transformer, padding not counted.
	ComputedTokens int `json:"computed_tokens"`
}

// Learner is a policy that can be trained. Package model implements it.
type Learner interface {
	rollout.Policy
	// LogProbs returns log π_θ of each target at the given temperature, in the batch's order, by one pass over the
	// packed forest.
	LogProbs(ctx context.Context, batch Batch, temperature float64) ([]float64, error)
	// Step takes one optimiser step on the surrogate over the whole batch.
	Step(ctx context.Context, batch Batch, surrogate Surrogate, optimiser AdamW) (Update, error)
}
