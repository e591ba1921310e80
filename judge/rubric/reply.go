package rubric

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxReply is the longest reply that is looked at, in bytes.
const MaxReply = 16 << 10

// Reply is what a judging model has to say about one component.
type Reply struct {
	Score  int    // one of the component's scale
	Reason string // in the model's words
}

// Schema is the JSON schema of a reply about the component, for servers that constrain a model by one. [ParseReply] checks what
// comes all the same.
func Schema(component Component) map[string]any {
	return map[string]any{
		"type": "object",
		"properties": map[string]any{
			"score":  map[string]any{"type": "integer", "enum": component.Scale()},
			"reason": map[string]any{"type": "string"},
		},
		"required": []string{"score", "reason"}, "additionalProperties": false,
	}
}

// ParseReply reads a model's reply about a component. It accepts one JSON object and nothing else, with the keys "score" (a
// number of the component's scale, spelled -1, 0 or 1) and "reason" (a string), once each, in any order; white space may stand
// around it. Everything else is an error: a reply that has to be interpreted is not a judgement.
func ParseReply(component Component, text string) (Reply, error) {
	switch {
	case len(text) > MaxReply:
		return Reply{}, fmt.Errorf("the reply has %d bytes, expected at most %d", len(text), MaxReply)
	case strings.TrimSpace(text) == "":
		return Reply{}, errors.New("the reply is empty")
	case !utf8.ValidString(text):
		return Reply{}, fmt.Errorf("the reply %.120q is not UTF-8", text)
	}
	reply, err := parse(component.Scale(), text)
	if err != nil {
		return Reply{}, fmt.Errorf("the reply %.120q is not one object {\"score\": …, \"reason\": \"…\"}: %w", text, err)
	}
	return reply, nil
}

// parse goes through the tokens by hand, since json.Unmarshal accepts keys that are given twice, in other case, or not known.
func parse(scale []int, text string) (Reply, error) {
	if !json.Valid([]byte(text)) {
		return Reply{}, errors.New("it is no JSON value, or not only one")
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return Reply{}, errors.New("it does not begin with an object")
	}
	var reply Reply
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return Reply{}, fmt.Errorf("it breaks off or is no JSON: %w", err)
		}
		key, ok := t.(string)
		if !ok || seen[key] || key != "score" && key != "reason" {
			return Reply{}, fmt.Errorf("key %.120q is unknown or given twice", fmt.Sprint(t))
		}
		seen[key] = true
		value, err := d.Token()
		if err != nil {
			return Reply{}, fmt.Errorf("%s breaks off or is no JSON: %w", key, err)
		}
		if key == "reason" {
			if reply.Reason, ok = value.(string); !ok {
				return Reply{}, errors.New("reason is no string")
			}
			continue
		}
		number, _ := value.(json.Number)
		i := slices.IndexFunc(scale, func(n int) bool { return strconv.Itoa(n) == number.String() })
		if i < 0 {
			return Reply{}, fmt.Errorf("score is %.120q, expected %s", fmt.Sprint(value), spell(scale))
		}
		reply.Score = scale[i]
	}
	if _, err := d.Token(); err != nil {
		return Reply{}, fmt.Errorf("it breaks off: %w", err)
	}
	if len(seen) != 2 {
		return Reply{}, errors.New("score or reason is missing")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Reply{}, errors.New("more follows the object")
	}
	return reply, nil
}
