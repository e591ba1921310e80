package bound

import (
	"context"
	"fmt"

	"searchrl/estimator"
	"searchrl/grpo"
	"searchrl/verify"
	"searchrl/verify/exact"
)

// Processes that a claim about all processes is checked on.
const (
	Short = 2_000   // in go test
	Long  = 100_000 // in the deep mode
)

// Estimators are the functions that the claims are about.
type Estimators struct {
	Full, RewardToGo func(rewards [][]float64, norm grpo.Normalisation) [][]float64
	Truncated        func(rewards []float64, norm grpo.Normalisation) []float64
	Selection        func(advantages []float64, eta float64) ([]float64, error)
}

// Real returns the estimators that train.
func Real() Estimators {
	return Estimators{estimator.Full, estimator.RewardToGo, estimator.Truncated, estimator.Selection}
}

// Claims returns all claims of this package about the estimators that train.
func Claims() []verify.Claim { return ClaimsOf(Real()) }

// ClaimsOf returns all claims of this package about the given estimators.
func ClaimsOf(e Estimators) []verify.Claim {
	claims := []verify.Claim{
		groupFactor(e), ratioAtLeastT(), totalVariance(), martingale(), tight(), independentSteps(), rewardToGo(), correlated(e),
		judgeNoise(), policyGradient(e), uniformSelection(), selection(e),
		negativeCovariance(), singleStep(), standardised(e), immediateTarget(), selectedPrefixes(),
	}
	for i := range claims {
		claims[i].Layer = verify.Exact
		if claims[i].ID == "bound/selection" {
			claims[i].Layer = verify.Kernel
		}
	}
	return claims
}

const (
	ours       = "our reconstruction (docs/theory.md)"
	definition = "definition"
)

// law is a statement about every process of some kind.
type law struct {
	draw func(from exact.Draws) *exact.Process
	// check says what contradicts the statement on p; "" if nothing does. It depends on p alone. applies is false if the
	// statement says nothing about p.
	check func(p *exact.Process) (applies bool, contradiction string)
}

// try checks the law on as many processes as the effort asks for. A process that contradicts it is shrunk.
func (l law) try(ctx context.Context, id string, effort verify.Effort) (verify.Evidence, error) {
	want := Short
	if effort.Long {
		want = Long
	}
	evidence := verify.Evidence{Status: verify.Holds}
	draws := exact.Random(effort.Rand(0))
	for tries := 0; evidence.Checks < want; tries++ {
		if tries%100 == 0 {
			if err := ctx.Err(); err != nil {
				return evidence, err
			}
			report(effort, float64(evidence.Checks)/float64(want))
		}
		if tries > 100*want {
			return evidence, fmt.Errorf("%s: applies to %d of %d processes drawn, expected more", id, evidence.Checks, tries)
		}
		p := l.draw(draws)
		applies, contradiction := l.check(p)
		if !applies {
			continue
		}
		evidence.Checks++
		if contradiction != "" {
			p = exact.Shrink(p, func(p *exact.Process) bool {
				_, contradiction := l.check(p)
				return contradiction != ""
			})
			_, evidence.Worst = l.check(p)
			evidence.Status = verify.Broken
			evidence.Figures = []verify.Figure{{Title: "A process that contradicts " + id, Text: p.String()}}
			return evidence, nil
		}
	}
	return evidence, nil
}

func report(effort verify.Effort, share float64) {
	if effort.Progress != nil {
		effort.Progress(share)
	}
}

// patience bounds the search for a failure. The rarest one is shown by one drawn process in 334 (mean of 60 seeds), so that a
// search misses it with a probability of about exp(−40,000/334) < 1e-51.
const patience = 20 * Short

// lost is what we count that with: the mean is an estimate.
const lost = 1e-12

// smallest looks for a process that has the property, and shrinks it. tried counts the processes that were looked at.
func smallest(ctx context.Context, effort verify.Effort, draw func(exact.Draws) *exact.Process,
	has func(*exact.Process) bool) (p *exact.Process, tried int, err error) {
	draws := exact.Random(effort.Rand(0))
	for tried = 1; tried <= patience; tried++ {
		if err := ctx.Err(); err != nil {
			return nil, tried, err
		}
		if p = draw(draws); has(p) {
			return exact.Shrink(p, has), tried, nil
		}
	}
	return nil, patience, nil
}

// limit is the evidence of a claim that names a failure: p shows it, or nothing does and the claim is wrong.
func limit(p *exact.Process, tried int, title string, worst func(p *exact.Process) string) verify.Evidence {
	if p == nil {
		return verify.Evidence{Status: verify.Broken, Checks: tried, Worst: "no process shows it"}
	}
	return verify.Evidence{Status: verify.Limit, Checks: tried, Worst: worst(p), Figures: []verify.Figure{{Title: title, Text: p.String()}}}
}

// any process: of trajectories of one length or several, half and half.
func anyProcess(from exact.Draws) *exact.Process {
	return exact.Draw(from, exact.Shape{Steps: 5, Actions: 4, Documents: 3, Nodes: 24, SameLength: from.Int("same length", 0, 1) == 1})
}

// tiny processes have few enough trajectories to list all groups of them.
func tiny(from exact.Draws) *exact.Process {
	return exact.Draw(from, exact.Shape{Steps: 3, Actions: 2, Documents: 2, Nodes: 3, SameLength: from.Int("same length", 0, 1) == 1})
}
