package gain

import (
	"context"

	"searchrl/verify"
)

var checks = []check{meanCheck, gainCheck, normaliseCheck, modulateCheck, allDraws, pathCheck, drawCheck, rankingCheck}

// Claims returns all claims of this package about the functions that train.
func Claims() []verify.Claim { return ClaimsOf(Real()) }

// ClaimsOf returns all claims of this package about the given functions.
func ClaimsOf(k Kernels) []verify.Claim {
	var claims []verify.Claim
	for _, c := range checks {
		claims = append(claims, verify.Claim{ID: c.id, Text: c.text, Source: c.source, Layer: c.layer, FalseAlarm: c.falseAlarm,
			Check: func(ctx context.Context, effort verify.Effort) (verify.Evidence, error) { return c.run(ctx, k, effort) }})
	}
	return append(claims, limits(k)...)
}
