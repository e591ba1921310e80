package tokenizer

import (
	"encoding/json"
	"fmt"
)

// parse builds a tokenizer from the text of a tokenizer.json.
func parse(data []byte) (*Tokenizer, error) {
	var file vocabularyJSON
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	if err := file.check(); err != nil {
		return nil, err
	}
	t := &Tokenizer{ids: file.Model.Vocab, normalise: len(file.Normalizer.steps()) > 0, eos: -1}
	if err := t.fillTokens(&file); err != nil {
		return nil, err
	}
	if err := t.fillAdded(file.AddedTokens); err != nil {
		return nil, err
	}
	if err := t.fillBPE(file.Model); err != nil {
		return nil, err
	}
	return t, nil
}

// fillTokens sets the table by id of the model's vocabulary.
func (t *Tokenizer) fillTokens(file *vocabularyJSON) error {
	// Ids are nearly dense in practice; the bound keeps a tiny hostile file from asking for gigabytes.
	limit := 2*(len(file.Model.Vocab)+len(file.AddedTokens)) + 1<<16
	highest := 0
	check := func(spelling string, id int) error {
		if id < 0 || id >= limit {
			return fmt.Errorf("token %q has the id %d; expected one from 0 to %d", spelling, id, limit-1)
		}
		highest = max(highest, id)
		return nil
	}
	for spelling, id := range file.Model.Vocab {
		if err := check(spelling, id); err != nil {
			return err
		}
	}
	for _, a := range file.AddedTokens {
		if err := check(a.Content, a.ID); err != nil {
			return err
		}
	}
	t.tokens = make([]token, highest+1)
	letters := newAlphabet()
	for spelling, id := range file.Model.Vocab {
		if spelling == "" {
			return fmt.Errorf("the token with the id %d is empty", id)
		}
		if t.tokens[id].known {
			return fmt.Errorf("tokens %q and %q have the same id %d", t.tokens[id].spelling, spelling, id)
		}
		t.tokens[id] = token{spelling: spelling, bytes: letters.read(spelling), known: true}
	}
	return nil
}

// fillAdded adds the added tokens to the table and to the texts to look for.
func (t *Tokenizer) fillAdded(list []addedJSON) error {
	for _, a := range list {
		switch {
		case a.Content == "":
			return fmt.Errorf("the added token with the id %d is empty", a.ID)
		case a.SingleWord || a.LStrip || a.RStrip:
			return fmt.Errorf("the added token %q has single_word, lstrip or rstrip set; supported are tokens without", a.Content)
		}
		if id, ok := t.ids[a.Content]; ok && id != a.ID {
			return fmt.Errorf("the added token %q has the id %d, but the vocabulary says %d", a.Content, a.ID, id)
		}
		if known := t.tokens[a.ID]; known.known && known.spelling != a.Content {
			return fmt.Errorf("the added token %q has the id %d, which is that of %q", a.Content, a.ID, known.spelling)
		}
		text, finder := a.Content, &t.added
		if a.Normalized {
			text, finder = t.normaliseText(a.Content), &t.normalised
		}
		finder.add(text, a.ID)
		t.tokens[a.ID] = token{spelling: a.Content, bytes: text, added: true, known: true}
		t.ids[a.Content] = a.ID
	}
	return nil
}

// fillBPE sets the tables that ordinary text is encoded with. Added tokens are not in them, so that no text yields one by way
// of the vocabulary or a merge.
func (t *Tokenizer) fillBPE(m *modelJSON) error {
	letters := newAlphabet()
	for b := range 256 {
		spelling := string(letters.runeOf[b])
		id, ok := t.ids[spelling]
		if !ok {
			return fmt.Errorf("the vocabulary lacks %q, the token of byte %#02x; expected all 256 bytes", spelling, b)
		}
		if t.tokens[id].added {
			return fmt.Errorf("the added token %q is the token of byte %#02x, without which text cannot be encoded", spelling, b)
		}
		t.bpe.byteID[b] = int32(id)
	}
	if m.IgnoreMerges {
		t.bpe.ignoreMerges = true
		t.bpe.words = make(map[string]int32, len(t.tokens))
		for id, tok := range t.tokens {
			if tok.known && !tok.added {
				t.bpe.words[tok.bytes] = int32(id)
			}
		}
	}
	t.bpe.merges = make(map[pair]merge, len(m.Merges))
	for rank, parts := range m.Merges {
		if parts[0] == "" || parts[1] == "" {
			return fmt.Errorf("merge %d is %q, expected two tokens", rank, parts)
		}
		var ids [3]int
		for i, spelling := range [3]string{parts[0], parts[1], parts[0] + parts[1]} {
			id, ok := m.Vocab[spelling]
			if !ok {
				return fmt.Errorf("merge %d, %q with %q, needs the token %q, which the vocabulary lacks", rank, parts[0], parts[1], spelling)
			}
			ids[i] = id
		}
		if t.IsAdded(ids[2]) {
			continue
		}
		t.bpe.merges[pairOf(int32(ids[0]), int32(ids[1]))] = merge{rank: int32(rank), id: int32(ids[2])}
	}
	return nil
}
