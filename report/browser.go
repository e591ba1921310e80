package report

import (
	"encoding/json"
	"math"
	"slices"

	"searchrl/rollout"
)

// Browser shows token trees: for each question what the methods did after which steps. A tree of more than MostTreeBytes, and
// trees after the first MostBytes, are left out and counted, so a page stays below about twice MostBytes.
type Browser struct {
	Trees   []Tree
	LeftOut int
	bytes   int
}

// The bounds of a browser, in bytes of JSON.
const (
	MostTreeBytes = 64 << 10
	MostBytes     = 4 << 20
)

// Tree is a token tree as the page's script draws it.
type Tree struct {
	Method       string       `json:"method"`
	Step         int          `json:"step"`     // training steps before it
	Question     string       `json:"question"` // its ID
	Text         string       `json:"text"`
	Gold         []string     `json:"gold"`
	Segments     []Segment    `json:"segments"`
	Trajectories []Trajectory `json:"trajectories"`
}

// Segment is a segment of a tree, token by token.
type Segment struct {
	Parent int          `json:"parent"`
	Kind   rollout.Kind `json:"kind"`
	Value  string       `json:"value,omitempty"`
	Pieces []string     `json:"pieces"` // one a token; one in all where nothing was sampled
	// LogProbs and Advantages belong to sampled tokens, rounded to three decimals; one advantage stands for all if they
	// are the same.
	LogProbs   []float64        `json:"logprobs,omitempty"`
	Advantages []float64        `json:"advantages,omitempty"`
	Rewards    []rollout.Reward `json:"rewards,omitempty"`
}

// Trajectory is how a path ended.
type Trajectory struct {
	Leaf   int         `json:"leaf"`
	End    rollout.End `json:"end"`
	Answer string      `json:"answer,omitempty"`
	Reward float64     `json:"reward"`
}

// Add adds what a method did, after so many training steps, with the questions of trees. pieces returns the text of each
// token of a run of tokens.
func (b *Browser) Add(method string, step int, trees []*rollout.Tree, pieces func(ids []int) []string) error {
	for _, tree := range trees {
		t := newTree(tree, pieces)
		t.Method, t.Step = method, step
		data, err := json.Marshal(t)
		if err != nil {
			return err
		}
		if len(data) > MostTreeBytes || b.bytes+len(data) > MostBytes {
			b.LeftOut++
			continue
		}
		b.bytes += len(data)
		b.Trees = append(b.Trees, t)
	}
	return nil
}

func newTree(tree *rollout.Tree, pieces func(ids []int) []string) Tree {
	t := Tree{Question: tree.Question.ID, Text: tree.Question.Text, Gold: tree.Question.Answers}
	for i := range tree.Segments {
		s := &tree.Segments[i]
		out := Segment{Parent: s.Parent, Kind: s.Kind, Value: s.Value, Rewards: s.Rewards, Pieces: []string{s.Text}}
		if s.Sampled() {
			out.Pieces, out.LogProbs, out.Advantages = pieces(s.Tokens), rounded(s.LogProbs), rounded(s.Advantages)
			if len(slices.Compact(slices.Clone(out.Advantages))) == 1 {
				out.Advantages = out.Advantages[:1]
			}
		}
		t.Segments = append(t.Segments, out)
	}
	for _, trajectory := range tree.Trajectories {
		t.Trajectories = append(t.Trajectories, Trajectory{trajectory.Leaf, trajectory.End, trajectory.Answer, trajectory.Reward})
	}
	return t
}

// rounded rounds to three decimals; what is no finite number becomes 0, as JSON knows none.
func rounded(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, x := range values {
		if x = math.Round(x*1000) / 1000; finite(x) {
			out[i] = x
		}
	}
	return out
}
