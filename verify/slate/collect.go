package slate

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"

	"searchrl/grpo"
	"searchrl/judge"
	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/slate"
	"searchrl/verify/exact"
)

// collector is slate.Method.Collect, or a version of it with a planted fault.
type collector func(ctx context.Context, m slate.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error)

// real is the code that trains.
func real(ctx context.Context, m slate.Method, env *rollout.Env, questions []qa.Question, rng *rand.Rand) ([]*rollout.Tree, error) {
	trees, _, err := m.Collect(ctx, env, questions, rng)
	return trees, err
}

// sample is one case: what was collected, and what that took.
type sample struct {
	method   slate.Method
	turns    int // B
	judge    *table
	trees    []*rollout.Tree
	requests []rollout.GenerateRequest
	queries  []string
}

// shape is that of the processes: up to four steps, noisy searches, trajectories of several lengths.
var shape = exact.Shape{Steps: 4, Actions: 3, Documents: 2, Nodes: 10}

// draw draws a case and collects.
func draw(ctx context.Context, collect collector, rng *rand.Rand) (*sample, error) {
	process, err := exact.NewEnv(exact.Draw(exact.Random(rng), shape))
	if err != nil {
		return nil, err
	}
	s := &sample{judge: &table{salt: rng.Uint64(), failing: rng.IntN(3) == 0}}
	env := *process.Env
	env.Protocol.MaxTurns += rng.IntN(3)
	s.turns = env.Protocol.MaxTurns
	env.Policy, env.Searcher = policy{env.Policy, &s.requests}, searcher{env.Searcher, &s.queries}
	s.method = slate.Paper(s.judge)
	s.method.Candidates = 1 + rng.IntN(5)
	s.method.Normalisation = []grpo.Normalisation{grpo.Standardised, grpo.MeanOnly}[rng.IntN(2)]
	s.method.Baseline = []slate.Baseline{slate.GroupMean, slate.GroupMean, slate.Zero}[rng.IntN(3)]
	s.method.Next = []slate.Next{slate.Softmax, slate.Best, slate.Uniform, slate.First}[rng.IntN(4)]
	s.method.Early = []float64{.1, 0, .5}[rng.IntN(3)]
	questions := []qa.Question{process.Question, process.Question}
	for i := range questions {
		questions[i].ID = fmt.Sprint("question ", i)
	}
	s.trees, err = collect(ctx, s.method, &env, questions, rng)
	return s, err
}

// policy remembers the requests.
type policy struct {
	rollout.Policy
	requests *[]rollout.GenerateRequest
}

// Generate implements rollout.Policy.
func (p policy) Generate(ctx context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	*p.requests = append(*p.requests, reqs...)
	return p.Policy.Generate(ctx, reqs)
}

// searcher remembers the queries.
type searcher struct {
	retrieval.Searcher
	queries *[]string
}

// Search implements retrieval.Searcher.
func (s searcher) Search(ctx context.Context, queries []string, k int) ([][]retrieval.Hit, error) {
	*s.queries = append(*s.queries, queries...)
	return s.Searcher.Search(ctx, queries, k)
}

// table is a judge whose opinion is a hash of the question and of what was thought and done so far.
type table struct {
	salt    uint64
	failing bool // a fifth of the scores cannot be given
}

// Name implements judge.Judge.
func (*table) Name() string { return "table" }

// Judge implements judge.Judge.
func (j *table) Judge(_ context.Context, steps []judge.Step) ([]judge.Verdict, error) {
	out := make([]judge.Verdict, len(steps))
	for i, step := range steps {
		texts := []string{step.Question.ID}
		for _, past := range step.Past {
			texts = append(texts, past.Thought, past.Query)
		}
		action := step.Query
		if step.IsAnswer {
			action = step.Answer
		}
		out[i].Thought = j.score(append(texts, step.Thought))
		out[i].Action = j.score(append(texts, step.Thought, action))
	}
	return out, nil
}

// score is the opinion of the last of the texts, which are the values of a path's segments.
func (j *table) score(texts []string) judge.Score {
	h := fnv.New64a()
	fmt.Fprint(h, j.salt, strings.Join(texts, "\n"))
	x := h.Sum64()
	x ^= x >> 29
	return judge.Score{Value: float64(x%3) - 1, Known: !j.failing || x/3%5 > 0, Source: j.Name()}
}

// group is one decision point of a tree.
type group struct {
	tree *rollout.Tree
	base int     // the segment that ends the prefix
	turn int     // t, from 1
	of   [][]int // each candidate's segments
}

// groups lists the decision points of a tree, those with candidates.
func groups(tree *rollout.Tree) []group {
	children := make([][]int, len(tree.Segments))
	for s := range tree.Segments {
		if p := tree.Segments[s].Parent; p >= 0 {
			children[p] = append(children[p], s)
		}
	}
	var out []group
	for base := range tree.Segments {
		g := group{tree: tree, base: base, turn: 1}
		for _, s := range tree.Path(base) {
			if kind := tree.Segments[s].Kind; kind == rollout.Query || kind == rollout.Answer {
				g.turn++
			}
		}
		for _, first := range children[base] {
			if tree.Segments[base].Sampled() || !tree.Segments[first].Sampled() {
				continue
			}
			candidate := []int{first}
			for at := first; tree.Segments[at].Kind == rollout.Think; candidate = append(candidate, at) {
				at = children[at][0]
			}
			g.of = append(g.of, candidate)
		}
		if len(g.of) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// all lists the decision points of several trees.
func all(trees []*rollout.Tree) []group {
	var out []group
	for _, tree := range trees {
		out = append(out, groups(tree)...)
	}
	return out
}

// action is the candidate's last segment.
func (g *group) action(candidate int) *rollout.Segment {
	of := g.of[candidate]
	return &g.tree.Segments[of[len(of)-1]]
}
