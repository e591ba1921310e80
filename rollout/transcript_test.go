package rollout_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"searchrl/rollout"
)

func TestParseTranscript(t *testing.T) {
	const notice = "Invalid! Use <search> and </search> or <answer> and </answer>."
	for _, c := range []struct {
		name, text string
		want       []string // kind|value|observation of each step
		answer     string
		answered   bool
	}{
		{"empty", " \n", nil, "", false},
		{"two steps", "<think>x</think>\n<search> a </search>\n\n<information>Doc 1 b</information>\n\n<answer> c </answer>",
			[]string{"query|a|<information>Doc 1 b</information>", "answer|c|"}, "c", true},
		{"a query that was not executed", "<search>a</search>", []string{"query|a|"}, "", false},
		{"documents hold tags", "<search>a</search><information><answer>no</answer><search>no</search></information><answer>c</answer>",
			[]string{"query|a|<information><answer>no</answer><search>no</search></information>", "answer|c|"}, "c", true},
		{"documents that lost their closing tag", "<search>a</search><information>Doc 1 cut <search>b</search><information>Doc 1 x</information><answer>c</answer>",
			[]string{"query|a|<information>Doc 1 cut ", "query|b|<information>Doc 1 x</information>", "answer|c|"}, "c", true},
		{"the last documents lost it", "<search>a</search><information>Doc 1 cut <answer>c</answer>",
			[]string{"query|a|<information>Doc 1 cut ", "answer|c|"}, "c", true},
		{"documents and nothing else", "<search>a</search><information>Doc 1 cut", []string{"query|a|<information>Doc 1 cut"}, "", false},
		{"one block after another", "<search>a</search><information>x<information>y</information><answer>c</answer>",
			[]string{"query|a|<information>x", "answer|c|"}, "c", true},
		{"invented documents are a thought", "<information>I know.</information><answer>c</answer>", []string{"answer|c|"}, "c", true},
		{"a notice spells both actions", "I will. </search>\n" + notice + "\n<search>a</search>",
			[]string{"invalid||" + notice, "query|a|"}, "", false},
		{"a notice at the end", "hm\n" + notice, []string{"invalid||" + notice}, "", false},
		{"an action before the notice counts", "<search>a</search>" + notice + "<answer>c</answer>",
			[]string{"query|a|", "invalid||" + notice, "answer|c|"}, "c", true},
		{"the last answer counts", "<answer>b</answer><answer>c</answer>", []string{"answer|b|", "answer|c|"}, "c", true},
		{"a blank answer is one", "<answer> </answer>", []string{"answer||"}, "", true},
		{"crossed tags are none", "<answer>b</search> c </answer>", []string{"invalid||"}, "", false},
		{"unclosed", "<think>x</think><answer>b", []string{"invalid||"}, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := rollout.SearchR1()
			p.Notice = "\n" + notice + "\n"
			got := p.ParseTranscript(c.text)
			var steps []string
			for _, s := range got.Steps {
				steps = append(steps, strings.Join([]string{string(s.Kind), s.Value, s.Observation.Of(c.text)}, "|"))
			}
			require.Equal(t, c.want, steps)
			require.Equal(t, c.answer, got.Answer)
			require.Equal(t, c.answered, got.Answered)
		})
	}
}

// What our own trees say as text is divided as they are, whatever was sampled and found, because documents are shielded.
func TestTranscriptsOfOurTreesAreTheirSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rollout.SearchR1()
		var text strings.Builder
		var want []rollout.Kind
		for range rapid.IntRange(0, 5).Draw(t, "steps") {
			said := drawStep(t)
			step := p.ParseStep(said)
			text.WriteString(said)
			switch want = append(want, step.Kind); step.Kind {
			case rollout.Query:
				text.WriteString("\n\n<information>" + p.Tags.Shield(drawStep(t)) + "</information>\n\n")
			case rollout.Invalid:
				if complete := strings.Contains(said, "</search>") || strings.Contains(said, "</answer>"); complete {
					return // such a step ends otherwise: generation stops at the closing tag
				}
				text.WriteString(p.Notice)
			}
		}
		var got []rollout.Kind
		for _, s := range p.ParseTranscript(text.String()).Steps {
			got = append(got, s.Kind)
		}
		require.Equal(t, want, got, "%q", text.String())
	})
}
