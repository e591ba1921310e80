package slate

import (
	"context"
	"fmt"

	"searchrl/verify"
)

// Cases of each claim in go test, and in the deep mode.
const (
	Short = 250
	Long  = 10_000
)

// check is one claim about what was collected. wrong says what contradicts it; applies is false if the case says nothing.
type check struct {
	id, text, source string
	wrong            func(s *sample) (applies bool, contradiction string)
}

func always(wrong func(s *sample) string) func(*sample) (bool, string) {
	return func(s *sample) (bool, string) { return true, wrong(s) }
}

// checks are the claims of this package.
var (
	candidates = check{"slate/candidates", "At each decision point exactly k candidates are sampled from one prefix, and all of them reach the loss, selected or not: each with the " +
		"advantage of its own reward among the k (against 0, if that is the baseline), on every token of its own and on none of the prefix. One of which nothing could be judged is left out.",
		"SLATE, Eq. 5 and 7", always((*sample).wrongAdvantages)}
	stepRewards = check{"slate/step-rewards", "A search step's reward is thought + query, an answer step's thought + answer + λ(B−t)/B with t from 1; a score that could not be given " +
		"counts as the mean of the group's known ones of its kind.", "SLATE, Eq. 3 and 4; masking is ours", always((*sample).wrongRewards)}
	retrievals = check{"slate/retrievals", "The searches made are those of the selected candidates, once each: T retrievals a question, and not kT.",
		"SLATE, released code", always((*sample).wrongSearches)}
	requests = check{"slate/requests", "Each decision point is one request for k samples of its prefix, so that the prefix is computed once.",
		"SLATE; ours in how it is asked for", always((*sample).wrongRequests)}
	nextPrefix = check{"slate/next-prefix", "The path goes on from one candidate of each decision point: the best one, or the first, where the rule says so (the law of the others is " +
		"kernel/selection-law).", "SLATE, released code", (*sample).wrongPrefix}
)

func checks() []check { return []check{candidates, stepRewards, retrievals, requests, nextPrefix} }

// run draws cases until one contradicts the claim or there were enough.
func (c check) run(ctx context.Context, collect collector, effort verify.Effort, cases int) (verify.Evidence, error) {
	rng := effort.Rand(0)
	e := verify.Evidence{Status: verify.Holds, Worst: "equal"}
	points := 0
	for n := 0; n < cases; n++ {
		if err := ctx.Err(); err != nil {
			return e, fmt.Errorf("%s: %w", c.id, err)
		}
		if effort.Progress != nil {
			effort.Progress(float64(n) / float64(cases))
		}
		s, err := draw(ctx, collect, rng)
		if err != nil {
			return e, fmt.Errorf("%s: case %d: %w", c.id, n, err)
		}
		applies, contradiction := c.wrong(s)
		if !applies {
			continue
		}
		e.Checks++
		points += len(all(s.trees))
		if contradiction != "" {
			e.Status, e.Worst = verify.Broken, fmt.Sprintf("case %d: %s", n, contradiction)
			return e, nil
		}
	}
	e.Worst = fmt.Sprintf("as claimed at %d decision points", points)
	return e, nil
}

// Claims are what is claimed of SLATE as it trains.
func Claims() []verify.Claim {
	var claims []verify.Claim
	for _, c := range checks() {
		claims = append(claims, verify.Claim{ID: c.id, Text: c.text, Source: c.source, Layer: verify.Kernel,
			Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) {
				cases := Short
				if effort.Long {
					cases = Long
				}
				return c.run(ctx, real, effort, cases)
			}})
	}
	return claims
}
