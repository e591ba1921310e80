package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"searchrl/evaluate"
	"searchrl/experiment"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tinyworld"
)

// askCmd answers one question in the open.
type askCmd struct {
	Question string `arg:"" optional:"" help:"The question; without it, one of the embedded world's is taken."`

	policyFlags    `group:"Task"`
	servedFlags    `group:"Task"`
	searcherFlags  `group:"Task"`
	Number         int `default:"0" help:"Which of the embedded world's questions to take, from 0." group:"Task"`
	samplingFlags  `group:"Sampling"`
	askRefineFlags `group:"Search-R2"`
	backendFlags   `group:"Computation"`
}

func (c *askCmd) Help() string {
	return "Questions of the embedded world read like: Who is the boss of the mentor of Okafor?"
}

// answer is the JSON document of ask.
type answer struct {
	evaluate.Result
	Tree *rollout.Tree `json:"tree"`
}

// Run lets the policy answer and shows how it did.
func (c *askCmd) Run(ctx context.Context, con *console) error {
	sampling, err := c.sampling()
	if err != nil {
		return err
	}
	method, err := c.method()
	if err != nil {
		return err
	}
	base, err := c.servedBase(c.policyFlags)
	if err != nil {
		return err
	}
	question, searcher, err := c.question()
	if err != nil {
		return err
	}
	policy, err := c.answerer(con, base, c.backendFlags)
	if err != nil {
		return err
	}
	defer policy.close()

	task := experiment.Task{Base: base, Protocol: c.protocol(base)}
	env := task.Env(policy, experiment.Part{Searcher: searcher})
	var tree *rollout.Tree
	rng, tell := rand.New(rand.NewPCG(c.Seed, evalStream)), newTeller(con.text())
	if c.Refine {
		tree, err = refineAloud(ctx, method, env, question, sampling, rng, tell)
	} else {
		tree, err = answerAloud(ctx, env, question, sampling, rng, tell)
	}
	if err != nil {
		return err
	}
	result := evaluate.Grade(tree, 0)
	showVerdict(con.text(), result)
	return con.document(answer{Result: result, Tree: tree})
}

// answerAloud is the agent loop for one trajectory that tells of each segment as soon as it is there.
func answerAloud(ctx context.Context, env *rollout.Env, question qa.Question, sampling rollout.Sampling, rng *rand.Rand, tell *teller) (*rollout.Tree, error) {
	tree, err := env.Start(question)
	if err != nil {
		return nil, err
	}
	for leaf := 0; ; {
		tell.tree(tree)
		observed, err := env.Observe(ctx, []rollout.Leaf{{Tree: tree, Segment: leaf}})
		if err != nil {
			return nil, err
		}
		tell.tree(tree)
		if leaf = observed[0].Leaf; observed[0].End != "" {
			tree.Finish(leaf, observed[0].End)
			return tree, nil
		}
		steps, err := env.Sample(ctx, []rollout.StepRequest{{Tree: tree, Leaf: leaf, N: 1, Sampling: sampling, Seed: rng.Uint64()}})
		if err != nil {
			return nil, err
		}
		leaf = tree.Attach(leaf, steps[0][0])
	}
}

// question returns what to ask, and the passages to search for the answer.
func (c *askCmd) question() (qa.Question, retrieval.Searcher, error) {
	if c.Question != "" && strings.TrimSpace(c.Question) == "" {
		return qa.Question{}, nil, unusable(errors.New("the question is blank"))
	}
	named, err := c.named()
	if err != nil {
		return qa.Question{}, nil, err
	}
	if named && c.Question == "" {
		return qa.Question{}, nil, unusable(errors.New("--corpus or --searcher is given without a question"))
	}
	if c.Number < 0 || c.Number >= mostQuestions {
		return qa.Question{}, nil, unusable(fmt.Errorf("--number is %d, expected 0 to %d", c.Number, mostQuestions-1))
	}
	asked := qa.Question{ID: "asked", Text: strings.TrimSpace(c.Question)}
	if named {
		searcher, err := c.openSearcher()
		return asked, searcher, err
	}
	if c.Question == "" {
		part, err := worldPart(c.Level, tinyworld.Test, 0, c.Number+1)
		if err != nil {
			return qa.Question{}, nil, err
		}
		return part.Questions[c.Number], part.Searcher, nil
	}
	world, searcher, err := openWorld(c.Level, tinyworld.Test, 0)
	if err != nil {
		return qa.Question{}, nil, err
	}
	// The world knows the answer to a question of its own kind, so it can be graded.
	if chain, err := tinyworld.ParseQuestion(asked.Text); err == nil {
		if facts, err := world.Facts(chain); err == nil {
			asked.Hops, asked.Answers = len(facts), []string{facts[len(facts)-1].Object}
		}
	}
	return asked, searcher, nil
}
