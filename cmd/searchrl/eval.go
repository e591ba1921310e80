package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"text/tabwriter"

	"github.com/alecthomas/kong"
	"github.com/google/renameio/v2"

	"searchrl/evaluate"
	"searchrl/experiment"
	"searchrl/grpo"
	"searchrl/rollout"
	"searchrl/tinyworld"
)

// evalCmd measures a policy.
type evalCmd struct {
	policyFlags    `group:"Task"`
	servedFlags    `group:"Task"`
	Method         string `placeholder:"NAME" help:"Answer as this method does: direct, rag, mr-search, search-r2 or another that acts in a way of its own; otherwise in the plain agent loop." group:"Method"`
	Questions      string `placeholder:"FILE" help:"Questions (JSON lines, or the benchmarks' own files; plain or gzip), instead of the embedded world's." group:"Task"`
	searcherFlags  `group:"Task"`
	RetrievalOnly  bool   `help:"Measure the searcher alone, with the questions as queries: how often it finds an answer and the supporting passages." group:"Task"`
	Limit          *int   `placeholder:"N" help:"Questions at most; without it all of the file, and 300 of the embedded world's." group:"Task"`
	Output         string `placeholder:"FILE" help:"Write the result of each question there, as JSON lines."`
	Out            string `placeholder:"DIR" help:"Folder that keeps every trajectory; an evaluation that was broken off goes on there."`
	mrsearchFlags  `group:"Method"`
	refineActFlags `group:"Method"`
	samplingFlags  `group:"Sampling"`
	backendFlags   `group:"Computation"`
}

// samplingFlags are the distribution that tokens are drawn from.
type samplingFlags struct {
	Temperature float64 `default:"0" help:"Sampling temperature; 0 is greedy."`
	TopK        int     `name:"top-k" default:"0" help:"Draw from the k most likely tokens; 0 from all."`
	TopP        float64 `name:"top-p" default:"1" help:"Draw from the most likely tokens of this total probability."`
	Seed        uint64  `default:"0" help:"Determines what is drawn."`
}

func (f samplingFlags) sampling() (rollout.Sampling, error) {
	if !(f.Temperature >= 0) || math.IsInf(f.Temperature, 1) || f.TopK < 0 || !(f.TopP > 0 && f.TopP <= 1) {
		return rollout.Sampling{}, unusable(fmt.Errorf("sampling: temperature %v, top-k %d, top-p %v; expected a finite number from 0, 0 or more, and above 0 up to 1",
			f.Temperature, f.TopK, f.TopP))
	}
	return rollout.Sampling{Temperature: f.Temperature, TopK: f.TopK, TopP: f.TopP}, nil
}

// evaluation is the JSON document of eval.
type evaluation struct {
	Task    string `json:"task"`
	Method  string `json:"method,omitempty"` // how it answered, if not in the plain agent loop
	Model   string `json:"model"`
	Backend string `json:"backend"`
	// Protocol is the hash of what was asked and how: results under the same one can be compared.
	Protocol string `json:"protocol"`
	evaluate.Summary
}

// Run evaluates and prints the figures.
func (c *evalCmd) Run(ctx context.Context, con *console) error {
	if c.Limit != nil && *c.Limit < 0 {
		return unusable(fmt.Errorf("--limit is %d, expected 1 or more, or 0 for the whole questions file", *c.Limit))
	}
	if c.RetrievalOnly {
		return c.retrievalOnly(ctx, con)
	}
	sampling, err := c.sampling()
	if err != nil {
		return err
	}
	actor, err := c.actor()
	if err != nil {
		return err
	}
	base, err := c.servedBase(c.policyFlags)
	if err != nil {
		return err
	}
	task, err := c.task(base)
	if err != nil {
		return err
	}
	output, err := openResults(c.Output)
	if err != nil {
		return err
	}
	defer output.close()
	policy, err := c.answerer(con, base, c.backendFlags)
	if err != nil {
		return err
	}
	defer policy.close()

	hash, err := c.protocolHash(task, sampling)
	if err != nil {
		return err
	}
	results, err := c.evaluate(ctx, con, task, evaluate.Options{Sampling: sampling, Actor: actor}, policy, hash)
	if err != nil {
		return err
	}
	if err := output.write(results); err != nil {
		return err
	}
	summary := evaluate.Summarise(results)
	showSummary(con.text(), task.Name, summary)
	fmt.Fprintf(con.text(), "protocol %s: compare with results under the same one only\n", hash)
	return con.document(evaluation{Task: task.Name, Method: c.Method, Model: base.Name, Backend: policy.backend, Protocol: hash, Summary: summary})
}

// protocolHash is the hash of what is asked and how.
func (c *evalCmd) protocolHash(task *experiment.Task, sampling rollout.Sampling) (string, error) {
	source, err := c.identity()
	if err != nil {
		return "", err
	}
	method := c.Method
	if method != "" {
		method = fmt.Sprintf("%s %+v %+v", c.Method, c.mrsearchFlags, c.refineActFlags)
	}
	return evaluate.ProtocolHash(task.Test.Questions, source, task.Protocol, sampling, c.Seed, method)
}

// evaluate lets the policy answer the task's questions; with --out those that were not answered before, and each is kept there.
func (c *evalCmd) evaluate(ctx context.Context, con *console, task *experiment.Task, options evaluate.Options, policy rollout.Policy, hash string) (_ []evaluate.Result, err error) {
	questions := task.Test.Questions
	rng := rand.New(rand.NewPCG(c.Seed, evalStream))
	var earlier []evaluate.Result
	keep := func([]*rollout.Tree) error { return nil }
	if c.Out != "" {
		journal, failure := evaluate.OpenJournal(c.Out, hash, questions)
		if failure != nil {
			return nil, unusable(failure)
		}
		defer func() { err = errors.Join(err, journal.Close()) }()
		earlier, keep = journal.Done(), journal.Append
		for range earlier { // each question draws one number
			rng.Uint64()
		}
	}
	right := 0.0
	for _, r := range earlier {
		right += r.EM
	}
	done := len(earlier)
	bar := con.startBar("evaluating", len(questions))
	defer bar.stop()
	options.Observe = func(results []evaluate.Result, trees []*rollout.Tree) error {
		for _, r := range results {
			done++
			right += r.EM
		}
		bar.set(done, "EM %.3f", right/float64(done))
		bar.line("%d of %d questions, EM %.3f", done, len(questions), right/float64(done))
		return keep(trees)
	}
	results, err := evaluate.Run(ctx, task.Env(policy, task.Test), questions[len(earlier):], options, rng)
	return append(earlier, results...), err
}

// actor returns what answers as --method says; nil for the plain agent loop.
func (c *evalCmd) actor() (grpo.Actor, error) {
	if c.Method == "" {
		return nil, nil
	}
	var defaults methodFlags
	if err := kong.ApplyDefaults(&defaults, kong.Vars{"judge_variables": judgeVariables}); err != nil {
		return nil, fmt.Errorf("default settings of the methods: %w", err)
	}
	defaults.mrsearchFlags, defaults.refineActFlags = c.mrsearchFlags, c.refineActFlags
	defaults.Process = "none" // nothing is trained, so nothing is rewarded
	method, err := newMethod(c.Method, defaults, taskFlags{policyFlags: c.policyFlags})
	if err != nil {
		return nil, err
	}
	actor, ok := method.(grpo.Actor)
	if !ok {
		return nil, unusable(fmt.Errorf("--method %s: it answers in the plain agent loop, so leave --method out", c.Method))
	}
	return actor, nil
}

// evalStream is the random stream of the samples that eval draws.
const evalStream = 2

// worldQuestions is how many of the embedded world's questions are taken by default.
const worldQuestions = 300

// limited returns the number of questions at most, 0 for all.
func (c *evalCmd) limited() int {
	if c.Limit == nil {
		return 0
	}
	return *c.Limit
}

// task returns the questions to evaluate on as the task's test part.
func (c *evalCmd) task(base experiment.Base) (*experiment.Task, error) {
	data := dataFlags{QuestionsFile: c.Questions, searcherFlags: c.searcherFlags}
	own, err := data.own()
	if err != nil {
		return nil, err
	}
	task := &experiment.Task{Name: "tinyworld/" + c.Level, Base: base, Protocol: c.protocol(base)}
	if !own {
		limit := worldQuestions
		if c.Limit != nil {
			limit = *c.Limit
		}
		if limit == 0 {
			return nil, unusable(errors.New("--limit is 0, which takes a whole questions file; the embedded world has none"))
		}
		task.Test, err = worldPart(c.Level, tinyworld.Test, 0, limit)
		return task, err
	}
	task.Name = c.Questions
	if task.Test, err = data.read(); err != nil {
		return nil, err
	}
	if limit := c.limited(); limit > 0 && len(task.Test.Questions) > limit {
		task.Test.Questions = task.Test.Questions[:limit]
	}
	return task, nil
}

// resultsFile is the file that the results of questions go to: it appears when it is whole. nil writes nothing.
type resultsFile struct{ pending *renameio.PendingFile }

// openResults begins the file at path, so that a path that cannot be written is known before hours of evaluation.
func openResults(path string) (*resultsFile, error) {
	if path == "" {
		return nil, nil
	}
	pending, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644), renameio.WithTempDir(filepath.Dir(path)))
	if err != nil {
		return nil, unusable(fmt.Errorf("--output: %w", err))
	}
	return &resultsFile{pending}, nil
}

func (f *resultsFile) write(results []evaluate.Result) error {
	if f == nil {
		return nil
	}
	enc := json.NewEncoder(f.pending)
	enc.SetEscapeHTML(false)
	for _, r := range results {
		if err := enc.Encode(r); err != nil {
			return fmt.Errorf("--output: %w", err)
		}
	}
	return f.pending.CloseAtomicallyReplace()
}

// close removes what was not written whole.
func (f *resultsFile) close() {
	if f != nil {
		_ = f.pending.Cleanup()
	}
}

// showSummary prints the figures of an evaluation.
func showSummary(w io.Writer, task string, s evaluate.Summary) {
	fmt.Fprintf(w, "\n%d questions of %s, with 95 %% intervals:\n\n", s.Questions, task)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(t, "  exact match\t%s\n", share(&s.EM, s.EMCI))
	fmt.Fprintf(t, "  F1\t%s\n", share(&s.F1, s.F1CI))
	for _, h := range s.ByHops {
		fmt.Fprintf(t, "  exact match, %d hops\t%s\t%d questions, %.1f searches each\n", h.Hops, share(&h.EM, h.EMCI), h.Questions, h.Searches)
	}
	fmt.Fprintf(t, "  answered\t%.3f\n", s.Answered)
	fmt.Fprintf(t, "  searches a question\t%.2f\n", s.Searches)
	fmt.Fprintf(t, "  turns a question\t%.2f\n", s.Turns)
	fmt.Fprintf(t, "  invalid actions a question\t%.2f\n", s.Invalid)
	_ = t.Flush()
}
