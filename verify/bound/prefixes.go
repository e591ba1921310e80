package bound

import (
	"context"
	"fmt"
	"math"
	"math/big"

	"searchrl/grpo"
	"searchrl/verify"
	"searchrl/verify/exact"
)

// base is e^{1/η} of the selection that claims are checked with: η = 1/ln 4 = 0.72, next to SLATE's 0.7 and exact.
const base = 4

// whole processes have whole rewards, as exact.Selected needs them.
func whole(from exact.Draws) *exact.Process {
	return exact.Draw(from, exact.Shape{Steps: 3, Actions: 3, Documents: 2, Nodes: 6, SameLength: true, Whole: true})
}

func uniformSelection() verify.Claim {
	const id = "bound/uniform-selection"
	return verify.Claim{ID: id, Source: definition,
		Text: "If the next prefix is drawn uniformly from the k candidates (η = ∞), prefixes have the policy's own distribution, whatever k is.",
		Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
			return exactly(law{whole, func(p *exact.Process) (bool, string) { return true, keepsLaw(p, 1) }}.try(ctx, id, effort))
		}}
}

// keepsLaw checks that selecting in proportion to base^r leaves each action its probability.
func keepsLaw(p *exact.Process, base int64) (contradiction string) {
	for _, point := range p.Points() {
		for k := 1; k <= 3; k++ {
			for i, q := range exact.Selected(point.Node, k, base) {
				if q.Cmp(point.Node.Actions[i].P) != 0 {
					return fmt.Sprintf("k = %d, action %d: %s, expected %s", k, i, q.RatString(), point.Node.Actions[i].P.RatString())
				}
			}
		}
	}
	return ""
}

func selection(e Estimators) verify.Claim {
	const id = "bound/selection"
	return verify.Claim{ID: id, Source: "SLATE, released code: index ~ softmax(A/η)",
		Text: "Selecting by softmax(A/η) of mean-centred advantages makes action a the next prefix with E[Σ_{j: a_j = a} e^{r_j/η} / Σ_i e^{r_i/η}] over groups of k: " +
			"the function that selects agrees with the enumeration to 1e-12, for η = 1/ln 4.",
		Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
			worst := 0.
			evidence, err := law{whole, func(p *exact.Process) (bool, string) {
				for _, point := range p.Points() {
					off, wrong := e.selects(point.Node, 3)
					if worst = math.Max(worst, off); wrong != "" {
						return true, wrong
					}
				}
				return true, ""
			}}.try(ctx, id, effort)
			if evidence.Status == verify.Holds {
				evidence.Worst = fmt.Sprintf("%.1e absolute", worst)
			}
			return evidence, err
		}}
}

func (e Estimators) selects(n *exact.Node, k int) (worst float64, wrong string) {
	p, own := law1(n)
	got, rewards := make([]float64, len(p)), make([]float64, k)
	whole := exact.Groups(p, k, func(mass *big.Int, group []int) {
		for j, i := range group {
			rewards[j] = float(own[i])
		}
		share, err := e.Selection(e.Truncated(rewards, grpo.MeanOnly), 1/math.Log(base))
		if err != nil || len(share) != k {
			wrong = fmt.Sprintf("rewards %v: %v, error %v", rewards, share, err)
			return
		}
		for j, i := range group {
			got[i] += number(mass) * share[j]
		}
	})
	for i, want := range exact.Selected(n, k, base) {
		off := math.Abs(got[i]/number(whole) - float(want))
		if worst = math.Max(worst, off); !(off <= 1e-12) && wrong == "" {
			wrong = fmt.Sprintf("action %d is selected with %v, expected %v", i, got[i]/number(whole), float(want))
		}
	}
	return worst, wrong
}

func selectedPrefixes() verify.Claim {
	const id = "bound/selected-prefixes"
	return verify.Claim{ID: id, Source: ours, Limit: true, FalseAlarm: lost,
		Text: "Prefixes drawn by softmax(A/η) are not distributed as the policy's, so what is averaged over them is biased, and the bound can fail although the rewards " +
			"are not negatively correlated: selection leads to where rewards vary more.",
		Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
			p, tried, err := smallest(ctx, effort, whole, func(p *exact.Process) bool {
				a := p.Analyse()
				return allWhole(p) && p.SameLength() && a.Covariance.Sign() >= 0 && below(a.Return, selectedWithin(p)) != ""
			})
			return limit(p, tried, "Selection (k = 2, η = 0.72) leads to where the next reward varies", func(p *exact.Process) string {
				a := p.Analyse()
				return fmt.Sprintf("ratio %.3g·T with selected prefixes, %.3g·T with the policy's; a prefix is reached with a probability %.3g off",
					float(new(big.Rat).Quo(a.Return, selectedWithin(p))), float(new(big.Rat).Quo(a.Return, exact.Sum(a.Within))), float(shift(p)))
			}), err
		}}
}

// selectedWithin is Σ_t E[Var(r_t | τ_<t)] with prefixes by selection from two candidates and candidates from the policy.
func selectedWithin(p *exact.Process) *big.Rat {
	total := new(big.Rat)
	own := p.Points()
	for i, point := range p.UnderSelection(2, base).Points() {
		total.Add(total, new(big.Rat).Mul(point.Reach, own[i].Var))
	}
	return total
}

// shift is the most that selection changes the probability of a prefix.
func shift(p *exact.Process) *big.Rat {
	most, own := new(big.Rat), p.Points()
	for i, point := range p.UnderSelection(2, base).Points() {
		off := new(big.Rat).Sub(point.Reach, own[i].Reach)
		if off.Abs(off).Cmp(most) > 0 {
			most = off
		}
	}
	return most
}

func allWhole(p *exact.Process) bool {
	for _, point := range p.Points() {
		for _, a := range point.Node.Actions {
			if !a.Reward.IsInt() {
				return false
			}
		}
	}
	return true
}
