package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"searchrl/baseline/oneshot"
	"searchrl/baseline/searchr1"
	"searchrl/grpo"
	"searchrl/rollout"
	"searchrl/slate"
)

// methodFlags are the knobs of the methods; each has this one place, whatever methods use it.
type methodFlags struct {
	Group         int     `default:"5" help:"Trajectories a question (G)."`
	Normalisation string  `default:"standardised" enum:"standardised,mean-only" help:"Group advantages: standardised (GRPO) or mean-only (Dr. GRPO)."`
	Temperature   float64 `default:"1" help:"Sampling temperature while training."`

	ppoFlags
	slateFlags
	refinerFlags
	judgeFlags
	gigpoFlags
	mrsearchFlags
	igpoFlags
	gainFlags
}

// slateFlags are SLATE's.
type slateFlags struct {
	Candidates  int     `default:"5" help:"SLATE: candidates a decision point (k)."`
	Eta         float64 `default:"0.7" help:"SLATE: temperature of the choice of the next prefix, softmax(A/eta)."`
	Lambda      float64 `default:"0.1" help:"SLATE: bonus for answering early, lambda (B-t)/B."`
	Next        string  `name:"slate-next" default:"softmax" enum:"softmax,best,uniform,first" help:"SLATE: the candidate that becomes the next prefix: softmax, best, uniform or first."`
	Sampling    string  `name:"slate-sampling" default:"truncated" enum:"truncated,full,completed" help:"SLATE: candidates for one step (truncated), whole trajectories with the same rewards (full), or candidates valued by completing them (completed)."`
	Reward      string  `name:"slate-reward" default:"dense" enum:"dense,outcome" help:"SLATE: rewards of the judge for every step (dense), or of the answer alone (outcome)."`
	Baseline    string  `name:"slate-baseline" default:"group" enum:"group,zero" help:"SLATE: what a candidate's reward is compared with in the loss: the group's mean, or 0, so that the best of bad candidates is not reinforced."`
	Credit      string  `name:"slate-credit" default:"to-go" enum:"to-go,return" help:"SLATE with full trajectories: a step's advantage comes from the rewards to go or from the whole return."`
	Shifted     bool    `name:"slate-shifted" help:"SLATE: scores in [0, 1] instead of [-1, 1]."`
	Completions int     `name:"slate-completions" default:"1" help:"SLATE with completed candidates: trajectories from each."`
}

// slate makes SLATE, with one half of it switched off if sampling or reward say so; "" leaves that to the flags.
func (f methodFlags) slate(task taskFlags, sampling slate.Sampling, reward slate.Rewards) (grpo.Method, error) {
	m := slate.Method{
		Candidates: f.Candidates, Behaviour: f.sampling(), Normalisation: grpo.Normalisation(f.Normalisation), Baseline: slate.Baseline(f.slateFlags.Baseline),
		Next: slate.Next(f.Next), Eta: f.Eta, Early: f.Lambda, Shifted: f.Shifted, Credit: slate.Credit(f.Credit), Completions: f.Completions,
		Sampling: cmp.Or(sampling, slate.Sampling(f.slateFlags.Sampling)), Reward: cmp.Or(reward, slate.Rewards(f.Reward)),
	}
	if m.Judges() {
		var err error
		if m.Judge, err = f.judge(task); err != nil {
			return nil, err
		}
	}
	return checked(m)
}

func (f methodFlags) sampling() rollout.Sampling { return rollout.Sampling{Temperature: f.Temperature} }

// method is one entry of the list of methods: its name, and how it is made from the flags; the task says what a judge
// must know.
type method struct {
	name string
	make func(f methodFlags, task taskFlags) (grpo.Method, error)
}

// methods lists what --method can name. A new method is one line here, and its knobs in methodFlags.
func methods() []method {
	return []method{
		{"search-r1", func(f methodFlags, _ taskFlags) (grpo.Method, error) {
			return checked(searchr1.Method{Group: f.Group, Sampling: f.sampling(), Normalisation: grpo.Normalisation(f.Normalisation)})
		}},
		{"ig-search", func(f methodFlags, _ taskFlags) (grpo.Method, error) { return f.igsearch() }},
		{"search-r1-ppo", methodFlags.ppo},
		{"stepsearch", methodFlags.stepsearch},
		{"slate", func(f methodFlags, task taskFlags) (grpo.Method, error) { return f.slate(task, "", "") }},
		// What to compare it with: its two halves, each without the other, and candidates valued by completing them.
		{"slate-full", func(f methodFlags, task taskFlags) (grpo.Method, error) {
			return f.slate(task, slate.Full, slate.Dense)
		}},
		{"slate-outcome", func(f methodFlags, task taskFlags) (grpo.Method, error) {
			return f.slate(task, slate.Truncated, slate.Outcome)
		}},
		{"slate-completed", func(f methodFlags, task taskFlags) (grpo.Method, error) {
			return f.slate(task, slate.Completed, slate.Dense)
		}},
		{"gigpo", func(f methodFlags, _ taskFlags) (grpo.Method, error) { return f.gigpo() }},
		{"mr-search", func(f methodFlags, _ taskFlags) (grpo.Method, error) { return f.mrsearch() }},
		{"igpo", func(f methodFlags, _ taskFlags) (grpo.Method, error) { return f.igpo() }},
		{"direct", func(methodFlags, taskFlags) (grpo.Method, error) { return oneshot.Direct{}, nil }},
		{"rag", func(methodFlags, taskFlags) (grpo.Method, error) { return oneshot.RAG{}, nil }},
		{"search-r2", func(f methodFlags, task taskFlags) (grpo.Method, error) { return f.refine(task, refineFull) }},
		{"search-r2-frozen", func(f methodFlags, task taskFlags) (grpo.Method, error) { return f.refine(task, refineFrozen) }},
		{"search-r2-outcome", func(f methodFlags, task taskFlags) (grpo.Method, error) { return f.refine(task, refineOutcome) }},
		{"search-r2-frozen-outcome", func(f methodFlags, task taskFlags) (grpo.Method, error) {
			return f.refine(task, refineFrozen|refineOutcome)
		}},
		{"search-r2-oracle", func(f methodFlags, task taskFlags) (grpo.Method, error) { return f.refine(task, refineOracle) }},
	}
}

// checked returns the method if its settings are in range.
func checked[M interface {
	grpo.Method
	Validate() error
}](m M) (grpo.Method, error) {
	return m, m.Validate()
}

// newMethod makes the method called name.
func newMethod(name string, f methodFlags, task taskFlags) (grpo.Method, error) {
	i := slices.IndexFunc(methods(), func(m method) bool { return m.name == name })
	if i < 0 {
		return nil, unusable(fmt.Errorf("unknown method %q, expected one of: %s", name, strings.Join(methodNames(), ", ")))
	}
	m, err := methods()[i].make(f, task)
	return m, unusable(err)
}

// fits reports whether the aggregation can weigh what the method samples: the sequence mean knows trajectories alone, and
// candidates that were not selected are on none.
func (f methodFlags) fits(name string, how grpo.Aggregation) error {
	if strings.HasPrefix(name, "search-r2") && how == grpo.SequenceMean {
		return unusable(fmt.Errorf("--aggregation %s would leave %s's decisions out, expected %s or %s", how, name, grpo.TokenMean, grpo.StepMean))
	}
	if (name == "slate" && slate.Sampling(f.slateFlags.Sampling) != slate.Full || name == "slate-outcome" || name == "slate-completed") && how == grpo.SequenceMean {
		return unusable(fmt.Errorf("--aggregation %s would leave %s's unselected candidates out, expected %s or %s", how, name, grpo.TokenMean, grpo.StepMean))
	}
	return nil
}

// methodNames returns the names that --method takes.
func methodNames() []string {
	var names []string
	for _, m := range methods() {
		names = append(names, m.name)
	}
	return names
}
