package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxReply is the longest reply that is looked at, in bytes.
const maxReply = 16 << 10

// Reply is what a judging model has to say about one component.
type Reply struct {
	Score  int    // −1, 0 or 1
	Reason string // in the model's words
}

// ParseReply reads a model's reply. It accepts one JSON object and nothing else, with the keys "score" (the number -1, 0 or
// 1, spelled so) and "reason" (a string), once each, in any order; white space may stand around it. Everything else is an
// error: a reply that has to be interpreted is not a judgement.
func ParseReply(text string) (Reply, error) {
	switch {
	case len(text) > maxReply:
		return Reply{}, fmt.Errorf("the reply has %d bytes, expected at most %d", len(text), maxReply)
	case strings.TrimSpace(text) == "":
		return Reply{}, errors.New("the reply is empty")
	case !utf8.ValidString(text):
		return Reply{}, fmt.Errorf("the reply %s is not UTF-8", excerpt(text))
	}
	reply, err := parse(text)
	if err != nil {
		return Reply{}, fmt.Errorf("the reply %s is not one object {\"score\": -1|0|1, \"reason\": \"…\"}: %w", excerpt(text), err)
	}
	return reply, nil
}

// parse goes through the tokens by hand, since json.Unmarshal accepts keys that are given twice, in other case, or not known.
func parse(text string) (Reply, error) {
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
			return Reply{}, fmt.Errorf("key %q is unknown or given twice", fmt.Sprint(t))
		}
		seen[key] = true
		value, err := d.Token()
		if err != nil {
			return Reply{}, fmt.Errorf("%s breaks off or is no JSON: %w", key, err)
		}
		if key == "reason" {
			if reply.Reason, ok = value.(string); !ok {
				return Reply{}, fmt.Errorf("reason is no string")
			}
			continue
		}
		number, _ := value.(json.Number)
		switch number {
		case "-1":
			reply.Score = -1
		case "0":
			reply.Score = 0
		case "1":
			reply.Score = 1
		default:
			return Reply{}, fmt.Errorf("score is %s", excerpt(fmt.Sprint(value)))
		}
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

// excerpt quotes the beginning of a text, for an error.
func excerpt(text string) string {
	const most = 120
	if len(text) <= most {
		return fmt.Sprintf("%q", text)
	}
	return fmt.Sprintf("%q…", text[:most])
}
