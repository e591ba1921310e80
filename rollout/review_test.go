package rollout_test

import (
	"context"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/qa"
	"searchrl/rollout"
)

func reviewing(t testing.TB, say func(prefix string, sample int) string) *rollout.Env {
	t.Helper()
	env, _ := newEnv(t, say)
	env.Protocol.Tags.Decision = "decision"
	env.Protocol.Review = rollout.Review{
		Prompt: "\nThe steps:\n{steps}<decision>", Query: "{n} {action}\n", Answer: "{n} answer {action}\n", Invalid: "{n} nothing\n",
		MaxTokens: 40,
	}
	return env
}

func TestDecisions(t *testing.T) {
	p := rollout.SearchR1()
	for text, want := range map[string]rollout.Ruling{
		"accept":                            {Accept: true, Keep: 3},
		" accept</decision>":                {Accept: true, Keep: 3},
		"<decision> accept\n</decision>":    {Accept: true, Keep: 3},
		"revise 1":                          {Keep: 0},
		" revise 3</decision>":              {Keep: 2},
		"revise\n2":                         {Keep: 1},
		"":                                  {Accept: true, Keep: 3, Unreadable: true},
		"revise":                            {Accept: true, Keep: 3, Unreadable: true},
		"revise 0":                          {Accept: true, Keep: 3, Unreadable: true},
		"revise 4":                          {Accept: true, Keep: 3, Unreadable: true},
		"revise 01":                         {Accept: true, Keep: 3, Unreadable: true},
		"revise +1":                         {Accept: true, Keep: 3, Unreadable: true},
		"revise -1":                         {Accept: true, Keep: 3, Unreadable: true},
		"revise 1.0":                        {Accept: true, Keep: 3, Unreadable: true},
		"revise 99999999999999999999999999": {Accept: true, Keep: 3, Unreadable: true},
		"revise two":                        {Accept: true, Keep: 3, Unreadable: true},
		"Accept":                            {Accept: true, Keep: 3, Unreadable: true},
		"accept it":                         {Accept: true, Keep: 3, Unreadable: true},
		"accept revise 1":                   {Accept: true, Keep: 3, Unreadable: true},
		"revise 1 2":                        {Accept: true, Keep: 3, Unreadable: true},
		"accept</decision></decision>":      {Accept: true, Keep: 3, Unreadable: true},
	} {
		require.Equal(t, want, p.ParseDecision(text, 3), "%q", text)
	}
}

// decisionPattern is a second reader of decisions, written as an expression.
var decisionPattern = regexp.MustCompile(`^[\p{Z}\x09-\x0d\x{85}]*(?:(accept)|revise[\p{Z}\x09-\x0d\x{85}]+([1-9][0-9]{0,3}))[\p{Z}\x09-\x0d\x{85}]*$`)

func checkDecision(t require.TestingT, text string, steps int) {
	p := rollout.SearchR1()
	got := p.ParseDecision(text, steps)
	require.True(t, got.Accept && got.Keep == steps || !got.Accept && !got.Unreadable && got.Keep >= 0 && got.Keep < steps)
	body := strings.TrimSpace(text)
	body = strings.TrimSuffix(strings.TrimPrefix(body, "<decision>"), "</decision>")
	m := decisionPattern.FindStringSubmatch(body)
	want := rollout.Ruling{Accept: true, Keep: steps, Unreadable: true}
	switch {
	case m != nil && m[1] != "":
		want.Unreadable = false
	case m != nil:
		if n, err := strconv.Atoi(m[2]); err == nil && n <= steps {
			want = rollout.Ruling{Keep: n - 1}
		}
	}
	require.Equal(t, want, got, "%q", text)
}

func FuzzParseDecision(f *testing.F) {
	for _, text := range []string{"accept", " revise 2</decision>", "<decision>accept</decision>", "revise 1 ", "revise 10", "revise\u00a02", "</decision>"} {
		f.Add(text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, steps int) { checkDecision(t, text, max(0, min(steps, 1000))) })
}

func TestDecisionsAgreeWithTheExpression(t *testing.T) {
	pieces := []string{"accept", "revise", " ", "\n", "1", "2", "0", "-", "<decision>", "</decision>", "x", "\u00a0", "é"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 6).Draw(t, "pieces"), "")
		checkDecision(t, text, rapid.IntRange(0, 12).Draw(t, "steps"))
	})
}

func TestRulingsAreReadBack(t *testing.T) {
	p := rollout.SearchR1()
	for steps := range 12 {
		all := rollout.Rulings(steps)
		require.Len(t, all, steps+1)
		for _, ruling := range all {
			require.Equal(t, ruling, p.ParseDecision(ruling.String(), steps))
		}
	}
}

// draft rolls out one trajectory of two hops and then decides as told.
func draft(t *testing.T, decision string) (*rollout.Env, *rollout.Tree) {
	t.Helper()
	env := reviewing(t, func(prefix string, sample int) string {
		if strings.HasSuffix(prefix, "<decision>") {
			return decision
		}
		return twoHops(prefix, sample)
	})
	trees, err := env.Rollout(context.Background(), []qa.Question{opera}, 1, rollout.Sampling{Temperature: 1}, rng(1))
	require.NoError(t, err)
	return env, trees[0]
}

func TestReviewListsTheSteps(t *testing.T) {
	env, tree := draft(t, " revise 2</decision>")
	leaf := tree.Trajectories[0].Leaf
	before := len(tree.Segments)
	review, ok, err := env.Review(tree, leaf)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, before, review)
	s := tree.Segments[review]
	require.Equal(t, rollout.ReviewPrompt, s.Kind)
	require.False(t, s.Sampled())
	require.Equal(t, "\nThe steps:\n1 composer of Aurora\n2 birthplace of Vela Noor\n3 answer Tarn\n<decision>", s.Text)

	decided, err := env.Decide(context.Background(), []rollout.Leaf{{Tree: tree, Segment: review}}, rollout.Sampling{Temperature: 1}, []uint64{7})
	require.NoError(t, err)
	require.Equal(t, rollout.Ruling{Keep: 1}, decided[0].Ruling)
	d := tree.Segments[decided[0].Segment]
	require.Equal(t, rollout.Decision, d.Kind)
	require.Equal(t, review, d.Parent)
	require.Equal(t, "revise 2", d.Value)
	require.True(t, d.Sampled())
	require.NoError(t, tree.Validate())
	require.Len(t, tree.Steps(decided[0].Segment), 3, "a decision is no step")
	require.Equal(t, 3, tree.Count(decided[0].Segment).Turns)
}

func TestUnreadableDecisionsAccept(t *testing.T) {
	for _, text := range []string{"revise 4</decision>", "hm</decision>", "revise 1", "revise 1 <decision> accept</decision>"} {
		env, tree := draft(t, text)
		review, _, err := env.Review(tree, tree.Trajectories[0].Leaf)
		require.NoError(t, err)
		decided, err := env.Decide(context.Background(), []rollout.Leaf{{Tree: tree, Segment: review}}, rollout.Sampling{}, []uint64{1})
		require.NoError(t, err)
		require.Equal(t, rollout.Ruling{Accept: true, Keep: 3, Unreadable: true}, decided[0].Ruling, text)
		require.Empty(t, tree.Segments[decided[0].Segment].Value)
	}
}

// overhang says more than the closing tag, in the token that ends it, as tokens like ">\n\n" do.
type overhang struct {
	rollout.Policy
	tokens []int
}

func (o overhang) Generate(context.Context, []rollout.GenerateRequest) ([][]rollout.Completion, error) {
	return [][]rollout.Completion{{{Tokens: o.tokens, LogProbs: make([]float64, len(o.tokens)), Stop: "</decision>"}}}, nil
}

func TestDecisionEndsWithItsTag(t *testing.T) {
	env, tree := draft(t, "")
	review, _, err := env.Review(tree, tree.Trajectories[0].Leaf)
	require.NoError(t, err)
	env.Policy = overhang{env.Policy, env.Tokenizer.EncodeTrusted(" revise 2</decision><x")}
	decided, err := env.Decide(context.Background(), []rollout.Leaf{{Tree: tree, Segment: review}}, rollout.Sampling{}, []uint64{1})
	require.NoError(t, err)
	require.Equal(t, rollout.Ruling{Keep: 1}, decided[0].Ruling)
}

func TestReviewNeedsRoom(t *testing.T) {
	env, tree := draft(t, "accept</decision>")
	leaf := tree.Trajectories[0].Leaf
	probe := *tree
	_, ok, err := env.Review(&probe, leaf)
	require.NoError(t, err)
	require.True(t, ok)
	size := len(probe.PathTokens(len(probe.Segments)-1)) + env.Protocol.Review.MaxTokens
	env.Protocol.MaxTokens = size
	probe = *tree
	_, ok, err = env.Review(&probe, leaf)
	require.NoError(t, err)
	require.True(t, ok)
	env.Protocol.MaxTokens = size - 1
	before := len(tree.Segments)
	_, ok, err = env.Review(tree, leaf)
	require.NoError(t, err)
	require.False(t, ok)
	require.Len(t, tree.Segments, before)
}

// What a step says cannot become a tag of the review's.
func TestReviewShieldsTheSteps(t *testing.T) {
	env := reviewing(t, func(prefix string, _ int) string {
		if !strings.Contains(prefix, "<search>") {
			return "<search>a < /decision> b</search>"
		}
		return "<answer>x</answer>"
	})
	trees, err := env.Rollout(context.Background(), []qa.Question{opera}, 1, rollout.Sampling{}, rng(1))
	require.NoError(t, err)
	review, ok, err := env.Review(trees[0], trees[0].Trajectories[0].Leaf)
	require.NoError(t, err)
	require.True(t, ok)
	require.Contains(t, trees[0].Segments[review].Text, "1 a &lt; /decision> b\n")
}

// scorer gives every target the log-probability that a table has for its text.
type scorer struct {
	rollout.Policy
	env   *rollout.Env
	table map[string]float64
}

func (s scorer) Score(_ context.Context, reqs []rollout.ScoreRequest) ([][][]float64, error) {
	out := make([][][]float64, len(reqs))
	for i, req := range reqs {
		for _, target := range req.Targets {
			lps := make([]float64, len(target))
			lps[len(target)-1] = s.table[s.env.Tokenizer.Decode(target)]
			out[i] = append(out[i], lps)
		}
	}
	return out, nil
}

func TestOdds(t *testing.T) {
	env, tree := draft(t, "accept</decision>")
	review, _, err := env.Review(tree, tree.Trajectories[0].Leaf)
	require.NoError(t, err)
	table := map[string]float64{
		" accept</decision>": math.Log(.2), " revise 1</decision>": math.Log(.1), " revise 2</decision>": math.Log(.3), " revise 3</decision>": math.Log(.2),
	} // .2 of the mass is on no decision
	env.Policy = scorer{env.Policy, env, table}
	odds, err := env.Odds(context.Background(), []rollout.Leaf{{Tree: tree, Segment: review}})
	require.NoError(t, err)
	require.InDelta(t, .25, odds[0].Accept, 1e-12)
	require.InDelta(t, .8, odds[0].Readable, 1e-12)
	require.InDeltaSlice(t, []float64{1. / 6, .5, 1. / 3}, odds[0].Cut, 1e-12)

	for text := range table {
		table[text] -= 2000 // far below what exp can say
	}
	again, err := env.Odds(context.Background(), []rollout.Leaf{{Tree: tree, Segment: review}})
	require.NoError(t, err)
	require.InDelta(t, .25, again[0].Accept, 1e-9)

	table[" accept</decision>"] = math.NaN()
	_, err = env.Odds(context.Background(), []rollout.Leaf{{Tree: tree, Segment: review}})
	require.ErrorContains(t, err, "NaN")
	_, err = env.Odds(context.Background(), []rollout.Leaf{{Tree: tree, Segment: 0}})
	require.ErrorContains(t, err, "a prompt segment, expected a review")
	_, err = env.Decide(context.Background(), []rollout.Leaf{{Tree: tree, Segment: 0}}, rollout.Sampling{}, []uint64{1})
	require.ErrorContains(t, err, "expected a review")
	_, err = env.Decide(context.Background(), []rollout.Leaf{{Tree: tree, Segment: review}}, rollout.Sampling{}, nil)
	require.ErrorContains(t, err, "0 seeds for 1 drafts")
}

func TestReviewsAreValidated(t *testing.T) {
	for want, spoil := range map[string]func(p *rollout.Protocol){
		"needs a decision tag":            func(p *rollout.Protocol) { p.Tags.Decision = "" },
		"holds {steps} 0 times":           func(p *rollout.Protocol) { p.Review.Prompt = "<decision>" },
		"does not end with <decision>":    func(p *rollout.Protocol) { p.Review.Prompt = "{steps}" },
		"without {action}":                func(p *rollout.Protocol) { p.Review.Answer = "x" },
		"no text for an invalid step":     func(p *rollout.Protocol) { p.Review.Invalid = "" },
		"at most 0 tokens a decision":     func(p *rollout.Protocol) { p.Review.MaxTokens = 0 },
		`two tags are called "decision"`:  func(p *rollout.Protocol) { p.Tags.Search = "decision" },
		"lists a step without {action}":   func(p *rollout.Protocol) { p.Review.Query = "{n}" },
		"holds {steps} 2 times, expected": func(p *rollout.Protocol) { p.Review.Prompt = "{steps}{steps}<decision>" },
	} {
		p := rollout.SearchR1()
		require.NoError(t, p.Validate())
		spoil(&p)
		require.ErrorContains(t, p.Validate(), want)
	}
	env, _ := newEnv(t, twoHops)
	require.NoError(t, env.Validate(), "a protocol without a review")
	_, _, err := env.Review(&rollout.Tree{}, 0)
	require.ErrorContains(t, err, "no review")
}
