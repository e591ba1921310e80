package rollout

import (
	"strings"
	"unicode"
)

// Range is a half-open range of bytes.
type Range struct{ Start, End int }

// Empty reports whether the range holds nothing.
func (r Range) Empty() bool { return r.Start == r.End }

// Of returns the part of text that the range covers.
func (r Range) Of(text string) string { return text[r.Start:r.End] }

// Step is how the text of one step divides. The three ranges follow each other and together cover the whole text; each
// takes the white space before its first tag, the action also what follows it.
type Step struct {
	// Refine and Thought are what precedes the action, tags included; empty where the step has none.
	Refine, Thought Range
	// Action is the query or the answer, tags included; of an invalid step, everything.
	Action Range
	// Kind is Query, Answer or Invalid.
	Kind Kind
	// Value is the action's content without surrounding white space; "" for an invalid step.
	Value string
	// Reason says what is wrong with an invalid step.
	Reason string
}

// mark is one protocol tag in a text.
type mark struct {
	tag     Tag
	closing bool
	at      Range
}

func (m mark) String() string {
	if m.closing {
		return m.tag.Close()
	}
	return m.tag.Open()
}

// next returns the first protocol tag at or after from. Tags are matched byte by byte: <Search> and < search> are text.
func (t Tags) next(text string, from int) (mark, bool) {
	for from < len(text) {
		i := strings.IndexByte(text[from:], '<')
		if i < 0 {
			break
		}
		from += i
		rest := text[from+1:]
		closing := strings.HasPrefix(rest, "/")
		if closing {
			rest = rest[1:]
		}
		for _, tag := range t.names() {
			if len(rest) > len(tag) && rest[len(tag)] == '>' && rest[:len(tag)] == string(tag) {
				return mark{tag, closing, Range{from, len(text) - len(rest) + len(tag) + 1}}, true
			}
		}
		from++
	}
	return mark{}, false
}

// ParseStep divides the text of one sampled step. A valid step is
//
//	[ <refine> … </refine> ] [ <think> … </think> ] ( <search> … </search> | <answer> … </answer> )
//
// with white space between the blocks at most, no protocol tag inside one, and a query or an answer that is not blank.
// If the protocol is loose, the first complete action that holds no tag decides, and all before it is the thought.
// It never fails: what is no valid step is an Invalid one, with the reason.
func (p *Protocol) ParseStep(text string) Step {
	if p.Loose {
		return p.Tags.parseLoose(text)
	}
	return p.Tags.parseStrict(text)
}

func (t Tags) parseStrict(text string) Step {
	var s Step
	at := 0
	for _, block := range []struct {
		tag   Tag
		where *Range
	}{{t.Refine, &s.Refine}, {t.Think, &s.Thought}} {
		if block.tag == "" || !opens(text, at, block.tag) {
			*block.where = Range{at, at}
			continue
		}
		end, reason := t.block(text, at, block.tag)
		if reason != "" {
			return invalid(text, reason)
		}
		*block.where = Range{at, end}
		at = end
	}
	switch {
	case opens(text, at, t.Search):
		return t.finish(s, text, at, t.Search)
	case opens(text, at, t.Answer):
		return t.finish(s, text, at, t.Answer)
	case strings.TrimSpace(text[at:]) == "":
		return invalid(text, "there is no action")
	}
	if m, ok := t.next(text, at); ok && strings.TrimSpace(text[at:m.at.Start]) == "" {
		return invalid(text, m.String()+" where an action should begin")
	}
	return invalid(text, "text outside a block")
}

// opens reports whether, white space aside, the text goes on with the tag's opening.
func opens(text string, at int, tag Tag) bool {
	return strings.HasPrefix(strings.TrimSpace(text[at:]), tag.Open())
}

// block returns where the block of tag that opens at the text's position at ends.
func (t Tags) block(text string, at int, tag Tag) (end int, reason string) {
	opening, _ := t.next(text, at)
	closing, ok := t.next(text, opening.at.End)
	switch {
	case !ok:
		return 0, tag.Open() + " is not closed"
	case closing.tag != tag || !closing.closing:
		return 0, closing.String() + " inside " + tag.Open()
	}
	return closing.at.End, ""
}

// finish reads the action that opens at the text's position at and what follows it.
func (t Tags) finish(s Step, text string, at int, tag Tag) Step {
	end, reason := t.block(text, at, tag)
	if reason != "" {
		return invalid(text, reason)
	}
	if strings.TrimSpace(text[end:]) != "" {
		return invalid(text, "text after the action")
	}
	opening, _ := t.next(text, at)
	s.Value = strings.TrimSpace(text[opening.at.End : end-len(tag.Close())])
	if s.Value == "" {
		return invalid(text, "nothing between "+tag.Open()+" and "+tag.Close())
	}
	s.Action = Range{at, len(text)}
	s.Kind = Query
	if tag == t.Answer {
		s.Kind = Answer
	}
	return s
}

func (t Tags) parseLoose(text string) Step {
	opening, _, ok := t.firstAction(text, 0)
	if !ok {
		return invalid(text, "there is no complete action")
	}
	at := len(strings.TrimRightFunc(text[:opening.at.Start], unicode.IsSpace))
	return t.finish(Step{Thought: Range{0, at}}, text, at, opening.tag)
}

// firstAction returns the opening of the first query or answer at or after from that is closed before another protocol
// tag comes, and where it ends.
func (t Tags) firstAction(text string, from int) (opening mark, end int, ok bool) {
	open := false
	for {
		m, found := t.next(text, from)
		if !found {
			return mark{}, 0, false
		}
		switch {
		case open && m.closing && m.tag == opening.tag:
			return opening, m.at.End, true
		case !m.closing && (m.tag == t.Search || m.tag == t.Answer):
			opening, open = m, true
		default:
			open = false
		}
		from = m.at.End
	}
}

func invalid(text, reason string) Step {
	return Step{Action: Range{0, len(text)}, Kind: Invalid, Reason: reason}
}
