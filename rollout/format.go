package rollout

import (
	"fmt"
	"strings"
	"unicode"
)

// Format writes the path to leaf for people, one segment after the other with its kind in the margin: thoughts, queries,
// documents as they were shown, notices, the answer. Tags and surrounding white space are left out where the kind says
// them already, control characters are made visible, and every line belongs to the margin, so no document can look like
// another segment.
//
//	question   Who composed …?
//	think      I need the composer of …
//	query      composer of …
//	documents  Doc 1(Title: …) …
//	           Doc 2(Title: …) …
//	answer     …
func Format(tree *Tree, leaf int) string {
	var out strings.Builder
	for _, i := range tree.Path(leaf) {
		s := &tree.Segments[i]
		name, text := string(s.Kind), content(s)
		if s.Kind == Prompt {
			name, text = "question", tree.Question.Text
		}
		writeBlock(&out, name, text)
	}
	return out.String()
}

// FormatTrajectory is Format for trajectory i of the tree, with a last line that says how it ended.
func FormatTrajectory(tree *Tree, i int) string {
	t := tree.Trajectories[i]
	var out strings.Builder
	out.WriteString(Format(tree, t.Leaf))
	writeBlock(&out, "end", fmt.Sprintf("%s: %s, %s, %s, reward %g", t.End, plural(t.Turns, "turn"),
		plural(t.Searches, "search"), plural(t.Invalid, "invalid action"), t.Reward))
	return out.String()
}

func plural(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "ch"):
		return fmt.Sprintf("%d %ses", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// content is what a segment says without the tags that its kind stands for.
func content(s *Segment) string {
	text := strings.TrimSpace(s.Text)
	switch s.Kind {
	case Refine, Think, Query, Answer, Decision:
		if s.Value != "" {
			return s.Value
		}
	case Documents:
		if i := strings.IndexByte(text, '>'); i >= 0 && strings.HasPrefix(text, "<") {
			text = text[i+1:]
		}
		if i := strings.LastIndex(text, "</"); i >= 0 && strings.HasSuffix(text, ">") {
			text = text[:i]
		}
	}
	return strings.TrimSpace(text)
}

const margin = 11

func writeBlock(out *strings.Builder, name, text string) {
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			name = ""
		}
		line = strings.TrimRight(fmt.Sprintf("%-*s%s", margin, name, visible(line)), " ")
		out.WriteString(line)
		out.WriteByte('\n')
	}
}

// visible replaces what could move a terminal's cursor, change its colours or reorder its text.
func visible(line string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r == '\u200c', r == '\u200d': // joiners belong to words and emoji
			return r
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
			return unicode.ReplacementChar
		}
		return r
	}, line)
}
