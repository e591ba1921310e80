package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode"

	"searchrl/evaluate"
	"searchrl/retrieval"
	"searchrl/rollout"
)

// teller prints a trajectory as it grows.
type teller struct {
	w     io.Writer
	style func(style, text string) string
	told  int // segments
}

func newTeller(w io.Writer) *teller { return &teller{w: w, style: styled(w)} }

// tree prints the segments that have come since the last call; the tree must be a single path.
func (t *teller) tree(tree *rollout.Tree) {
	for ; t.told < len(tree.Segments); t.told++ {
		t.segment(tree, &tree.Segments[t.told])
	}
}

func (t *teller) segment(tree *rollout.Tree, s *rollout.Segment) {
	switch s.Kind {
	case rollout.Prompt:
		fmt.Fprintf(t.w, "%s  %s\n\n", t.style(bold, "question"), printable(tree.Question.Text))
	case rollout.Think:
		t.line("thinks", faint, withoutTags(s.Text))
	case rollout.Query:
		t.line("searches", cyan, s.Value)
	case rollout.Documents:
		if len(s.Hits) == 0 {
			t.line("finds", faint, "nothing")
		}
		for i, hit := range s.Hits {
			label := "finds"
			if i > 0 {
				label = ""
			}
			t.line(label, faint, documentLine(hit))
		}
		fmt.Fprintln(t.w)
	case rollout.Answer:
		t.line("answers", bold, s.Value)
	case rollout.ReviewPrompt:
		fmt.Fprintln(t.w)
	case rollout.Decision:
		t.line("decides", bold, cmp.Or(s.Value, "nothing that can be read: "+withoutTags(s.Text)))
		fmt.Fprintln(t.w)
	case rollout.Opening:
	default:
		t.line(string(s.Kind), red, strings.TrimSpace(s.Text))
	}
}

func (t *teller) line(label, style, text string) {
	fmt.Fprintf(t.w, "%s  %s\n", t.style(faint, fmt.Sprintf("%8s", label)), t.style(style, printable(text)))
}

// printable makes control characters visible, so that no document can drive the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// showVerdict prints how a trajectory ended.
func showVerdict(w io.Writer, r evaluate.Result) {
	style := styled(w)
	verdict := ""
	switch {
	case r.End != rollout.Answered:
		verdict = style(red, "No answer") + " (" + string(r.End) + ")"
	case len(r.Gold) == 0:
		verdict = "Answer: " + printable(r.Answer)
	case r.EM == 1:
		verdict = style(green, "Right")
	default:
		verdict = style(red, "Wrong")
	}
	if r.EM == 0 && len(r.Gold) > 0 {
		verdict += "; the answer is " + printable(strings.Join(r.Gold, " or "))
	}
	fmt.Fprintf(w, "\n%s. %d searches, %d tokens sampled.\n", verdict, r.Searches, r.Sampled)
}

// documentLine is a passage in one line; a title that the text mentions is not said twice.
func documentLine(hit retrieval.Hit) string {
	text := strings.Join(strings.Fields(hit.Text), " ")
	if hit.Title == "" || strings.Contains(text, hit.Title) {
		return text
	}
	return hit.Title + ": " + text
}

// withoutTags takes the tags off a thought.
func withoutTags(text string) string {
	tag := rollout.DefaultTags().Think
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(text), tag.Open()), tag.Close()))
}
