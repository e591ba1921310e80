package rollout

import (
	"errors"
	"fmt"
	"strings"
)

// Tag is the name of a protocol block; the block stands between Open and Close.
type Tag string

// Open returns the tag that begins a block: <name>.
func (t Tag) Open() string { return "<" + string(t) + ">" }

// Close returns the tag that ends a block: </name>.
func (t Tag) Close() string { return "</" + string(t) + ">" }

// content returns what a block says, without its tags, as far as it has them, and without surrounding white space.
func (t Tag) content(block string) string {
	block = strings.TrimPrefix(strings.TrimSpace(block), t.Open())
	return strings.TrimSpace(strings.TrimSuffix(block, t.Close()))
}

// Tags names the blocks of a protocol.
type Tags struct {
	Think       Tag `json:"think"`       // reasoning
	Search      Tag `json:"search"`      // a query
	Information Tag `json:"information"` // what the search found; the environment's
	Answer      Tag `json:"answer"`      // the answer
	// Refine names the block in which a step digests the documents before it thinks, as in AutoRefine's template, which
	// IG-Search uses. "" if the protocol has none.
	Refine Tag `json:"refine,omitempty"`
	// Decision names the block of a refiner's decision (see [Review]). "" if the protocol has no review.
	Decision Tag `json:"decision,omitempty"`
}

// DefaultTags are Search-R1's.
func DefaultTags() Tags {
	return Tags{Think: "think", Search: "search", Information: "information", Answer: "answer"}
}

// names returns the tags in use.
func (t Tags) names() []Tag {
	names := []Tag{t.Think, t.Search, t.Information, t.Answer}
	if t.Refine != "" {
		names = append(names, t.Refine)
	}
	if t.Decision != "" {
		names = append(names, t.Decision)
	}
	return names
}

// AfterLastTurn says what happens when the turns are spent without an answer.
type AfterLastTurn string

const (
	// Fail ends the trajectory. A search in the last turn is not executed, since no step would read its documents.
	Fail AfterLastTurn = "fail"
	// ForceAnswer opens an answer block and lets the policy sample its content: one more step. What the last turn
	// searched for is found first, since the forced answer can read it.
	ForceAnswer AfterLastTurn = "force answer"
)

// Placeholders of the templates in [Protocol].
const (
	QuestionPlaceholder = "{question}" // in Prompt
	NumberPlaceholder   = "{n}"        // in Document: 1 for the first document of a block
	TitlePlaceholder    = "{title}"    // in Document
	TextPlaceholder     = "{text}"     // in Document
)

// Protocol is the contract between agent and environment: how a question is put, what a step looks like, how documents
// are shown, and the budgets. It is plain data, so that a run can record it.
type Protocol struct {
	Tags Tags `json:"tags"`
	// Loose lets any text stand before an action, as Search-R1 does: whatever precedes the first complete action is the
	// thought. Otherwise a step is an optional thought in its tags and one action, with white space between at most.
	Loose bool `json:"loose"`
	// Prompt is the root segment's text; {question} stands in it exactly once.
	Prompt string `json:"prompt"`
	// Chat puts the prompt as a user's message into the tokenizer's chat template.
	Chat bool `json:"chat"`
	// Document shows one document: {n}, {title} and {text} are replaced. The block's trailing white space is dropped.
	Document string `json:"document"`
	// NoDocuments is shown in place of documents when a search found nothing.
	NoDocuments string `json:"no_documents"`
	// Gap is white space that the environment puts before and after a block of documents.
	Gap string `json:"gap"`
	// Notice is the environment's remark after an invalid action, which counts as a turn. "" means that an invalid
	// action ends the trajectory.
	Notice string `json:"notice"`
	// AfterLastTurn says what happens when MaxTurns steps brought no answer; "" means Fail.
	AfterLastTurn AfterLastTurn `json:"after_last_turn"`
	// ForcedAnswer is the opening of a forced answer: a thought if the policy is used to one, white space, and the answer's
	// opening tag. "" means the tag alone. The environment writes it, so none of it is trained.
	ForcedAnswer string `json:"forced_answer,omitempty"`
	// Review is how a draft is put to a refiner; methods without one never see it.
	Review Review `json:"review,omitzero"`

	MaxTurns      int `json:"max_turns"`       // B: steps a trajectory, invalid ones included, a forced answer not; ≥ 1
	MaxStepTokens int `json:"max_step_tokens"` // sampled tokens a step; ≥ 1
	TopK          int `json:"top_k"`           // documents a search; ≥ 1
	MaxDocTokens  int `json:"max_doc_tokens"`  // tokens a block of documents, tags included; ≥ 1 and room for the tags
	MaxTokens     int `json:"max_tokens"`      // tokens a trajectory, prompt and documents included; ≥ 2
}

// SearchR1 is the protocol for real models: Search-R1's tags, document format and budgets (4 turns, 500 tokens a step,
// 3 documents of 500 tokens together, 4096 tokens in all), with instructions of our own. It is loose, as theirs is.
func SearchR1() Protocol {
	tags := DefaultTags()
	tags.Decision = "decision"
	return Protocol{
		Tags:  tags,
		Loose: true,
		Prompt: "Find the answer to the question below. You work in steps. Begin each step by reasoning about what you know " +
			"and what is missing, between <think> and </think>. If something is missing, look it up: write a search query " +
			"between <search> and </search>. The passages that match best are then shown to you between <information> and " +
			"</information>, and you go on with the next step. You may search several times, for one thing at a time. As soon " +
			"as you know the answer, write it between <answer> and </answer>: the bare name, date, number or phrase, without an " +
			"explanation; for example <answer> Paris </answer>.\n" +
			"Question: {question}\n",
		Document:    "Doc {n}(Title: {title}) {text}\n",
		NoDocuments: "No passage matches this query.",
		Gap:         "\n\n",
		Notice: "\nThat was not a valid step. A step ends with either a query between <search> and </search> or the final " +
			"answer between <answer> and </answer>. Please try again.\n",
		AfterLastTurn: Fail,
		ForcedAnswer:  "\n<answer>",
		Review: Review{
			Prompt: "\nThe work above is a draft. These were its steps:\n{steps}" +
				"Review it. If the answer is well supported, decide <decision> accept</decision>. If not, find the first step that " +
				"went wrong or brought nothing new, and decide <decision> revise N</decision> with its number N: everything from that " +
				"step on is then done again.\n<decision>",
			Query:     "Step {n}: searched for {action}\n",
			Answer:    "Step {n}: answered {action}\n",
			Invalid:   "Step {n}: no valid action\n",
			MaxTokens: 16,
		},
		MaxTurns:      4,
		MaxStepTokens: 500,
		TopK:          3,
		MaxDocTokens:  500,
		MaxTokens:     4096,
	}
}

// Bare is a protocol without instructions, for policies that were warm-started on it: strict, terse, with small budgets
// (6 turns, 40 tokens a step, 2 documents). An invalid action ends the trajectory.
func Bare() Protocol {
	return Protocol{
		Tags:          DefaultTags(),
		Prompt:        "Question: {question}\n",
		Document:      "{text}\n",
		AfterLastTurn: Fail,
		MaxTurns:      6,
		MaxStepTokens: 40,
		TopK:          2,
		MaxDocTokens:  120,
		MaxTokens:     1024,
	}
}

// Validate reports the first setting that makes no sense.
func (p *Protocol) Validate() error {
	if err := p.Tags.validate(); err != nil {
		return fmt.Errorf("protocol: %w", err)
	}
	if n := strings.Count(p.Prompt, QuestionPlaceholder); n != 1 {
		return fmt.Errorf("protocol: the prompt holds %s %d times, expected once", QuestionPlaceholder, n)
	}
	if !strings.Contains(p.Document, TextPlaceholder) {
		return fmt.Errorf("protocol: the document template %q lacks %s", p.Document, TextPlaceholder)
	}
	if strings.TrimSpace(p.Gap) != "" {
		return fmt.Errorf("protocol: gap %q, expected white space", p.Gap)
	}
	if err := p.Review.validate(p.Tags); err != nil {
		return fmt.Errorf("protocol: %w", err)
	}
	switch p.AfterLastTurn {
	case "", Fail, ForceAnswer:
	default:
		return fmt.Errorf("protocol: after the last turn %q, expected %q or %q", p.AfterLastTurn, Fail, ForceAnswer)
	}
	if s := p.Tags.parseStrict(p.forcedAnswer() + "x" + p.Tags.Answer.Close()); s.Kind != Answer || s.Value != "x" {
		return fmt.Errorf("protocol: forced answer %q, expected %s, with a whole thought and white space before it at most", p.ForcedAnswer, p.Tags.Answer.Open())
	}
	for _, budget := range []struct {
		name       string
		value, min int
	}{
		{"turns", p.MaxTurns, 1},
		{"tokens a step", p.MaxStepTokens, 1},
		{"documents a search", p.TopK, 1},
		{"tokens a block of documents", p.MaxDocTokens, 1},
		{"tokens a trajectory", p.MaxTokens, 2},
	} {
		if budget.value < budget.min {
			return fmt.Errorf("protocol: at most %d %s, expected %d or more", budget.value, budget.name, budget.min)
		}
	}
	return nil
}

func (t Tags) validate() error {
	seen := map[Tag]bool{}
	for _, name := range t.names() {
		if name == "" {
			return errors.New("a tag has no name; think, search, information and answer need one")
		}
		for _, r := range name {
			if (r < 'a' || r > 'z') && r != '_' {
				return fmt.Errorf("tag %q holds %q, expected a–z and _ only", name, r)
			}
		}
		if seen[name] {
			return fmt.Errorf("two tags are called %q", name)
		}
		seen[name] = true
	}
	return nil
}

// Stops returns the texts that end a sampled step: the closing tags of the two actions.
func (p *Protocol) Stops() []string { return []string{p.Tags.Search.Close(), p.Tags.Answer.Close()} }

func (p *Protocol) forcedAnswer() string {
	if p.ForcedAnswer == "" {
		return p.Tags.Answer.Open()
	}
	return p.ForcedAnswer
}

func (p *Protocol) forces() bool { return p.AfterLastTurn == ForceAnswer }
