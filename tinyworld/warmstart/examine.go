package warmstart

import (
	"context"

	"searchrl/checkpoint"
	"searchrl/model"
	"searchrl/plain"
	"searchrl/rollout"
	"searchrl/tinyworld"
)

// examine returns the pupil's greedy EM on 100 questions of a world that no demonstration is from.
func (o *Options) examine(ctx context.Context, school *School, cfg checkpoint.Config, pupil *model.Model) (float64, error) {
	weights, err := pupil.Weights()
	if err != nil {
		return 0, err
	}
	policy, err := plain.New(cfg, weights, school.tokenizer)
	if err != nil {
		return 0, err
	}
	world, err := tinyworld.New(o.Level, tinyworld.Seed(tinyworld.WarmStart, o.Worlds))
	if err != nil {
		return 0, err
	}
	report, err := tinyworld.Examine(ctx, world, policy, 100, 1, rollout.Sampling{})
	if err != nil {
		return 0, err
	}
	return report.EM, nil
}
