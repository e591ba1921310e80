package rollout

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"searchrl/qa"
	"searchrl/retrieval"
	"searchrl/tokenizer"
)

// Env is where trajectories happen: a policy, a searcher, and the protocol between them. Its methods are the pieces that
// an agent loop is made of; [Env.Rollout] is the plain loop. It holds no state, so it is safe for concurrent use if its
// policy and searcher are (on different trees).
type Env struct {
	Policy    Policy
	Searcher  retrieval.Searcher
	Tokenizer *tokenizer.Tokenizer
	Protocol  Protocol
	// Positions is the longest sequence that the policy can take; 0 means that there is no such limit. The protocol's MaxTokens
	// must respect it; it is for those who raise that budget.
	Positions int
}

// Validate reports what the environment lacks, or the first setting of the protocol that makes no sense.
func (e *Env) Validate() error {
	switch {
	case e.Policy == nil:
		return errors.New("environment: no policy")
	case e.Searcher == nil:
		return errors.New("environment: no searcher")
	case e.Tokenizer == nil:
		return errors.New("environment: no tokenizer")
	}
	if err := e.Protocol.Validate(); err != nil {
		return err
	}
	if frame := len(e.documentsOpen()) + len(e.documentsClose()); e.Protocol.MaxDocTokens <= frame {
		return fmt.Errorf("protocol: at most %d tokens a block of documents, of which the tags take %d",
			e.Protocol.MaxDocTokens, frame)
	}
	return nil
}

// Start begins a question's tree: its root is the prompt. What the question's text spells cannot become a special token
// nor a protocol tag (see [Tags.Shield]).
func (e *Env) Start(question qa.Question) (*Tree, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	before, after, _ := strings.Cut(e.Protocol.Prompt, QuestionPlaceholder)
	tokens, err := e.promptTokens(before, e.Protocol.Tags.Shield(question.Text), after, e.Protocol.Chat)
	if err != nil {
		return nil, fmt.Errorf("writing the prompt of question %q: %w", question.ID, err)
	}
	if len(tokens) == 0 {
		return nil, fmt.Errorf("writing the prompt of question %q: it has no tokens", question.ID)
	}
	tree := &Tree{Question: question}
	tree.Add(e.inserted(Prompt, NoParent, tokens))
	return tree, nil
}

// promptTokens encodes the template's two halves as our own text and the question as text from outside.
func (e *Env) promptTokens(before, question, after string, chat bool) ([]int, error) {
	if chat {
		message := tokenizer.Message{Role: tokenizer.User, Content: before + question + after}
		return e.Tokenizer.Chat([]tokenizer.Message{message}, true)
	}
	// A template without special tokens is encoded together with the question, as any other text would be.
	if !e.special(before) && !e.special(after) {
		return e.Tokenizer.Encode(before + question + after), nil
	}
	if strings.HasSuffix(before, " ") { // a word's token holds the space before it
		before, question = strings.TrimSuffix(before, " "), " "+question
	}
	return slices.Concat(e.Tokenizer.EncodeTrusted(before), e.Tokenizer.Encode(question), e.Tokenizer.EncodeTrusted(after)), nil
}

// special reports whether our own text holds tokens that text from outside cannot.
func (e *Env) special(text string) bool {
	return slices.ContainsFunc(e.Tokenizer.EncodeTrusted(text), e.Tokenizer.IsAdded)
}

// inserted is a segment of the environment's tokens.
func (e *Env) inserted(kind Kind, parent int, tokens []int) Segment {
	return Segment{Parent: parent, Kind: kind, Tokens: tokens, Text: e.Tokenizer.Decode(tokens)}
}

// Documents returns the block that shows hits, not yet in a tree (Parent is NoParent). The text shown is shielded
// ([Tags.Shield]), encoded without special tokens, and cut to MaxDocTokens before the closing tag, never through a
// character; Hits holds the documents as they were found.
func (e *Env) Documents(hits []retrieval.Hit) Segment {
	open, shut := e.documentsOpen(), e.documentsClose()
	body := e.Tokenizer.Encode(e.Protocol.Tags.Shield(e.Protocol.render(hits)))
	body = e.cut(body, e.Protocol.MaxDocTokens-len(open)-len(shut))
	segment := e.inserted(Documents, NoParent, slices.Concat(open, body, shut))
	segment.Hits = slices.Clone(hits)
	return segment
}

// render writes the documents by the protocol's template.
func (p *Protocol) render(hits []retrieval.Hit) string {
	if len(hits) == 0 {
		return p.NoDocuments
	}
	var text strings.Builder
	for i, hit := range hits {
		// One pass: a title that spells a placeholder stays as it is.
		text.WriteString(strings.NewReplacer(NumberPlaceholder, strconv.Itoa(i+1), TitlePlaceholder, hit.Title,
			TextPlaceholder, hit.Text).Replace(p.Document))
	}
	return strings.TrimRight(text.String(), " \t\r\n")
}

// cut keeps at most n tokens and ends with a whole character.
func (e *Env) cut(tokens []int, n int) []int {
	if len(tokens) <= n {
		return tokens
	}
	for n = max(n, 0); n > 0; n-- {
		stream := e.Tokenizer.Stream()
		for _, id := range tokens[:n] {
			stream.Push(id)
		}
		if stream.Flush() == "" {
			break
		}
	}
	return tokens[:n]
}

func (e *Env) documentsOpen() []int {
	return e.Tokenizer.EncodeTrusted(e.Protocol.Gap + e.Protocol.Tags.Information.Open())
}

func (e *Env) documentsClose() []int {
	return e.Tokenizer.EncodeTrusted(e.Protocol.Tags.Information.Close() + e.Protocol.Gap)
}

// Open appends an Opening segment to a leaf and returns its index: text of the environment that the next step begins
// with, as if the policy had written it, but which is never trained. SLATE opens each step with <think> in this way.
func (e *Env) Open(tree *Tree, leaf int, text string) int {
	return tree.Add(e.inserted(Opening, leaf, e.Tokenizer.EncodeTrusted(text)))
}

// Reflect asks for another attempt at the tree's question: after the end of an attempt it appends a Reflection segment with the
// text of template, in which {question} is replaced as in a prompt, and returns its index. What follows has the protocol's
// turns to itself; the budget of tokens is that of the whole path. ok is false, and nothing is appended, if no token of a step
// would find room after it.
//
// Also under a chat template the text stands as it is, without the role of a user.
func (e *Env) Reflect(tree *Tree, leaf int, template string) (segment int, ok bool, err error) {
	before, after, _ := strings.Cut(template, QuestionPlaceholder)
	question := ""
	if strings.Contains(template, QuestionPlaceholder) {
		question = e.Protocol.Tags.Shield(tree.Question.Text)
	}
	tokens, err := e.promptTokens(before, question, after, false)
	switch {
	case err != nil:
		return leaf, false, fmt.Errorf("asking for another attempt at question %q: %w", tree.Question.ID, err)
	case len(tokens) == 0:
		return leaf, false, fmt.Errorf("asking for another attempt at question %q: the text %q has no tokens", tree.Question.ID, template)
	case len(tree.PathTokens(leaf))+len(tokens) >= e.Protocol.MaxTokens:
		return leaf, false, nil
	}
	return tree.Add(e.inserted(Reflection, leaf, tokens)), true, nil
}
