package refiner_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"searchrl/checkpoint"
	"searchrl/grpo"
	"searchrl/internal/scripted"
	"searchrl/judge/tinyjudge"
	"searchrl/plain"
	"searchrl/qa"
	"searchrl/refiner"
	"searchrl/retrieval"
	"searchrl/rollout"
	"searchrl/tinyworld"
	"searchrl/tokenizer"
)

var lunia = qa.Question{ID: "q", Text: "Who runs the capital of Lunia?", Answers: []string{"Ada"}}

// The steps of the scripted policy.
const (
	capital = "<think>I need the capital.</think><search>capital of Lunia</search>"
	weather = "<think>Hm.</think><search>weather</search>"
	mayor   = "<think>Now the mayor.</think><search>mayor of Marrow</search>"
	right   = "<think>There it is.</think><answer>Ada</answer>"
	wrong   = "<think>I guess.</think><answer>Bo</answer>"
)

// asks is where the first step stands, decides where a decision does.
const asks, decides = "Lunia?\n", "<decision>"

// environment is a world of three passages and a policy that says what say says.
func environment(t testing.TB, say func(prefix string, sample int) string) (*rollout.Env, *scripted.Counter) {
	env, err := scripted.World(say, []retrieval.Document{
		{ID: "1", Title: "Lunia", Text: "The capital of Lunia is Marrow."},
		{ID: "2", Title: "Marrow", Text: "The mayor of Marrow is Ada."},
		{ID: "3", Title: "Weather", Text: "The weather is fine."},
	}...)
	require.NoError(t, err)
	p := &env.Protocol
	p.Loose, p.Notice, p.Document, p.TopK = false, "", "{text}\n", 1
	p.Review.Prompt, p.Review.MaxTokens = "\nReview:\n{steps}<decision>", 64 // a token a character
	searcher := &scripted.Counter{Searcher: env.Searcher}
	env.Searcher = searcher
	return env, searcher
}

// stray drafts a trajectory that strays after its first search and, sampled again, finds the way.
func stray(decision string) func(prefix string, sample int) string {
	return func(prefix string, sample int) string {
		episode := prefix[strings.LastIndex(prefix, asks)+len(asks):]
		switch {
		case strings.HasSuffix(prefix, decides):
			return decision
		case episode == "":
			return capital
		case strings.HasSuffix(episode, "Marrow.</information>\n\n"):
			// Drafts come in one call for all, each suffix in a request of its own; both are sample 0 here, so the draft
			// is told from the suffix by who asks first.
			return weather
		case strings.Contains(episode, "fine"):
			return wrong
		}
		return right
	}
}

// turns makes say answer the n-th time it is asked for a step after the first search with steps[n], the last one from then on.
func turns(decision string, steps ...string) func(prefix string, sample int) string {
	n := 0
	plain := stray(decision)
	return func(prefix string, sample int) string {
		if strings.HasSuffix(prefix, "Marrow.</information>\n\n") {
			step := steps[min(n, len(steps)-1)]
			n++
			return step
		}
		return plain(prefix, sample)
	}
}

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// embedded is the embedded world with its own policy: the real path.
func embedded(t testing.TB) (*rollout.Env, *scripted.Counter, *tinyworld.World) {
	t.Helper()
	files, err := tinyworld.Base(tinyworld.Standard)
	require.NoError(t, err)
	config, weights, err := checkpoint.Load(files)
	require.NoError(t, err)
	tok, err := tokenizer.Load(files)
	require.NoError(t, err)
	policy, err := plain.New(config, weights, tok)
	require.NoError(t, err)
	world, err := tinyworld.New(tinyworld.Standard, tinyworld.Seed(tinyworld.Train, 0))
	require.NoError(t, err)
	index, err := retrieval.NewBM25(world.Documents())
	require.NoError(t, err)
	searcher := &scripted.Counter{Searcher: index}
	return &rollout.Env{Policy: policy, Searcher: searcher, Tokenizer: tok, Protocol: tinyworld.Protocol(tinyworld.Standard)}, searcher, world
}

// decider is a policy whose decisions are not its own.
type decider struct {
	rollout.Policy
	tok  *tokenizer.Tokenizer
	say  func(draft string) string
	seen [][]int // prefixes of all requests that are no decisions
}

func (d *decider) Generate(ctx context.Context, reqs []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	out := make([][]rollout.Completion, len(reqs))
	var others []rollout.GenerateRequest
	var place []int
	for i, req := range reqs {
		text := d.tok.Decode(req.Prefix)
		if !strings.HasSuffix(text, decides) {
			others, place = append(others, req), append(place, i)
			d.seen = append(d.seen, req.Prefix)
			continue
		}
		tokens := d.tok.EncodeTrusted(d.say(text))
		out[i] = []rollout.Completion{{Tokens: tokens, LogProbs: make([]float64, len(tokens)), Stop: "</decision>"}}
	}
	if len(others) == 0 {
		return out, nil
	}
	sampled, err := d.Policy.Generate(ctx, others)
	for n, c := range sampled {
		out[place[n]] = c
	}
	return out, err
}

func method(w *tinyworld.World) refiner.Method {
	m := refiner.Paper(nil)
	if w != nil {
		m.Process = tinyjudge.New(w)
	}
	m.Terms = false
	return m
}

func collect(t testing.TB, m refiner.Method, env *rollout.Env, questions ...qa.Question) ([]*rollout.Tree, grpo.Metrics) {
	t.Helper()
	trees, metrics, err := m.Collect(context.Background(), env, questions, seeded())
	require.NoError(t, err)
	require.Len(t, trees, len(questions))
	return trees, metrics
}
