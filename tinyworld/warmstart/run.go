package warmstart

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"searchrl/accel"
	"searchrl/checkpoint"
	"searchrl/grpo"
	"searchrl/model"
	"searchrl/plain"
	"searchrl/tinyworld"
)

// Phase is one part of the warm start: imitation of demonstrations of one mixture.
type Phase struct {
	Name    string
	Steps   int
	Batch   int     // demonstrations a step
	Peak    float64 // learning rate after the warm-up; it falls to a tenth of it along a cosine
	WarmUp  int     // steps in which the learning rate rises from 0
	Mixture Mixture
}

// Options say how a base policy is made.
type Options struct {
	Level  tinyworld.Level
	Seed   uint64
	Worlds int // worlds that the demonstrations are drawn from
	Skill  Phase
	Habits Phase
	Review Review
	// Shape is the shape of the policy; its zero value means that of [Config].
	Shape checkpoint.Config
	// Workers is [model.Options.Workers].
	Workers int
	// Evaluate is the number of steps between two evaluations; 0 means none.
	Evaluate int
}

// DefaultOptions returns how the embedded base policy of a level was made.
func DefaultOptions(level tinyworld.Level) Options {
	o := Options{
		Level:  level,
		Seed:   1,
		Worlds: 200,
		Skill:  Phase{Name: "skill", Steps: 2000, Batch: 32, Peak: 3e-3, WarmUp: 100, Mixture: Skill(level, .85)},
		Habits: Phase{Name: "habits", Steps: 250, Batch: 64, Peak: 1e-3, WarmUp: 25, Mixture: Habits(level, Medium)},
		Review: Review{
			Phase: Phase{Name: "review", Steps: 300, Batch: 32, Peak: 1.5e-3, WarmUp: 25, Mixture: Skill(level, .7)},
			Noise: .2,
		},
		Evaluate: 100,
	}
	if level == tinyworld.Hard {
		o.Skill.Steps, o.Skill.Peak, o.Evaluate = 2400, 2.5e-3, 200
		o.Habits.Mixture = Habits(level, MediumHard)
		o.Review.Batch = 24
	}
	return o
}

// Progress reports one step.
type Progress struct {
	Phase string
	Step  int // steps done of this phase
	Steps int
	Loss  float64 // nats a token
	// EM is the greedy exact match on unseen questions; NaN where the step was not evaluated.
	EM float64
}

// Result is what a warm start makes.
type Result struct {
	Config  checkpoint.Config
	Skilled checkpoint.Weights // after the skill phase
	Habits  checkpoint.Weights // after the habit phase
	Base    checkpoint.Weights // after the review phase: the base policy
}

// Config returns the shape of the level's base policy: a Qwen2 decoder of 64 dimensions and two layers, on the hard level
// three, since it must find a fact among several and compare ages.
func Config(level tinyworld.Level) (checkpoint.Config, error) {
	tok, err := tinyworld.Tokenizer(level)
	if err != nil {
		return checkpoint.Config{}, err
	}
	eos, _ := tok.EOS()
	layers := 2
	if level == tinyworld.Hard {
		layers = 3
	}
	return checkpoint.Config{
		VocabSize: tok.VocabSize(), HiddenSize: 64, IntermediateSize: 168, Layers: layers, Heads: 4, KVHeads: 4, HeadDim: 16,
		RMSNormEps: 1e-6, RopeTheta: 1000, TieEmbeddings: true, MaxPositions: 512, EOS: []int{eos},
	}, nil
}

// Run makes a base policy on the backend: the skill phase teaches the format and how to copy from documents, the short
// habit phase replaces good behaviour by a mixture, and the review phase adds the refiner's decisions. skilled, if not nil,
// is used in place of a skill phase. progress, if not nil, is called after each step.
func Run(ctx context.Context, backend *accel.Backend, o Options, skilled checkpoint.Weights, progress func(Progress)) (*Result, error) {
	school, err := NewSchool(o.Level, o.Worlds)
	if err != nil {
		return nil, err
	}
	cfg, err := Config(o.Level)
	if err != nil {
		return nil, err
	}
	if o.Shape.Layers != 0 {
		cfg = o.Shape
	}
	r := &Result{Config: cfg, Skilled: skilled}
	if r.Skilled == nil {
		first := initialise(cfg, rand.New(rand.NewPCG(o.Seed, 0)))
		if r.Skilled, err = o.teach(ctx, backend, school, cfg, first, o.Skill, school.imitation(o.Skill), progress); err != nil {
			return nil, err
		}
	}
	if r.Habits, err = o.teach(ctx, backend, school, cfg, r.Skilled, o.Habits, school.imitation(o.Habits), progress); err != nil {
		return nil, err
	}
	r.Base, err = o.review(ctx, backend, school, cfg, r.Habits, progress)
	return r, err
}

// AddReview takes the review phase alone, from a policy of the level's tokenizer (see [Adopt] for those of another).
func AddReview(ctx context.Context, backend *accel.Backend, o Options, cfg checkpoint.Config, from checkpoint.Weights, progress func(Progress)) (checkpoint.Weights, error) {
	school, err := NewSchool(o.Level, o.Worlds)
	if err != nil {
		return nil, err
	}
	return o.review(ctx, backend, school, cfg, from, progress)
}

// review runs the review phase; the drafts are those of the policy as it was before.
func (o *Options) review(ctx context.Context, backend *accel.Backend, school *School, cfg checkpoint.Config, from checkpoint.Weights, progress func(Progress)) (checkpoint.Weights, error) {
	before, err := plain.New(cfg, from, school.tokenizer)
	if err != nil {
		return nil, err
	}
	lessons := func(ctx context.Context, rng *rand.Rand) (grpo.Batch, error) {
		return school.reviews(ctx, before, rng, o.Review.Batch, o.Review)
	}
	return o.teach(ctx, backend, school, cfg, from, o.Review.Phase, lessons, progress)
}

// maker makes one lesson; all randomness comes from rng.
type maker func(ctx context.Context, rng *rand.Rand) (grpo.Batch, error)

// imitation makes the lessons of a phase that imitates demonstrations.
func (s *School) imitation(phase Phase) maker {
	return func(ctx context.Context, rng *rand.Rand) (grpo.Batch, error) {
		trees, err := s.Demonstrations(ctx, rng, phase.Batch, phase.Mixture)
		return Lesson(trees), err
	}
}

// initialise draws weights that a narrow model learns fast from: matrices with standard deviation 1/√inputs, those that
// write into the residual stream divided by √(2·layers), embeddings with 0.1. The 0.02 of [checkpoint.Init] suits widths of
// some thousand.
func initialise(cfg checkpoint.Config, rng *rand.Rand) checkpoint.Weights {
	w := checkpoint.Init(cfg, rng)
	const drawn = 0.02
	for name, t := range w {
		if len(t.Shape) != 2 {
			continue
		}
		std := 1 / math.Sqrt(float64(t.Shape[1]))
		switch {
		case name == "model.embed_tokens.weight":
			std = 0.1
		case strings.HasSuffix(name, "o_proj.weight"), strings.HasSuffix(name, "down_proj.weight"):
			std /= math.Sqrt(float64(2 * cfg.Layers))
		}
		for i := range t.Data {
			t.Data[i] *= float32(std / drawn)
		}
	}
	return w
}

// teach runs a phase and returns the weights after it.
func (o *Options) teach(ctx context.Context, backend *accel.Backend, school *School, cfg checkpoint.Config, from checkpoint.Weights, phase Phase, made maker, progress func(Progress)) (checkpoint.Weights, error) {
	pupil, err := model.New(backend, cfg, from, school.tokenizer, model.Options{Workers: o.Workers})
	if err != nil {
		return nil, err
	}
	defer pupil.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lessons := o.prepare(ctx, phase, made)
	for step := range phase.Steps {
		lesson, ok := <-lessons
		if !ok {
			return nil, ctx.Err()
		}
		if lesson.err != nil {
			return nil, fmt.Errorf("%s phase, step %d: %w", phase.Name, step+1, lesson.err)
		}
		update, err := pupil.Imitate(ctx, lesson.batch, grpo.AdamW{
			LearningRate: phase.rate(step), Beta1: .9, Beta2: .99, Epsilon: 1e-8, WeightDecay: .01, MaxGradNorm: 1,
		})
		if err != nil {
			return nil, fmt.Errorf("%s phase, step %d: %w", phase.Name, step+1, err)
		}
		report := Progress{Phase: phase.Name, Step: step + 1, Steps: phase.Steps, Loss: update.Loss, EM: math.NaN()}
		if o.Evaluate > 0 && (report.Step%o.Evaluate == 0 || report.Step == phase.Steps) {
			if report.EM, err = o.examine(ctx, school, cfg, pupil); err != nil {
				return nil, fmt.Errorf("%s phase, step %d: %w", phase.Name, step+1, err)
			}
		}
		if progress != nil {
			progress(report)
		}
	}
	return pupil.Weights()
}

type lesson struct {
	batch grpo.Batch
	err   error
}

// prepare makes the phase's lessons ahead of their use. Each depends on its number alone. The channel closes after the
// last one, an error, or the end of ctx.
func (o *Options) prepare(ctx context.Context, phase Phase, lessons maker) <-chan lesson {
	out := make(chan lesson, 4)
	go func() {
		defer close(out)
		for step := range phase.Steps {
			rng := rand.New(rand.NewPCG(o.Seed, stream(phase.Name, step)))
			batch, err := lessons(ctx, rng)
			select {
			case out <- lesson{batch, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return out
}

// stream numbers the random streams of a phase; 0 is that of the first weights.
func stream(phase string, step int) uint64 { return tinyworld.Seed(tinyworld.Split(phase), step) | 1 }

// rate is the learning rate: a linear warm-up, then a cosine down to a tenth of the peak.
func (p Phase) rate(step int) float64 {
	if step < p.WarmUp {
		return p.Peak * float64(step+1) / float64(p.WarmUp)
	}
	done := float64(step-p.WarmUp) / float64(max(p.Steps-p.WarmUp, 1))
	return p.Peak * (.1 + .9*(1+math.Cos(math.Pi*done))/2)
}
