package rollout

import "strings"

// TranscriptStep is one step of a recorded response and what the environment answered.
type TranscriptStep struct {
	Thought Range // before the action, as recorded: with its tags if it has any
	Action  Range // the query or the answer, tags included; of an invalid step, all of it
	Kind    Kind  // Query, Answer or Invalid
	Value   string
	// Observation is the block of documents, or the notice, that followed; empty if none did.
	Observation Range
}

// Transcript is a recorded response, divided.
type Transcript struct {
	Steps []TranscriptStep
	// Answered says whether there is a complete answer; Answer is the content of the last one.
	Answered bool
	Answer   string
}

// ParseTranscript divides a whole response of which only the text was kept: the steps of the policy with the documents
// and notices of the environment between them. Text alone does not say who wrote it, so this is for recordings of other
// programs; our own trees know. It reads what real models write:
//
//   - A step ends with its first complete action, as in the loose protocol; what precedes it is the thought, unclosed
//     tags, prose and invented documents included.
//   - A block of documents is the environment's only right after a query, and ends at the first closing tag. If another
//     block opens before that, the closing tag was lost in truncation, and the block ends where the next tag begins.
//   - The protocol's notice, up to surrounding white space, ends an invalid step.
func (p *Protocol) ParseTranscript(text string) Transcript {
	var out Transcript
	notice := strings.TrimSpace(p.Notice)
	for at := 0; strings.TrimSpace(text[at:]) != ""; {
		opening, end, ok := p.Tags.firstAction(text, at)
		if i := strings.Index(text[at:], notice); notice != "" && i >= 0 && (!ok || at+i < opening.at.Start) {
			// The notice may spell both actions; none of what it says is one.
			from, to := at+i, at+i+len(notice)
			out.Steps = append(out.Steps, TranscriptStep{
				Thought: Range{at, at}, Action: Range{at, from}, Kind: Invalid, Observation: Range{from, to},
			})
			at = to
			continue
		}
		if !ok {
			out.Steps = append(out.Steps, TranscriptStep{Thought: Range{at, at}, Action: Range{at, len(text)}, Kind: Invalid,
				Observation: Range{len(text), len(text)}})
			break
		}
		step := TranscriptStep{
			Thought: Range{at, opening.at.Start}, Action: Range{opening.at.Start, end}, Kind: Query,
			Value:       strings.TrimSpace(text[opening.at.End : end-len(opening.tag.Close())]),
			Observation: Range{end, end},
		}
		if opening.tag == p.Tags.Answer {
			step.Kind = Answer
			out.Answered, out.Answer = true, step.Value
		} else {
			step.Observation = p.Tags.documents(text, end)
		}
		out.Steps = append(out.Steps, step)
		at = step.Observation.End
	}
	return out
}

// documents returns the range of the block of documents that follows an executed query, empty if none does.
func (t Tags) documents(text string, at int) Range {
	opening, ok := t.next(text, at)
	if !ok || opening.tag != t.Information || opening.closing || strings.TrimSpace(text[at:opening.at.Start]) != "" {
		return Range{at, at}
	}
	first := -1 // where the first tag within the block begins
	for from := opening.at.End; ; {
		m, found := t.next(text, from)
		switch {
		case !found && first < 0:
			return Range{opening.at.Start, len(text)}
		case !found || m.tag == t.Information && !m.closing:
			if first < 0 {
				first = m.at.Start
			}
			return Range{opening.at.Start, first}
		case m.tag == t.Information:
			return Range{opening.at.Start, m.at.End}
		}
		if first < 0 {
			first = m.at.Start
		}
		from = m.at.End
	}
}
