package tokenizer

import (
	"encoding/json"
	"fmt"
)

// configure reads the end-of-sequence token and the chat template from the text of tokenizer_config.json, nil where there is
// none. A template in a file of its own, "" where there is none, has precedence, as in transformers.
func (t *Tokenizer) configure(config []byte, template string) error {
	var file struct {
		EOS          json.RawMessage `json:"eos_token"`
		ChatTemplate json.RawMessage `json:"chat_template"`
	}
	if config != nil {
		if err := json.Unmarshal(config, &file); err != nil {
			return err
		}
	}
	eos, err := tokenName(file.EOS)
	if err != nil {
		return fmt.Errorf("eos_token: %w", err)
	}
	if eos != "" {
		id, ok := t.ids[eos]
		if !ok {
			return fmt.Errorf("eos_token is %q, which the vocabulary lacks", eos)
		}
		t.eos = id
	}
	if template == "" {
		if template, err = templateText(file.ChatTemplate); err != nil {
			return fmt.Errorf("chat_template: %w", err)
		}
	}
	// Most uses of a model need no chat, so a template that cannot be used is an error of Chat only.
	t.chat, t.chatErr = t.recogniseChat(template)
	return nil
}

// tokenName reads the name of a token: a string, or an object with the string as its "content"; null or nothing gives "".
func tokenName(raw json.RawMessage) (string, error) {
	if len(raw) == 0 {
		return "", nil
	}
	if raw[0] == '{' {
		var object struct {
			Content string `json:"content"`
		}
		err := json.Unmarshal(raw, &object)
		return object.Content, err
	}
	var name string
	err := json.Unmarshal(raw, &name)
	return name, err
}

// templateText reads a chat template: a string, or a list of named templates of which that called "default" counts.
func templateText(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || raw[0] != '[' {
		return tokenName(raw)
	}
	var list []struct {
		Name     string `json:"name"`
		Template string `json:"template"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return "", err
	}
	for _, named := range list {
		if named.Name == "default" {
			return named.Template, nil
		}
	}
	return "", nil
}
