package rollout

import (
	"fmt"

	"searchrl/qa"
	"searchrl/retrieval"
)

// Kind says what a segment is.
type Kind string

// The kinds of segment. Policies sample Refine, Think, Query, Answer, Invalid and Decision; the environment inserts the
// others.
const (
	Prompt    Kind = "prompt"    // the instructions and the question; the root of a tree
	Opening   Kind = "opening"   // the beginning of a step that the environment wrote: a forced tag
	Refine    Kind = "refine"    // <refine> … </refine>, tags included, in protocols that have it
	Think     Kind = "think"     // reasoning before an action, its tags included
	Query     Kind = "query"     // <search> … </search>, its tags included
	Documents Kind = "documents" // <information> … </information>: what the search found
	Answer    Kind = "answer"    // <answer> … </answer>, its tags included
	Invalid   Kind = "invalid"   // sampled text that is no action
	Notice    Kind = "notice"    // the environment's remark on an invalid action or a spent budget
	// ReviewPrompt puts a draft to the refiner, Decision is what that decides about it.
	ReviewPrompt Kind = "review"
	Decision     Kind = "decision"
	// Reflection is the environment's request for another attempt at the question; see [Env.Reflect].
	Reflection Kind = "reflection"
)

// NoParent is the Parent of a root segment.
const NoParent = -1

// Segment is a run of tokens of one kind with one parent.
type Segment struct {
	// Parent is the index of the segment that this one continues, or NoParent. It is smaller than the segment's own.
	Parent int  `json:"parent"`
	Kind   Kind `json:"kind"`
	// Tokens are ids: those that were sampled, or the environment's.
	Tokens []int `json:"tokens"`
	// Text is what the tokens say.
	Text string `json:"text"`
	// LogProbs[j] is the log-probability of Tokens[j] under the behaviour policy π_old. It is nil for a segment that
	// the environment inserted, and that is the whole loss mask: what was not sampled cannot be trained.
	LogProbs []float64 `json:"logprobs,omitempty"`
	// Unscored marks what a policy without log-probabilities sampled (see [Completion]). LogProbs is nil, so the loss mask
	// keeps it out of all training.
	Unscored bool `json:"unscored,omitempty"`
	// Advantages[j] is the advantage of Tokens[j]; nil until a method has set it, and always nil without LogProbs.
	Advantages []float64 `json:"advantages,omitempty"`
	// Values[j] is a critic's estimate, made before Tokens[j] was sampled, of the rewards to come, and Returns[j] what the
	// critic learns it should have been; nil but for methods with a critic, and always nil without LogProbs.
	Values  []float64 `json:"values,omitempty"`
	Returns []float64 `json:"returns,omitempty"`
	// Value is the content of a thought, a query or an answer without tags and surrounding space. Text can hold a
	// character more or less of the tags, where a token straddles the boundary.
	Value string `json:"value,omitempty"`
	// Hits are the documents of a Documents segment, as found (the text shown may be cut or escaped).
	Hits []retrieval.Hit `json:"hits,omitempty"`
	// Rewards are the parts of this segment's own reward, if the method gives step rewards.
	Rewards []Reward `json:"rewards,omitempty"`
}

// Sampled reports whether the policy sampled the segment with log-probabilities, hence whether it can be trained.
func (s *Segment) Sampled() bool { return s.LogProbs != nil }

// Reward is one part of a reward and where it came from.
type Reward struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Source string  `json:"source,omitempty"`
}

// End says why a trajectory ended.
type End string

// The ends of a trajectory.
const (
	Answered      End = "answered"
	OutOfTurns    End = "out of turns"
	OutOfTokens   End = "out of tokens"
	InvalidAction End = "invalid action" // under a protocol without a notice
)

// Trajectory is a path from the root to a leaf.
type Trajectory struct {
	Leaf     int     `json:"leaf"` // index of its last segment
	End      End     `json:"end"`
	Answer   string  `json:"answer"`   // "" unless End is Answered
	Turns    int     `json:"turns"`    // steps, invalid ones and a forced answer included
	Searches int     `json:"searches"` // executed ones
	Invalid  int     `json:"invalid"`  // invalid actions
	Reward   float64 `json:"reward"`   // R
}

// Tree is everything that was sampled for one question: segments that share prefixes, and the paths through them that
// count as trajectories. Segments are in an order in which parents come before children.
type Tree struct {
	Question     qa.Question  `json:"question"`
	Segments     []Segment    `json:"segments"`
	Trajectories []Trajectory `json:"trajectories"`
}

// Add appends a segment and returns its index.
func (t *Tree) Add(s Segment) int {
	t.Segments = append(t.Segments, s)
	return len(t.Segments) - 1
}

// Path returns the indices of the segments from the root to leaf, both included.
func (t *Tree) Path(leaf int) []int {
	var path []int
	for i := leaf; i != NoParent; i = t.Segments[i].Parent {
		path = append(path, i)
	}
	for i, j := 0, len(path)-1; i < j; i, j = i+1, j-1 {
		path[i], path[j] = path[j], path[i]
	}
	return path
}

// PathTokens returns the ids of all tokens from the root to leaf's end: the prefix that a continuation of leaf sees.
func (t *Tree) PathTokens(leaf int) []int {
	var tokens []int
	for _, i := range t.Path(leaf) {
		tokens = append(tokens, t.Segments[i].Tokens...)
	}
	return tokens
}

// Validate checks what the rest of the code relies on: parents precede children, log-probabilities and advantages match
// their tokens one to one, no advantage or value without a log-probability, and trajectories end at existing segments.
func (t *Tree) Validate() error {
	for i := range t.Segments {
		s := &t.Segments[i]
		if s.Parent < NoParent || s.Parent >= i {
			return fmt.Errorf("segment %d (%s): parent %d does not precede it", i, s.Kind, s.Parent)
		}
		if s.LogProbs != nil && len(s.LogProbs) != len(s.Tokens) {
			return fmt.Errorf("segment %d (%s): %d log-probabilities for %d tokens", i, s.Kind, len(s.LogProbs), len(s.Tokens))
		}
		if s.Unscored && s.LogProbs != nil {
			return fmt.Errorf("segment %d (%s): unscored, with %d log-probabilities", i, s.Kind, len(s.LogProbs))
		}
		if s.Advantages != nil && (s.LogProbs == nil || len(s.Advantages) != len(s.Tokens)) {
			return fmt.Errorf("segment %d (%s): %d advantages for %d tokens, %d of them sampled", i, s.Kind, len(s.Advantages), len(s.Tokens), len(s.LogProbs))
		}
		if (s.Values != nil || s.Returns != nil) && (s.LogProbs == nil || len(s.Values) != len(s.Tokens) || len(s.Returns) != len(s.Tokens)) {
			return fmt.Errorf("segment %d (%s): %d values and %d returns for %d tokens, %d of them sampled", i, s.Kind, len(s.Values), len(s.Returns), len(s.Tokens), len(s.LogProbs))
		}
	}
	for i, tr := range t.Trajectories {
		if tr.Leaf < 0 || tr.Leaf >= len(t.Segments) {
			return fmt.Errorf("trajectory %d: leaf %d of %d segments", i, tr.Leaf, len(t.Segments))
		}
	}
	return nil
}
