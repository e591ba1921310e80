package experiment

import (
	"io/fs"

	"searchrl/checkpoint"
	"searchrl/grpo"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tokenizer"
)

// Task is what is to be learned, and what it is learned from.
type Task struct {
	// Name says where the questions come from, e.g. "tinyworld/standard".
	Name string
	// Train is what a method learns from, Test what it is evaluated on; they share no question.
	Train, Test Part
	Protocol    rollout.Protocol
	Base        Base
}

// Part is a set of questions with the corpus that answers them.
type Part struct {
	Questions []qa.Question
	Searcher  retrieval.Searcher
}

// Base is the policy that training starts from.
type Base struct {
	Name      string // the folder it was read from, or "embedded"
	Config    checkpoint.Config
	Weights   checkpoint.Weights
	Tokenizer *tokenizer.Tokenizer
	// Files holds the tokenizer's files, which are copied beside checkpoints.
	Files fs.FS
}

// Env returns what the agent loop needs to answer questions of part with policy.
func (t *Task) Env(policy rollout.Policy, part Part) *rollout.Env {
	return &rollout.Env{Policy: policy, Searcher: part.Searcher, Tokenizer: t.Base.Tokenizer, Protocol: t.Protocol,
		Positions: t.Base.Config.MaxPositions}
}

// Learner is a policy in training whose weights can be saved. Package model implements it.
type Learner interface {
	grpo.Learner
	// Weights returns the present weights, copied to the host.
	Weights() (checkpoint.Weights, error)
}
