package model

import (
	"context"
	"errors"

	"searchrl/rollout"
)

// Generate implements rollout.Policy.
func (m *Model) Generate(ctx context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	return nil, errors.New("not yet")
}
