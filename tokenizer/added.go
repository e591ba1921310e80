package tokenizer

// addedTokens finds added tokens in text: at each position the longest, from left to right, as the reference does.
type addedTokens struct {
	byText map[string]int
	firsts [256]bool
	length int // of the longest, in bytes
}

func (a *addedTokens) add(text string, id int) {
	if a.byText == nil {
		a.byText = make(map[string]int)
	}
	a.byText[text] = id
	a.firsts[text[0]] = true
	a.length = max(a.length, len(text))
}

// find returns where the first added token in text starts and ends, and its id.
func (a *addedTokens) find(text string) (start, end, id int, ok bool) {
	if len(a.byText) == 0 {
		return 0, 0, 0, false
	}
	for start := range len(text) {
		if !a.firsts[text[start]] {
			continue
		}
		for end := min(len(text), start+a.length); end > start; end-- {
			if id, ok := a.byText[text[start:end]]; ok {
				return start, end, id, true
			}
		}
	}
	return 0, 0, 0, false
}

// split calls plain for each stretch of text between added tokens and token for each of them, in order.
func (a *addedTokens) split(text string, plain func(string), token func(int)) {
	for text != "" {
		start, end, id, ok := a.find(text)
		if !ok {
			plain(text)
			return
		}
		if start > 0 {
			plain(text[:start])
		}
		token(id)
		text = text[end:]
	}
}
