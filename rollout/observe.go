package rollout

import (
	"context"
	"fmt"
	"math"

	"searchrl/retrieval"
)

// Leaf names the end of a path: a segment of a tree.
type Leaf struct {
	Tree    *Tree
	Segment int
}

// Observation is what the environment did at a leaf.
type Observation struct {
	// Leaf is the segment that the next step follows, or the last one if the trajectory is over.
	Leaf int
	// End is "" if a step may follow, else why the trajectory is over.
	End End
}

// Observe lets the environment move: after a query it searches and appends the documents, after an invalid action it
// appends the notice, and when the turns are spent it ends the trajectory or opens the forced answer. Other leaves stay
// as they are. All searches go to the searcher in one call; result[i] belongs to leaves[i].
//
// What would leave no token for a step is not appended: the trajectory ends OutOfTokens.
func (e *Env) Observe(ctx context.Context, leaves []Leaf) ([]Observation, error) {
	out := make([]Observation, len(leaves))
	var asking []int // leaves whose query is to be executed
	var queries []string
	for i, leaf := range leaves {
		if leaf.Tree == nil || leaf.Segment < 0 || leaf.Segment >= len(leaf.Tree.Segments) {
			return nil, fmt.Errorf("observing: leaf %d is segment %d of no tree or a shorter one", i, leaf.Segment)
		}
		out[i] = Observation{Leaf: leaf.Segment, End: e.over(leaf)}
		if s := &leaf.Tree.Segments[leaf.Segment]; out[i].End == "" && s.Kind == Query {
			asking, queries = append(asking, i), append(queries, s.Value)
		}
	}
	found, err := e.Search(ctx, queries)
	if err != nil {
		return nil, err
	}
	for n, i := range asking {
		e.append(leaves[i].Tree, &out[i], e.Documents(found[n]))
	}
	for i, leaf := range leaves {
		if out[i].End == "" && leaf.Tree.Segments[leaf.Segment].Kind == Invalid {
			e.append(leaf.Tree, &out[i], e.inserted(Notice, NoParent, e.Tokenizer.EncodeTrusted(e.Protocol.Notice)))
		}
		e.open(leaf.Tree, &out[i])
	}
	return out, nil
}

// over returns why no step can follow a leaf, whatever the environment appends; "" if one can.
func (e *Env) over(leaf Leaf) End {
	kind := leaf.Tree.Segments[leaf.Segment].Kind
	turns := leaf.Tree.attemptTurns(leaf.Segment)
	switch {
	case kind == Answer:
		return Answered
	case kind == Invalid && e.Protocol.Notice == "":
		return InvalidAction
	case turns > e.Protocol.MaxTurns, turns == e.Protocol.MaxTurns && !e.Protocol.forces():
		return OutOfTurns
	case len(leaf.Tree.PathTokens(leaf.Segment)) >= e.Protocol.MaxTokens:
		return OutOfTokens
	}
	return ""
}

// append adds the environment's segment to the path that o follows, if room for a token of a step remains after it.
func (e *Env) append(tree *Tree, o *Observation, s Segment) {
	if len(tree.PathTokens(o.Leaf))+len(s.Tokens) >= e.Protocol.MaxTokens {
		o.End = OutOfTokens
		return
	}
	s.Parent = o.Leaf
	o.Leaf = tree.Add(s)
}

// open begins the forced answer where the turns are spent.
func (e *Env) open(tree *Tree, o *Observation) {
	if o.End != "" || tree.Segments[o.Leaf].Kind == Opening || tree.attemptTurns(o.Leaf) < e.Protocol.MaxTurns {
		return
	}
	e.append(tree, o, e.inserted(Opening, NoParent, e.Tokenizer.EncodeTrusted(e.Protocol.forcedAnswer())))
}

// Search finds the protocol's TopK documents for each query, in one call to the searcher in which each different query
// stands once. The hits of equal queries are one slice.
func (e *Env) Search(ctx context.Context, queries []string) ([][]retrieval.Hit, error) {
	if len(queries) == 0 {
		return nil, nil
	}
	place := map[string]int{}
	var different []string
	for _, query := range queries {
		if _, ok := place[query]; !ok {
			place[query] = len(different)
			different = append(different, query)
		}
	}
	found, err := e.Searcher.Search(ctx, different, e.Protocol.TopK)
	if err != nil {
		return nil, fmt.Errorf("searching for %d queries: %w", len(different), err)
	}
	if len(found) != len(different) {
		return nil, fmt.Errorf("searching for %d queries: the searcher answered %d", len(different), len(found))
	}
	for i, hits := range found {
		found[i] = hits[:min(len(hits), e.Protocol.TopK)]
		for _, hit := range found[i] {
			if math.IsNaN(hit.Score) || math.IsInf(hit.Score, 0) {
				return nil, fmt.Errorf("searching for %q: document %q has the score %v", different[i], hit.ID, hit.Score)
			}
		}
	}
	out := make([][]retrieval.Hit, len(queries))
	for i, query := range queries {
		out[i] = found[place[query]]
	}
	return out, nil
}
