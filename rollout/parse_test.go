package rollout_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/rollout"
)

func TestParseStep(t *testing.T) {
	for _, c := range []struct {
		name, text    string
		thought       string
		kind          rollout.Kind
		value, reason string
	}{
		{"query alone", "<search>capital of France</search>", "", rollout.Query, "capital of France", ""},
		{"thought and query", "<think> Which? </think><search> a b </search>", "<think> Which? </think>", rollout.Query, "a b", ""},
		{"thought and answer", "<think>I know.</think>\n<answer>Paris</answer>\n", "<think>I know.</think>", rollout.Answer, "Paris", ""},
		{"white space around", "\n <think>x</think> \n\n<answer>\ty\n</answer>  ", "\n <think>x</think>", rollout.Answer, "y", ""},
		{"empty thought", "<think></think><answer>y</answer>", "<think></think>", rollout.Answer, "y", ""},
		{"angle brackets are text", "<think>1 < 2 > 0 </b></think><search>a < b</search>", "<think>1 < 2 > 0 </b></think>", rollout.Query, "a < b", ""},
		{"a half tag is text", "<search>Gulf War </search</search>", "", rollout.Query, "Gulf War </search", ""},
		{"case matters", "<Think>x</Think><search>a</search>", "", rollout.Invalid, "", "text outside a block"},
		{"spaces matter", "< search>a</search>", "", rollout.Invalid, "", "text outside a block"},

		{"empty", "", "", rollout.Invalid, "", "there is no action"},
		{"white space", " \n", "", rollout.Invalid, "", "there is no action"},
		{"prose", "Paris", "", rollout.Invalid, "", "text outside a block"},
		{"thought only", "<think>x</think>", "", rollout.Invalid, "", "there is no action"},
		{"unclosed thought", "<think>x", "", rollout.Invalid, "", "<think> is not closed"},
		{"unclosed query", "<search>x", "", rollout.Invalid, "", "<search> is not closed"},
		{"closing tag alone", "</search>", "", rollout.Invalid, "", "</search> where an action should begin"},
		{"two thoughts", "<think>x</think><think>y</think><answer>z</answer>", "", rollout.Invalid, "", "<think> where an action should begin"},
		{"action in the thought", "<think>x <search>y</search>", "", rollout.Invalid, "", "<search> inside <think>"},
		{"nested query", "<search>a <search>b</search></search>", "", rollout.Invalid, "", "<search> inside <search>"},
		{"wrong close", "<search>a</answer>", "", rollout.Invalid, "", "</answer> inside <search>"},
		{"both actions", "<search>a</search><answer>b</answer>", "", rollout.Invalid, "", "text after the action"},
		{"blank query", "<search> \n </search>", "", rollout.Invalid, "", "nothing between <search> and </search>"},
		{"blank answer", "<answer></answer>", "", rollout.Invalid, "", "nothing between <answer> and </answer>"},
		{"its own documents", "<information>Doc 1 x</information><answer>x</answer>", "", rollout.Invalid, "", "<information> where an action should begin"},
		{"documents in the thought", "<think><information>x</information></think><answer>x</answer>", "", rollout.Invalid, "", "<information> inside <think>"},
		{"text before the thought", "Let me think. <think>x</think><search>y</search>", "", rollout.Invalid, "", "text outside a block"},
		{"text between", "<think>x</think> so <search>y</search>", "", rollout.Invalid, "", "text outside a block"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := rollout.Bare()
			step := p.ParseStep(c.text)
			require.Equal(t, c.kind, step.Kind)
			require.Equal(t, c.value, step.Value)
			require.Equal(t, c.reason, step.Reason)
			require.Equal(t, c.thought, step.Thought.Of(c.text))
		})
	}
}

func TestParseStepLoose(t *testing.T) {
	for _, c := range []struct {
		name, text, thought string
		kind                rollout.Kind
		value               string
	}{
		{"strict steps are valid", "<think>x</think><search>y</search>", "<think>x</think>", rollout.Query, "y"},
		{"no thought", "\n<search>y</search>\n", "", rollout.Query, "y"},
		{"prose before", "A:\n\n<think>\nUnclosed.\n<search> y </search>", "A:\n\n<think>\nUnclosed.", rollout.Query, "y"},
		{"invented documents", "<information>Doc 1 z<answer>z</answer>", "<information>Doc 1 z", rollout.Answer, "z"},
		{"the inner opening counts", "<search> a <search>b</search>", "<search> a", rollout.Query, "b"},
		{"a closing tag alone is no action", "<think>I will search.</search>", "", rollout.Invalid, ""},
		{"unclosed", "<think>x</think><search>y", "", rollout.Invalid, ""},
		{"crossed", "<search>a</answer>", "", rollout.Invalid, ""},
		{"blank", "<search> </search>", "", rollout.Invalid, ""},
		{"text after", "<search>a</search> b", "", rollout.Invalid, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := rollout.SearchR1()
			step := p.ParseStep(c.text)
			require.Equal(t, c.kind, step.Kind, step.Reason)
			require.Equal(t, c.value, step.Value)
			require.Equal(t, c.thought, step.Thought.Of(c.text))
			require.Equal(t, c.kind == rollout.Invalid, step.Reason != "")
		})
	}
}

func TestParseStepWithRefine(t *testing.T) {
	p := rollout.Bare()
	p.Tags.Refine, p.Tags.Information = "refine", "documents"
	text := "<refine>So it is X.</refine> <think>Then Y.</think> <search>Y of X</search>"
	step := p.ParseStep(text)
	require.Equal(t, rollout.Query, step.Kind, step.Reason)
	require.Equal(t, "<refine>So it is X.</refine>", step.Refine.Of(text))
	require.Equal(t, " <think>Then Y.</think>", step.Thought.Of(text))
	require.Equal(t, " <search>Y of X</search>", step.Action.Of(text))
	require.Equal(t, rollout.Invalid, p.ParseStep("<think>a</think><refine>b</refine><answer>c</answer>").Kind, "refine comes first")

	plain := rollout.Bare()
	require.Equal(t, rollout.Invalid, plain.ParseStep(text).Kind, "a protocol without refine does not know it")
}

// stepPieces are what generated steps are made of: enough tags to be nearly valid often.
var stepPieces = []string{
	"<think>", "</think>", "<search>", "</search>", "<answer>", "</answer>", "<information>", "</information>", "<refine>", "</refine>",
	" ", "\n", "a", "b c", "<", ">", "</", "think>", "<Search>", "é", "\u00a0", "\xff", "<search", "&lt;answer>",
	"<think>a</think>", "<search>b</search>", "<answer>c</answer>",
}

func drawStep(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(stepPieces), 0, 9).Draw(t, "pieces"), "")
}

func TestParserAgreesWithTheAutomaton(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { compareWithAutomaton(t, drawStep(t)) })
}

func FuzzParseStep(f *testing.F) {
	for _, piece := range stepPieces {
		f.Add(piece)
		f.Add("<think>x</think>" + piece + "<search>y</search>")
		f.Add("<search>" + piece + "</search>")
	}
	f.Fuzz(func(t *testing.T, text string) { compareWithAutomaton(t, text) })
}

func compareWithAutomaton(t require.TestingT, text string) {
	for _, refine := range []rollout.Tag{"", "refine"} {
		p := rollout.Bare()
		p.Tags.Refine = refine
		got, want := p.ParseStep(text), automaton(text, refine != "")
		require.Equal(t, want.kind, got.Kind, "%q: %s", text, got.Reason)
		require.Equal(t, want.value, got.Value, "%q", text)
		if want.kind != rollout.Invalid {
			require.Equal(t, want.refine, got.Refine.Of(text), "%q", text)
			require.Equal(t, want.thought, got.Thought.Of(text), "%q", text)
		}
		requireCover(t, text, got)

		p.Loose = true
		loose := p.ParseStep(text)
		requireCover(t, text, loose)
		if got.Kind != rollout.Invalid {
			require.Equal(t, got.Kind, loose.Kind, "loose accepts what strict accepts: %q", text)
			require.Equal(t, got.Value, loose.Value, "%q", text)
		}
		for _, s := range []rollout.Step{got, loose} {
			require.Equal(t, s.Kind == rollout.Invalid, s.Reason != "")
			require.Equal(t, s.Kind == rollout.Invalid, s.Value == "")
		}
	}
}

// requireCover checks that the ranges follow each other and cover the text.
func requireCover(t require.TestingT, text string, s rollout.Step) {
	require.Equal(t, 0, s.Refine.Start)
	require.Equal(t, s.Refine.End, s.Thought.Start)
	require.Equal(t, s.Thought.End, s.Action.Start)
	require.Equal(t, len(text), s.Action.End)
	require.LessOrEqual(t, s.Refine.Start, s.Refine.End)
	require.LessOrEqual(t, s.Thought.Start, s.Thought.End)
	require.LessOrEqual(t, s.Action.Start, s.Action.End)
}
