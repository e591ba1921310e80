package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/failsafe-go/failsafe-go"
	"github.com/openai/openai-go/v3"
	"golang.org/x/sync/errgroup"

	"searchrl/judge"
	"searchrl/judge/rubric"
)

// Components over which the share of unknown ones is taken.
const (
	window      = 200
	startWindow = 20
)

// Judge asks a language model. It is safe for concurrent use.
type Judge struct {
	options   Options
	transport *http.Transport
	chat      openai.ChatCompletionService
	executor  failsafe.Executor[string]
	cache     cache
	slots     chan struct{} // one for each request under way

	mu      sync.Mutex
	stats   Stats
	recent  []bool // the last components: true if unknown
	lastErr error  // of a component
	failed  error  // the last attempt's that brought no reply
}

var (
	_ judge.Judge    = (*Judge)(nil)
	_ judge.Assessor = (*Judge)(nil)
)

// Stats count what a judge has done since it was made.
type Stats struct {
	Components  int64 // judged or tried; equal ones in one call count each
	Unknown     int64 // of these, those that could not be judged
	CacheHits   int64 // prompts found in the cache
	CacheErrors int64 // replies that could not be cached; they were used all the same
	Requests    int64 // attempts, retries included
	// Tokens as the server reports them; 0 if it does not.
	PromptTokens, CompletionTokens int64
}

// New makes a judge. It does not talk to the server yet, but the cache's folder is made: it is an error if nothing can be
// written there.
func New(options Options) (*Judge, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	kept := cache{options.CacheDir}
	if err := kept.open(); err != nil {
		return nil, fmt.Errorf("remote judge: %w", err)
	}
	j := &Judge{options: options, cache: kept, slots: make(chan struct{}, options.Concurrency)}
	j.client()
	return j, nil
}

// Close closes idle connections; its error is always nil. The judge can be used on.
func (j *Judge) Close() error {
	j.transport.CloseIdleConnections()
	return nil
}

// Name implements judge.Judge: the model's name.
func (j *Judge) Name() string { return j.options.Model }

// Stats returns the counts so far.
func (j *Judge) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.stats
}

func (j *Judge) count(change func(*Stats)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	change(&j.stats)
}

// Judge implements judge.Judge. It returns an error if the context ends, or if the share of unknown components has become
// too high.
func (j *Judge) Judge(ctx context.Context, steps []judge.Step) ([]judge.Verdict, error) {
	verdicts := make([]judge.Verdict, len(steps))
	tasks := j.tasks()
	add := func(component rubric.Component, step judge.Step, to *judge.Score) error {
		p, err := rubric.New(component, step, j.options.MaxText)
		if err != nil {
			return err
		}
		tasks.add(p, to)
		return nil
	}
	for i, step := range steps {
		action := rubric.Query
		if step.IsAnswer {
			action = rubric.Answer
		}
		if err := add(rubric.Thought, step, &verdicts[i].Thought); err != nil {
			return nil, err
		}
		if step.IsAnswer && j.options.SkipAnswers {
			verdicts[i].Action = judge.Score{Source: j.Name(), Reason: "this judge is not asked about answers"}
			continue
		}
		if err := add(action, step, &verdicts[i].Action); err != nil {
			return nil, err
		}
	}
	if err := j.do(ctx, tasks.order); err != nil {
		return nil, fmt.Errorf("judging %d steps: %w", len(steps), err)
	}
	return verdicts, nil
}

// Assess implements judge.Assessor, with a rubric of its own; its errors are those of Judge. A reply of −1, which is not on the
// scale of 0 and 1, leaves the set unknown.
func (j *Judge) Assess(ctx context.Context, sets []judge.Retrieval) ([]judge.Score, error) {
	scores := make([]judge.Score, len(sets))
	tasks := j.tasks()
	for i, set := range sets {
		p, err := rubric.NewEvidence(set, j.options.MaxText)
		if err != nil {
			return nil, err
		}
		tasks.add(p, &scores[i])
	}
	if err := j.do(ctx, tasks.order); err != nil {
		return nil, fmt.Errorf("assessing %d retrieved sets: %w", len(sets), err)
	}
	return scores, nil
}

// taskList holds the different prompts of a call.
type taskList struct {
	judge *Judge
	byKey map[string]*task // equal prompts share one
	order []*task
}

func (j *Judge) tasks() *taskList { return &taskList{judge: j, byKey: map[string]*task{}} }

// add asks for the prompt's score to be written to to.
func (l *taskList) add(p rubric.Prompt, to *judge.Score) {
	key := l.judge.options.cacheKey(p)
	t := l.byKey[key]
	if t == nil {
		t = &task{key: key, prompt: p}
		l.byKey[key] = t
		l.order = append(l.order, t)
	}
	t.scores = append(t.scores, to)
}

// do does the tasks and writes their scores.
func (j *Judge) do(ctx context.Context, tasks []*task) error {
	if err := j.all(ctx, tasks); err != nil {
		return err
	}
	return j.account(tasks)
}

// task is one prompt and the scores that it decides.
type task struct {
	key    string
	prompt rubric.Prompt
	scores []*judge.Score
	reply  rubric.Reply
	err    error
}

// all does the tasks. Its only error is that of the context.
func (j *Judge) all(ctx context.Context, tasks []*task) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(j.options.Concurrency)
	for _, t := range tasks {
		group.Go(func() error {
			select {
			case j.slots <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			defer func() { <-j.slots }()
			t.reply, t.err = j.one(ctx, t)
			return ctx.Err()
		})
	}
	return group.Wait()
}

func (j *Judge) one(ctx context.Context, t *task) (rubric.Reply, error) {
	if reply, ok := j.cache.get(t.key, t.prompt.Component); ok {
		j.count(func(s *Stats) { s.CacheHits++ })
		return reply, nil
	}
	text, err := j.request(ctx, t.prompt)
	if err != nil {
		return rubric.Reply{}, err
	}
	reply, err := rubric.ParseReply(t.prompt.Component, text)
	if err != nil {
		return rubric.Reply{}, err
	}
	if err := j.cache.put(t.key, j.options.Model, text); err != nil {
		j.count(func(s *Stats) { s.CacheErrors++ })
	}
	return reply, nil
}

// account writes the scores, counts the unknown ones, and decides whether there are too many.
func (j *Judge) account(tasks []*task) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, t := range tasks {
		for _, s := range t.scores {
			*s = judge.Score{Value: float64(t.reply.Score), Known: true, Source: j.Name(), Reason: t.reply.Reason}
			if t.err != nil {
				*s = judge.Score{Source: j.Name(), Reason: t.err.Error()}
				j.stats.Unknown++
				j.lastErr = t.err
			}
			j.stats.Components++
			j.recent = append(j.recent, t.err != nil)
		}
	}
	j.recent = j.recent[max(0, len(j.recent)-window):]
	unknown := 0
	for _, failed := range j.recent {
		if failed {
			unknown++
		}
	}
	if share := float64(unknown) / float64(max(len(j.recent), startWindow)); share > j.options.MaxErrorShare {
		return fmt.Errorf("%w: judge %s at %s could not judge %d of the last %d components, %.3g %% are put up with; the last one: %w",
			ErrTooMany, j.Name(), j.options.BaseURL, unknown, len(j.recent), 100*j.options.MaxErrorShare, j.lastErr)
	}
	return nil
}

// ErrTooMany is the error of Judge when too many components were unknown.
var ErrTooMany = errors.New("too many failed judgements")
