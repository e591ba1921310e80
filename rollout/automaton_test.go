package rollout_test

import (
	"regexp"
	"strings"

	"searchrl/rollout"
)

// A second parser of strict steps, written as a table and not as code: the text becomes a string of symbols, one a tag
// or character, and an automaton walks over them. It shares nothing with the parser but the rules.

// symbols in the order of the table's columns. A capital letter is a tag's opening, a small one its closing; w is white
// space and x any other character.
const symbols = "RrTtSsAaIiwx"

// table[state][symbol] is the next state, '!' where there is none.
//
//	0 start  1 in refine  2 after refine  3 in think  4 after think
//	5 in search, blank  6 in search  7 in answer, blank  8 in answer  9 done (query)  E done (answer)
var table = map[byte]string{
	//    RrTtSsAaIiwx
	'0': "1!3!5!7!!!0!",
	'1': "!2!!!!!!!!11",
	'2': "!!3!5!7!!!2!",
	'3': "!!!4!!!!!!33",
	'4': "!!!!5!7!!!4!",
	'5': "!!!!!!!!!!56",
	'6': "!!!!!9!!!!66",
	'7': "!!!!!!!!!!78",
	'8': "!!!!!!!E!!88",
	'9': "!!!!!!!!!!9!",
	'E': "!!!!!!!!!!E!",
}

var anyTag = map[bool]*regexp.Regexp{
	false: regexp.MustCompile(`(?s)</?(think|search|answer|information)>|.`),
	true:  regexp.MustCompile(`(?s)</?(refine|think|search|answer|information)>|.`),
}

type verdict struct {
	kind                   rollout.Kind
	refine, thought, value string
}

func automaton(text string, refine bool) verdict {
	state := byte('0')
	var v verdict
	before := "" // what was read since the last block ended
	inside := "" // content of the action
	for _, piece := range split(text, refine) {
		symbol := classify(piece)
		next := table[state][strings.IndexByte(symbols, symbol)]
		if next == '!' {
			return verdict{kind: rollout.Invalid}
		}
		before += piece
		switch {
		case state == '1' && next == '2':
			v.refine, before = before, ""
		case state == '3' && next == '4':
			v.thought, before = before, ""
		case strings.IndexByte("5678", state) >= 0 && strings.IndexByte("56789E", next) >= 0 && next < '9':
			inside += piece
		}
		state = next
	}
	switch state {
	case '9':
		v.kind = rollout.Query
	case 'E':
		v.kind = rollout.Answer
	default:
		return verdict{kind: rollout.Invalid}
	}
	v.value = strings.TrimSpace(inside)
	return v
}

// split cuts the text into tags and characters; a byte that is no character is one of its own.
func split(text string, refine bool) []string {
	return anyTag[refine].FindAllString(text, -1)
}

func classify(piece string) byte {
	if strings.HasPrefix(piece, "</") && len(piece) > 2 {
		return piece[2]
	}
	if strings.HasPrefix(piece, "<") && len(piece) > 1 {
		return piece[1] - 'a' + 'A'
	}
	if strings.TrimSpace(piece) == "" {
		return 'w'
	}
	return 'x'
}
