package tokenizer

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Role says who speaks in a [Message].
type Role string

// The roles of a chat.
const (
	System    Role = "system"
	User      Role = "user"
	Assistant Role = "assistant"
)

// Message is one turn of a chat. Its content is text from outside and cannot become an added token.
type Message struct {
	Role    Role
	Content string
}

// ErrNoChat is what [Tokenizer.Chat] returns, wrapped with the reason, where the model has no chat template or one that is not
// implemented.
var ErrNoChat = errors.New("no usable chat template")

// chatML is the template of the Qwen2 family: each message is <|im_start|>role, a line break, the content and <|im_end|>, a
// line break.
type chatML struct {
	start, end    int
	defaultSystem string // the system message that stands first where the chat has none; "" for no such message
}

const (
	chatStart = "<|im_start|>"
	chatEnd   = "<|im_end|>"
)

// defaultSystem finds the system message that a Jinja template puts before a chat without one, written as a single string in
// which the line breaks are escaped or not.
var defaultSystem = regexp.MustCompile(`['"]<\|im_start\|>system(?:\\n|\n)([^'"{}<\\]+)<\|im_end\|>(?:\\n|\n)['"]`)

// recogniseChat decides whether a Jinja template is ChatML as Qwen2 has it. Templates are not executed: those of the family
// agree on all that Chat does, and differ in the default system message, tools (not offered here) and, from Qwen3 on, in the
// treatment of thoughts, which is refused.
func (t *Tokenizer) recogniseChat(template string) (chatML, error) {
	if template == "" {
		return chatML{}, fmt.Errorf("%w: neither %s has a chat_template nor is there a %s", ErrNoChat, configFile, chatTemplateFile)
	}
	for _, part := range []string{chatStart, chatEnd, chatStart + "assistant", "add_generation_prompt"} {
		if !strings.Contains(template, part) {
			return chatML{}, fmt.Errorf("%w: the model's template lacks %s; supported is ChatML as Qwen2 has it", ErrNoChat, part)
		}
	}
	for _, part := range []string{"<think>", "reasoning_content"} {
		if strings.Contains(template, part) {
			return chatML{}, fmt.Errorf("%w: the model's template treats %s specially; supported is ChatML as Qwen2 has it", ErrNoChat, part)
		}
	}
	var c chatML
	for text, id := range map[string]*int{chatStart: &c.start, chatEnd: &c.end} {
		var ok bool
		if *id, ok = t.ids[text]; !ok || !t.IsAdded(*id) {
			return chatML{}, fmt.Errorf("%w: %s is not an added token of the vocabulary", ErrNoChat, text)
		}
	}
	if match := defaultSystem.FindStringSubmatch(template); match != nil {
		c.defaultSystem = match[1]
	} else if strings.Contains(template, "You are") {
		return chatML{}, fmt.Errorf("%w: the model's template has a default system message that is not written as one string", ErrNoChat)
	}
	return c, nil
}

// Chat puts messages into the chat template of the model and returns the token ids; with addGenerationPrompt they end where
// the assistant's answer begins. Models whose template has a default system message get it unless the first message is a
// system message.
//
// The result is ids and not text on purpose: contents are encoded by [Tokenizer.Encode], so a message that spells <|im_end|>
// stays inside its turn, which no text could express. For ordinary contents the ids are those of the reference's template.
func (t *Tokenizer) Chat(messages []Message, addGenerationPrompt bool) ([]int, error) {
	if t.chatErr != nil {
		return nil, t.chatErr
	}
	if len(messages) == 0 {
		return nil, errors.New("a chat needs at least one message")
	}
	if messages[0].Role != System && t.chat.defaultSystem != "" {
		messages = append([]Message{{Role: System, Content: t.chat.defaultSystem}}, messages...)
	}
	var ids []int
	for i, m := range messages {
		switch m.Role {
		case System, User, Assistant:
		default:
			return nil, fmt.Errorf("message %d of the chat has the role %q; expected %s, %s or %s", i, m.Role, System, User, Assistant)
		}
		ids = append(ids, t.chat.start)
		// As one text, since a content that starts with a line break makes one token with that of the template.
		ids = append(ids, t.Encode(string(m.Role)+"\n"+m.Content)...)
		ids = append(ids, t.chat.end)
		ids = append(ids, t.Encode("\n")...)
	}
	if addGenerationPrompt {
		ids = append(ids, t.chat.start)
		ids = append(ids, t.Encode(string(Assistant)+"\n")...)
	}
	return ids, nil
}
