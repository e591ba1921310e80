package rollout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"searchrl/internal/jsonl"
)

// Write appends a tree to w as one line of JSON.
func Write(w io.Writer, tree *Tree) error {
	if err := tree.validateRecord(); err != nil {
		return fmt.Errorf("writing the tree of question %q: %w", tree.Question.ID, err)
	}
	var line bytes.Buffer
	encoder := json.NewEncoder(&line) // ends with a line break
	encoder.SetEscapeHTML(false)      // tags stay readable
	if err := encoder.Encode(tree); err != nil {
		return fmt.Errorf("writing the tree of question %q: %w", tree.Question.ID, err)
	}
	if _, err := w.Write(line.Bytes()); err != nil {
		return fmt.Errorf("writing the tree of question %q: %w", tree.Question.ID, err)
	}
	return nil
}

// Trees reads trees, one a line, plain or gzip; name stands for r in errors. The sequence ends after the first error,
// which names the line: damaged JSON, unknown fields, or a tree that does not hold together.
func Trees(r io.Reader, name string) iter.Seq2[*Tree, error] {
	return func(yield func(*Tree, error) bool) {
		lines, err := jsonl.NewReader(r, name)
		if err != nil {
			yield(nil, err)
			return
		}
		for {
			line, err := lines.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			tree, err := decodeTree(line)
			if err != nil {
				yield(nil, lines.Errorf("%w", err))
				return
			}
			if !yield(tree, nil) {
				return
			}
		}
	}
}

func decodeTree(line []byte) (*Tree, error) {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	var tree *Tree
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("expected a tree as JSON: %w", err)
	}
	if decoder.More() {
		return nil, errors.New("expected one tree and nothing after it")
	}
	if tree == nil {
		return nil, errors.New("expected a tree, not null")
	}
	return tree, tree.validateRecord()
}

// validateRecord is Validate and what a file must hold besides: known kinds and ends, an environment that samples
// nothing, ids and numbers that can be. It is stricter than Validate because files come from anywhere.
func (t *Tree) validateRecord() error {
	if err := t.Validate(); err != nil {
		return err
	}
	for i := range t.Segments {
		if err := t.Segments[i].validateRecord(); err != nil {
			return fmt.Errorf("segment %d (%s): %w", i, t.Segments[i].Kind, err)
		}
	}
	for i, trajectory := range t.Trajectories {
		switch trajectory.End {
		case Answered, OutOfTurns, OutOfTokens, InvalidAction:
		default:
			return fmt.Errorf("trajectory %d: unknown end %q", i, trajectory.End)
		}
		if !finite(trajectory.Reward) {
			return fmt.Errorf("trajectory %d: reward %v", i, trajectory.Reward)
		}
		if trajectory.Turns < 0 || trajectory.Searches < 0 || trajectory.Invalid < 0 {
			return fmt.Errorf("trajectory %d: negative counts", i)
		}
	}
	return nil
}

func (s *Segment) validateRecord() error {
	switch s.Kind {
	case Prompt, Opening, Documents, Notice, ReviewPrompt, Reflection:
		if s.Sampled() || s.Unscored {
			return errors.New("the environment's segment has log-probabilities, or is said to be sampled")
		}
	case Refine, Think, Query, Answer, Invalid, Decision:
	default:
		return fmt.Errorf("unknown kind")
	}
	if len(s.Tokens) == 0 {
		return errors.New("no tokens")
	}
	for j, id := range s.Tokens {
		if id < 0 || id > math.MaxInt32 {
			return fmt.Errorf("token %d has the id %d", j, id)
		}
	}
	for _, numbers := range [][]float64{s.LogProbs, s.Advantages, s.Values, s.Returns} {
		for j, x := range numbers {
			if !finite(x) {
				return fmt.Errorf("token %d has the log-probability, advantage, value or return %v", j, x)
			}
		}
	}
	for _, reward := range s.Rewards {
		if !finite(reward.Value) {
			return fmt.Errorf("reward %s is %v", reward.Name, reward.Value)
		}
	}
	for _, hit := range s.Hits {
		if !finite(hit.Score) {
			return fmt.Errorf("document %q has the score %v", hit.ID, hit.Score)
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
